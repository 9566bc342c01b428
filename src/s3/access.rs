//! Who may call what, and which headers are refused rather than ignored.

use std::sync::Arc;

use http::HeaderMap;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use super::error::to_s3_error;
use super::request::context::{RequestContext, Resource};
use super::settings::Credentials;
use crate::object::{MAX_USER_METADATA, ObjectError};

/// Knows the root user only.
pub struct RootAuth {
    access_key: String,
    secret_key: SecretKey,
}

impl RootAuth {
    pub fn new(credentials: Credentials) -> Self {
        RootAuth { access_key: credentials.access_key, secret_key: credentials.secret_key.into() }
    }
}

#[async_trait::async_trait]
impl S3Auth for RootAuth {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.access_key { Ok(self.secret_key.clone()) } else { Err(s3_error!(InvalidAccessKeyId)) }
    }
}

/// Runs once the signature is verified and the operation known, before any body is read.
pub struct Access {
    /// Most bytes of a body that s3s reads itself.
    pub max_xml_bytes: usize,
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = cx.s3_op().name().to_owned();
        let resource = cx.s3_path().get_bucket_name().map(|bucket| Resource {
            bucket: bucket.to_owned(),
            key: cx.s3_path().get_object_key().unwrap_or_default().to_owned(),
        });
        let context = cx.extensions_mut().get::<Arc<RequestContext>>().cloned();
        if let Some(context) = &context {
            context.resolve(operation, resource);
        }
        // A request that comes a second time, with another range, has no signature any more.
        let is_verified = context.as_ref().is_some_and(|context| context.is_verified());
        if cx.credentials().is_none() && !is_verified {
            return Err(s3_error!(AccessDenied, "Anonymous requests are not allowed: sign the request."));
        }
        // s3s enforces this limit too, but reports it as its own fault.
        let streams = matches!(cx.s3_op().name(), "PutObject" | "UploadPart");
        if !streams && content_length(cx.headers()).is_some_and(|length| length > self.max_xml_bytes as u64) {
            return Err(s3_error!(
                MaxMessageLengthExceeded,
                "Your request was too big: at most {} bytes are read.",
                self.max_xml_bytes
            ));
        }
        check_headers(cx.headers())?;
        if let Some(context) = context {
            context.set_verified();
        }
        Ok(())
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses what the request asks for and the server does not do.
fn check_headers(headers: &HeaderMap) -> S3Result<()> {
    let mut metadata = 0;
    for (name, value) in headers {
        let Some(rest) = name.as_str().strip_prefix("x-amz-") else { continue };
        if let Some(user) = rest.strip_prefix("meta-") {
            metadata += user.len() + value.len();
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
        } else if rest == "acl" && !matches!(value.as_bytes(), b"private" | b"bucket-owner-full-control")
            || rest.starts_with("grant-")
        {
            return Err(s3_error!(
                AccessControlListNotSupported,
                "The bucket does not allow ACLs: {name} may only be private or bucket-owner-full-control."
            ));
        }
    }
    if metadata > MAX_USER_METADATA {
        return Err(to_s3_error(ObjectError::MetadataTooLarge { size: metadata, max: MAX_USER_METADATA }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn code(name: &'static str, value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        check_headers(&headers).err().map(|error| error.code().as_str().to_owned())
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

    #[tokio::test]
    async fn unknown_access_keys_are_told_so() {
        let auth = RootAuth::new(Credentials { access_key: "root".into(), secret_key: "secret".into() });
        assert!(auth.get_secret_key("root").await.is_ok());
        let error = auth.get_secret_key("other").await.unwrap_err();
        assert_eq!(error.code().as_str(), "InvalidAccessKeyId");
    }
}
