//! Errors as S3 words them.

use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, RETRY_AFTER};
use s3s::{BodySizeLimitExceeded, S3Error, S3ErrorCode, StdError};

use super::auth::body::VerifyError;
use super::auth::chunked::ChunkError;
use super::dates;
use super::request::incoming::BodyFault;
use crate::object::{MAX_BODY_SIZE, ObjectError};

/// When a client that was told to slow down may try again.
pub const RETRY_SECONDS: &str = "2";

/// The answer to a failed operation. Damage and defects go to the log with all they know, the client gets the code.
pub fn to_s3_error(error: ObjectError) -> S3Error {
    let code =
        S3ErrorCode::from_bytes(error.code().as_bytes()).unwrap_or_else(|| S3ErrorCode::Custom(error.code().into()));
    let message = match &error {
        ObjectError::Internal(_) => {
            tracing::error!(%error, "an operation failed");
            "We encountered an internal error. The server's log says more.".to_owned()
        }
        ObjectError::NotNow(reason) => {
            tracing::warn!(%reason, "an operation is refused for now");
            error.to_string()
        }
        ObjectError::Damaged(_) => {
            tracing::error!(%error, "an operation met damage");
            error.to_string()
        }
        error => error.to_string(),
    };
    let mut answer = S3Error::with_message(code, message);
    if let Ok(status) = StatusCode::from_u16(error.status()) {
        answer.set_status_code(status);
    }
    if let Some(headers) = headers(&error) {
        answer.set_headers(headers);
    }
    answer
}

fn headers(error: &ObjectError) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    match error {
        ObjectError::NotModified { etag, modified_ms, headers: kept } => {
            headers.insert(ETAG, HeaderValue::try_from(format!("\"{etag}\"")).ok()?);
            headers.insert(LAST_MODIFIED, HeaderValue::try_from(dates::format(*modified_ms)).ok()?);
            for (name, value) in kept {
                headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
            }
        }
        ObjectError::InvalidRange { size, .. } => {
            headers.insert(CONTENT_RANGE, HeaderValue::try_from(format!("bytes */{size}")).ok()?);
        }
        ObjectError::SlowDown => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
        }
        ObjectError::MethodNotAllowed => {
            headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
            headers.insert(ALLOW, HeaderValue::from_static("DELETE"));
        }
        _ => return None,
    }
    // The document's type, which s3s takes from here too once headers are given.
    if !matches!(error, ObjectError::NotModified { .. }) {
        headers.insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    }
    Some(headers)
}

/// Why a body could not be read, out of the layers it passed through.
pub fn body_error(error: &StdError) -> ObjectError {
    let mut layer: &(dyn std::error::Error + 'static) = error.as_ref();
    loop {
        if let Some(error) = layer.downcast_ref::<VerifyError>() {
            return match error {
                VerifyError::Body(BodyFault::Stalled) => ObjectError::RequestTimeout,
                VerifyError::Chunk(ChunkError::Signature) => ObjectError::SignatureDoesNotMatch,
                VerifyError::Sha256 => ObjectError::ContentSha256Mismatch,
                VerifyError::Body(BodyFault::Broken(_)) | VerifyError::Chunk(_) => {
                    ObjectError::InvalidBody(error.to_string())
                }
            };
        }
        if let Some(limit) = layer.downcast_ref::<BodySizeLimitExceeded>() {
            return ObjectError::EntityTooLarge { size: limit.size as u64, max: MAX_BODY_SIZE };
        }
        match layer.source() {
            Some(source) => layer = source,
            None => return ObjectError::InvalidBody(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_seen_through() {
        let code = |error: VerifyError| {
            let error: StdError = Box::new(error);
            body_error(&error).code()
        };
        assert_eq!(code(BodyFault::Stalled.into()), "RequestTimeout");
        assert_eq!(code(ChunkError::Signature.into()), "SignatureDoesNotMatch");
        assert_eq!(code(ChunkError::Malformed.into()), "IncompleteBody");
        assert_eq!(code(VerifyError::Sha256), "XAmzContentSHA256Mismatch");
    }

    #[test]
    fn codes_and_statuses_are_the_object_layers() {
        let error = to_s3_error(ObjectError::StorageFull);
        assert_eq!((error.code().as_str(), error.status_code()), ("StorageFull", StatusCode::from_u16(507).ok()));
        let error = to_s3_error(ObjectError::Internal("segment 7 offset 8".into()));
        assert_eq!(error.code().as_str(), "InternalError");
        assert!(!error.message().unwrap_or_default().contains("segment"));
    }

    #[test]
    fn not_modified_carries_its_headers() {
        let error = to_s3_error(ObjectError::NotModified {
            etag: "abc".into(),
            modified_ms: 0,
            headers: vec![("expires".into(), "never".into())],
        });
        let headers = error.headers().unwrap();
        assert_eq!(headers[ETAG], "\"abc\"");
        assert_eq!(headers[LAST_MODIFIED], "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(headers["expires"], "never");
    }
}
