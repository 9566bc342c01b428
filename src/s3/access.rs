//! What s3s asks before it reads a request: whether it was authorized, and which headers are refused rather than
//! ignored.

use std::sync::Arc;

use http::HeaderMap;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use super::error::to_s3_error;
use super::operation::RequestBody;
use super::pipeline::document::{is_longer, too_long};
use super::request::context::RequestContext;
use crate::object::{MAX_USER_METADATA, ObjectError};

/// The account that owns all buckets.
pub const ACCOUNT: &str = "000000000000";

/// Knows nobody: signatures are verified in [`super::auth`], and s3s gets none. Only with an authenticator does it ask
/// for access.
pub struct NoAuth;

#[async_trait::async_trait]
impl S3Auth for NoAuth {
    async fn get_secret_key(&self, _: &str) -> S3Result<SecretKey> {
        Err(s3_error!(AccessDenied))
    }
}

/// Runs once the request is authorized ([`super::authorize`]) and the operation known, before any body is read.
pub struct Access {
    /// Most bytes of a body that s3s reads itself.
    pub max_xml_bytes: usize,
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let context = cx.extensions_mut().get::<Arc<RequestContext>>().cloned();
        let Some(context) = context.filter(|context| context.is_authorized()) else {
            return Err(s3_error!(AccessDenied));
        };
        let operation = cx.s3_op().name();
        let Some(row) = context.row().filter(|row| row.name == operation) else {
            tracing::error!(found = operation, expected = context.operation(), "a request is routed in two ways");
            return Err(s3_error!(NotImplemented, "The request is not understood."));
        };
        // s3s enforces this limit too, but reports it as its own fault.
        if row.body() != RequestBody::Object && is_longer(cx.headers(), self.max_xml_bytes) {
            return Err(too_long(self.max_xml_bytes));
        }
        check_headers(cx.headers(), operation == "CreateBucket")
    }
}

/// Refuses what the request asks for and the server does not do.
fn check_headers(headers: &HeaderMap, makes_bucket: bool) -> S3Result<()> {
    let mut metadata = 0;
    for (name, value) in headers {
        let Some(rest) = name.as_str().strip_prefix("x-amz-") else { continue };
        if let Some(user) = rest.strip_prefix("meta-") {
            metadata += user.len() + value.len();
        } else if !is_wanted(rest, value.as_bytes()) {
            // Clients say so of what they do not ask for.
        } else if rest.starts_with("server-side-encryption") || rest.starts_with("copy-source-server-side-encryption") {
            return Err(s3_error!(
                NotImplemented,
                "Server-side encryption is not implemented: remove the header {name}."
            ));
        } else if rest.starts_with("object-lock-") || rest == "bucket-object-lock-enabled" {
            return Err(s3_error!(NotImplemented, "Object lock is not implemented: remove the header {name}."));
        } else if rest == "write-offset-bytes" {
            return Err(s3_error!(
                NotImplemented,
                "Appending to objects is not implemented: remove the header {name}."
            ));
        } else if rest == "acl" {
            check_acl(value.as_bytes(), makes_bucket)?;
        } else if rest.starts_with("grant-") {
            return Err(no_acls(makes_bucket));
        } else if rest == "object-ownership" {
            check_ownership(value.as_bytes())?;
        } else if matches!(rest, "expected-bucket-owner" | "source-expected-bucket-owner") {
            check_owner(value.as_bytes())?;
        }
    }
    if metadata > MAX_USER_METADATA {
        return Err(to_s3_error(ObjectError::MetadataTooLarge { size: metadata, max: MAX_USER_METADATA }));
    }
    Ok(())
}

/// Does the header ask for anything?
fn is_wanted(name: &str, value: &[u8]) -> bool {
    let unwanted: &[u8] = match name {
        "bucket-object-lock-enabled" | "server-side-encryption-bucket-key-enabled" => b"false",
        "object-lock-legal-hold" => b"OFF",
        _ => b"",
    };
    !value.is_empty() && !value.eq_ignore_ascii_case(unwanted)
}

/// Everything is private to the root user, who owns all buckets.
fn check_acl(acl: &[u8], makes_bucket: bool) -> S3Result<()> {
    const OTHERS: [&[u8]; 6] = [
        b"public-read",
        b"public-read-write",
        b"authenticated-read",
        b"aws-exec-read",
        b"bucket-owner-read",
        b"log-delivery-write",
    ];
    match acl {
        b"private" | b"bucket-owner-full-control" => Ok(()),
        acl if OTHERS.contains(&acl) => Err(no_acls(makes_bucket)),
        _ => Err(s3_error!(InvalidArgument, "x-amz-acl is no canned ACL.")),
    }
}

fn no_acls(makes_bucket: bool) -> s3s::S3Error {
    if makes_bucket {
        let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting.";
        return s3_error!(InvalidBucketAclWithObjectOwnership, "{message}");
    }
    s3_error!(
        AccessControlListNotSupported,
        "The bucket does not allow ACLs: x-amz-acl may only be private or bucket-owner-full-control."
    )
}

/// Whoever writes an object, it is the root user's.
fn check_ownership(ownership: &[u8]) -> S3Result<()> {
    match ownership {
        b"BucketOwnerEnforced" | b"BucketOwnerPreferred" | b"ObjectWriter" => Ok(()),
        _ => Err(s3_error!(InvalidArgument, "Invalid x-amz-object-ownership header.")),
    }
}

/// The account that a request expects a bucket to be of.
fn check_owner(account: &[u8]) -> S3Result<()> {
    if account == ACCOUNT.as_bytes() {
        return Ok(());
    }
    if account.len() != ACCOUNT.len() || !account.iter().all(u8::is_ascii_digit) {
        let message = "The value of the expected bucket owner parameter must be an AWS account ID.";
        return Err(s3_error!(InvalidBucketOwnerAWSAccountID, "{message}"));
    }
    Err(s3_error!(AccessDenied, "Access Denied: the buckets of this server are of the account {ACCOUNT}."))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn code(name: &'static str, value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        check_headers(&headers, false).err().map(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn harmless_headers_pass() {
        assert_eq!(code("x-amz-acl", "private"), None);
        assert_eq!(code("x-amz-acl", "bucket-owner-full-control"), None);
        assert_eq!(code("x-amz-storage-class", "REDUCED_REDUNDANCY"), None);
        assert_eq!(code("x-amz-meta-a", &"x".repeat(2047)), None);
    }

    #[test]
    fn headers_that_would_be_ignored_are_refused() {
        assert_eq!(code("x-amz-acl", "public-read").as_deref(), Some("AccessControlListNotSupported"));
        assert_eq!(code("x-amz-grant-read", "id=1").as_deref(), Some("AccessControlListNotSupported"));
        assert_eq!(code("x-amz-server-side-encryption", "AES256").as_deref(), Some("NotImplemented"));
        let customer_key = "x-amz-copy-source-server-side-encryption-customer-key";
        assert_eq!(code(customer_key, "k").as_deref(), Some("NotImplemented"));
        assert_eq!(code("x-amz-object-lock-mode", "GOVERNANCE").as_deref(), Some("NotImplemented"));
        assert_eq!(code("x-amz-meta-a", &"x".repeat(2048)).as_deref(), Some("MetadataTooLarge"));
    }

    #[test]
    fn headers_that_ask_for_nothing_pass() {
        for (name, value) in [
            ("x-amz-bucket-object-lock-enabled", "false"),
            ("x-amz-bucket-object-lock-enabled", "False"),
            ("x-amz-object-lock-legal-hold", "OFF"),
            ("x-amz-object-lock-mode", ""),
            ("x-amz-server-side-encryption", ""),
            ("x-amz-server-side-encryption-bucket-key-enabled", "false"),
            ("x-amz-expected-bucket-owner", "000000000000"),
            ("x-amz-object-ownership", "ObjectWriter"),
        ] {
            assert_eq!(code(name, value), None, "{name}: {value}");
        }
    }

    #[test]
    fn nonsense_is_told_apart_from_what_is_not_done() {
        for (name, value, expected) in [
            ("x-amz-acl", "nonsense", "InvalidArgument"),
            ("x-amz-acl", "log-delivery-write", "AccessControlListNotSupported"),
            ("x-amz-object-ownership", "nonsense", "InvalidArgument"),
            ("x-amz-bucket-object-lock-enabled", "true", "NotImplemented"),
            ("x-amz-object-lock-legal-hold", "ON", "NotImplemented"),
            ("x-amz-server-side-encryption-bucket-key-enabled", "true", "NotImplemented"),
            ("x-amz-expected-bucket-owner", "123456789012", "AccessDenied"),
            ("x-amz-source-expected-bucket-owner", "123456789012", "AccessDenied"),
            ("x-amz-expected-bucket-owner", "1234", "InvalidBucketOwnerAWSAccountID"),
        ] {
            assert_eq!(code(name, value).as_deref(), Some(expected), "{name}: {value}");
        }
        let headers = [(HeaderName::from_static("x-amz-acl"), HeaderValue::from_static("public-read"))];
        let error = check_headers(&headers.into_iter().collect(), true).unwrap_err();
        assert_eq!(error.code().as_str(), "InvalidBucketAclWithObjectOwnership");
    }
}
