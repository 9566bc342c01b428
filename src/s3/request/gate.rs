//! What is refused before s3s sees it, because s3s would hold too much of it or explain too little.

use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, Method, StatusCode, Uri};

use super::error_page::ErrorPage;

const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// Is the request signed, in whatever way, right or wrong?
pub fn is_signed(uri: &Uri, headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || has_parameter(uri, "X-Amz-Signature") || has_parameter(uri, "Signature")
}

/// The same without the signature in its query.
pub fn unsigned(uri: &Uri) -> Uri {
    let signature =
        |pair: &&str| pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("X-Amz-Signature"));
    let kept: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|pair| !signature(pair)).collect();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{}?{}", uri.path(), kept.join("&")).parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// # Errors
/// The answer to a request that goes no further.
pub fn check(method: &Method, uri: &Uri, headers: &HeaderMap, max_header_bytes: usize) -> Result<(), ErrorPage> {
    // As on the wire: name, colon, space, value, line end.
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > max_header_bytes {
        let message = "Your request header section exceeds the maximum allowed size.";
        return Err(ErrorPage::new(BAD, "RequestHeaderSectionTooLarge", message));
    }
    let header_v2 = headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS "));
    if header_v2 || (has_parameter(uri, "AWSAccessKeyId") && has_parameter(uri, "Signature")) {
        let message = "Signature version 2 is not supported. Please use AWS4-HMAC-SHA256: set signature_version = s3v4 \
                       in the client's configuration (for the aws command line: aws configure set \
                       default.s3.signature_version s3v4).";
        return Err(ErrorPage::new(BAD, "InvalidRequest", message));
    }
    // s3s calls such a URL malformed (400), but a client has to learn that its signature is wrong.
    if parameter(uri, "X-Amz-Signature").is_some_and(never_a_signature) {
        let message = "The request signature we calculated does not match the signature you provided. Check your key \
                       and signing method.";
        return Err(ErrorPage::new(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message));
    }
    if headers.contains_key("x-amz-security-token") || has_parameter(uri, "X-Amz-Security-Token") {
        let message = "The provided token is malformed or otherwise invalid: this server issues no session tokens.";
        return Err(ErrorPage::new(BAD, "InvalidToken", message));
    }
    // s3s reads all fields of a form into memory before it looks at the signature.
    let form = headers.get(CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().get(..19).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/form-data"))
    });
    if *method == Method::POST && form {
        let message = "Uploads by browser forms are not implemented.";
        return Err(ErrorPage::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message));
    }
    Ok(())
}

/// Is this not the hex of an HMAC? One that is empty counts as missing, and s3s decodes what is escaped.
fn never_a_signature(value: &str) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    !value.is_empty() && !value.contains('%') && (value.len() != 64 || !value.bytes().all(digit))
}

fn has_parameter(uri: &Uri, name: &str) -> bool {
    parameter(uri, name).is_some()
}

/// The first value of a query parameter as it was sent; empty if it has none.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut pairs = uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn code(method: Method, uri: &'static str, headers: &[(&'static str, &str)]) -> Option<&'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        check(&method, &Uri::from_static(uri), &map, 8192).err().map(ErrorPage::code)
    }

    #[test]
    fn an_ordinary_request_passes() {
        assert_eq!(code(Method::GET, "/b/k?x-id=GetObject", &[("authorization", "AWS4-HMAC-SHA256 x")]), None);
    }

    #[test]
    fn a_signature_is_taken_out_of_a_query() {
        for (signed, unsigned) in [
            ("/b/k?a=b&X-Amz-Signature=0a&c", "/b/k?a=b&c"),
            ("http://host/b/k?x-amz-signature=0a", "http://host/b/k?"),
            ("/b/k", "/b/k?"),
        ] {
            assert_eq!(super::unsigned(&Uri::from_static(signed)), Uri::from_static(unsigned));
        }
    }

    #[test]
    fn shapes_of_signatures() {
        let digits = "0123456789abcdef".repeat(4);
        for left_to_s3s in ["", "%30", digits.as_str()] {
            assert!(!never_a_signature(left_to_s3s), "{left_to_s3s}");
        }
        for wrong in ["0", &digits[1..], &format!("0{digits}"), &digits.to_uppercase(), &digits.replace('f', "g")] {
            assert!(never_a_signature(wrong), "{wrong}");
        }
    }

    #[test]
    fn what_is_refused_says_why() {
        let long = "x".repeat(9000);
        assert_eq!(code(Method::GET, "/", &[("x-long", &long)]), Some("RequestHeaderSectionTooLarge"));
        assert_eq!(code(Method::GET, "/", &[("authorization", "AWS key:sig")]), Some("InvalidRequest"));
        let presigned = "/b/k?AWSAccessKeyId=a&Signature=b&Expires=1";
        assert_eq!(code(Method::GET, presigned, &[]), Some("InvalidRequest"));
        assert_eq!(code(Method::GET, "/b/k?X-Amz-Signature=0a", &[]), Some("SignatureDoesNotMatch"));
        assert_eq!(code(Method::GET, "/b/k?X-Amz-Security-Token=t", &[]), Some("InvalidToken"));
        let form = [("content-type", "Multipart/Form-Data; boundary=x")];
        assert_eq!(code(Method::POST, "/b", &form), Some("NotImplemented"));
    }
}
