//! Version 2 in the query of a presigned URL, for clients that make no other by default. Off unless it is set:
//! it signs no region, no time of signing and no `host`, and lives as long as its signer wants.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::StatusCode;
use sha1::Sha1;

use super::authenticator::{Authenticator, Verified};
use super::payload::Payload;
use super::refusal;
use super::signed::Signed;
use super::time::Moment;
use crate::s3::operation::is_selecting;
use crate::s3::request::error_page::ErrorPage;

/// Query names that are part of what is signed.
const SIGNED: [&str; 35] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// # Errors
/// Version 2 is not accepted; the answer tells both ways out.
pub fn check_enabled(enabled: bool) -> Result<(), ErrorPage> {
    if enabled {
        return Ok(());
    }
    let message = "Presigned URLs of signature version 2 are not accepted. Please use AWS4-HMAC-SHA256: set \
                   signature_version = s3v4 in the client's configuration (for the aws command line: aws configure set \
                   default.s3.signature_version s3v4), or start the server with --allow-sigv2-presigned.";
    Err(ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidRequest", message))
}

/// The answer to version 2 in a header, which no setting accepts.
pub fn header_refused() -> ErrorPage {
    let message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256: set \
                   signature_version = s3v4 in the client's configuration (for the aws command line: aws configure set \
                   default.s3.signature_version s3v4).";
    ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

/// Verifies a presigned GET, HEAD or PUT.
pub fn presigned(authenticator: &Authenticator, signed: &Signed<'_>) -> Result<Verified, ErrorPage> {
    let part = |name: &str| {
        let message = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
        let missing = || ErrorPage::new(StatusCode::FORBIDDEN, "AccessDenied", message);
        signed.query.unique(name).ok_or_else(missing)
    };
    let (access_key, expires, signature) = (part("AWSAccessKeyId")?, part("Expires")?, part("Signature")?);
    let (principal, secret) = authenticator.secret(access_key)?;
    let until = Moment(expires.parse().map_err(|_| {
        let message = format!("Invalid date (should be seconds since epoch): {expires}");
        ErrorPage::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    })?);
    if !matches!(signed.method, "GET" | "HEAD" | "PUT") {
        let message = "Signature version 2 is accepted for GET, HEAD and PUT only.";
        return Err(ErrorPage::new(StatusCode::FORBIDDEN, "AccessDenied", message));
    }
    // Whoever has the URL could add them.
    let added = signed.query.pairs().iter().find(|(name, _)| is_selecting(name) && !SIGNED.contains(&name.as_str()));
    if let Some((name, _)) = added {
        let message = format!("Signature version 2 does not sign the query string parameter {name}.");
        return Err(ErrorPage::new(StatusCode::FORBIDDEN, "AccessDenied", message));
    }
    let payload = Payload::of_presigned(signed)?;
    let texts = [string_to_sign(signed, expires, true), string_to_sign(signed, expires, false)];
    let given = STANDARD.decode(signature).unwrap_or_default();
    if !texts.iter().any(|text| verifies(secret, text, &given)) {
        let text = String::from_utf8_lossy(&texts[0]);
        return Err(refusal::mismatch(access_key, signature, &text, None));
    }
    let now = Moment::now();
    if now > until {
        return Err(refusal::expired(&until.shown(), &now.shown()));
    }
    Ok(Verified { principal, payload, region: String::new() })
}

/// In a time that does not depend on where they differ.
fn verifies(secret: &str, text: &[u8], signature: &[u8]) -> bool {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.verify_slice(signature).is_ok()
}

/// `keeps_equals`: a name with an empty value keeps its `=`; clients differ.
fn string_to_sign(signed: &Signed<'_>, expires: &str, keeps_equals: bool) -> Vec<u8> {
    let header = |name: &str| signed.headers.get(name).map(|value| value.as_bytes()).unwrap_or_default();
    let mut text = format!("{}\n", signed.method).into_bytes();
    for part in [header("content-md5"), header("content-type"), expires.as_bytes()] {
        text.extend_from_slice(part);
        text.push(b'\n');
    }
    let mut names: Vec<&str> =
        signed.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-amz-")).collect();
    names.sort_unstable();
    for name in names {
        let values: Vec<&[u8]> = signed.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
        text.extend_from_slice(format!("{name}:").as_bytes());
        text.extend_from_slice(&values.join(&b','));
        text.push(b'\n');
    }
    if let Some(bucket) = signed.host_bucket {
        text.extend_from_slice(format!("/{bucket}").as_bytes());
    }
    text.extend_from_slice(signed.path.as_bytes());
    let mut pairs: Vec<String> = signed
        .query
        .raw()
        .filter(|((name, _), _)| SIGNED.contains(&name.as_str()))
        .map(|((name, value), equals)| match value.is_empty() && !(equals && keeps_equals) {
            true => name.clone(),
            false => format!("{name}={value}"),
        })
        .collect();
    pairs.sort_unstable();
    if !pairs.is_empty() {
        text.push(b'?');
        text.extend_from_slice(pairs.join("&").as_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue};

    use super::super::query::Query;
    use super::*;

    /// The example of the S3 developer guide, "Signing and authenticating REST requests", query string authentication.
    #[test]
    fn the_guides_example_is_signed_as_there() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let query = Query::parse("AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620&Signature=x");
        let headers = HeaderMap::new();
        let (method, path) = ("GET", "/photos/puppy.jpg");
        let signed = Signed { method, path, query: &query, headers: &headers, host_bucket: Some("johnsmith") };
        let text = string_to_sign(&signed, "1175139620", true);
        let signature = STANDARD.decode("NpgCjnDzrM+WFzoENXmpNDUsSn8=").unwrap();
        assert!(verifies(secret, &text, &signature));
        assert!(!verifies(secret, &text, &signature[1..]) && !verifies(secret, &text, &[]));
        assert!(!verifies("other", &text, &signature));
    }

    #[test]
    fn headers_and_sub_resources_are_signed() {
        let query = Query::parse("uploadId=a%2Bb&partNumber=1&acl=&prefix=x&Expires=1");
        let mut headers = HeaderMap::new();
        headers.append("x-amz-meta-b", HeaderValue::from_static("1"));
        headers.append("x-amz-meta-b", HeaderValue::from_static("2"));
        headers.insert("x-amz-acl", HeaderValue::from_static("private"));
        headers.insert("content-type", HeaderValue::from_static("text/plain"));
        let signed = Signed { method: "PUT", path: "/b/k", query: &query, headers: &headers, host_bucket: None };
        let text = |keeps| String::from_utf8(string_to_sign(&signed, "1", keeps)).unwrap();
        let head = "PUT\n\ntext/plain\n1\nx-amz-acl:private\nx-amz-meta-b:1,2\n/b/k";
        assert_eq!(text(true), format!("{head}?acl=&partNumber=1&uploadId=a+b"));
        assert_eq!(text(false), format!("{head}?acl&partNumber=1&uploadId=a+b"));
    }
}
