//! Errors as S3 words them.

use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED};
use s3s::stream::aws_chunked_stream::AwsChunkedStreamError;
use s3s::stream::upload_stream::UploadStreamError;
use s3s::{BodySizeLimitExceeded, S3Error, S3ErrorCode, StdError};

use super::ops::convert::http_date;
use super::request::incoming::BodyFault;
use crate::object::{MAX_BODY_SIZE, ObjectError};

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
        ObjectError::NotModified { etag, modified_ms } => {
            headers.insert(ETAG, HeaderValue::try_from(format!("\"{etag}\"")).ok()?);
            headers.insert(LAST_MODIFIED, HeaderValue::try_from(http_date(*modified_ms)).ok()?);
        }
        ObjectError::InvalidRange { size, .. } => {
            headers.insert(CONTENT_RANGE, HeaderValue::try_from(format!("bytes */{size}")).ok()?);
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
        if let Some(fault) = layer.downcast_ref::<BodyFault>() {
            return match fault {
                BodyFault::Stalled => ObjectError::RequestTimeout,
                BodyFault::Broken(_) | BodyFault::Digest => ObjectError::InvalidBody(fault.to_string()),
            };
        }
        if let Some(chunked) = layer.downcast_ref::<AwsChunkedStreamError>() {
            match chunked {
                AwsChunkedStreamError::Underlying(inner) => {
                    layer = inner.as_ref();
                    continue;
                }
                AwsChunkedStreamError::SignatureMismatch => return ObjectError::SignatureDoesNotMatch,
                AwsChunkedStreamError::ChunkDataTooLarge(size, max) => {
                    return ObjectError::InvalidRequest(format!(
                        "a signed chunk of {size} bytes is more than the limit of {max}"
                    ));
                }
                other => return ObjectError::InvalidBody(format!("the aws-chunked body is not valid: {other}")),
            }
        }
        if let Some(upload) = layer.downcast_ref::<UploadStreamError>() {
            match upload {
                UploadStreamError::Underlying(inner) => {
                    layer = inner.as_ref();
                    continue;
                }
                UploadStreamError::Sha256Mismatch => {
                    return ObjectError::ContentSha256Mismatch {
                        expected: "otherwise".to_owned(),
                        found: "different".to_owned(),
                    };
                }
                other => return ObjectError::InvalidBody(other.to_string()),
            }
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
        let fault: StdError = Box::new(BodyFault::Stalled);
        let wrapped: StdError = Box::new(AwsChunkedStreamError::Underlying(fault));
        assert_eq!(body_error(&wrapped), ObjectError::RequestTimeout);
        let mismatch: StdError = Box::new(AwsChunkedStreamError::SignatureMismatch);
        assert_eq!(body_error(&mismatch).code(), "SignatureDoesNotMatch");
        let meta: StdError = Box::new(AwsChunkedStreamError::ChunkMetaTooLarge(2000, 1024));
        let nested: StdError = Box::new(AwsChunkedStreamError::Underlying(meta));
        assert_eq!(body_error(&nested).code(), "IncompleteBody");
        let digest: StdError = Box::new(UploadStreamError::Sha256Mismatch);
        assert_eq!(body_error(&digest).code(), "XAmzContentSHA256Mismatch");
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
        let error = to_s3_error(ObjectError::NotModified { etag: "abc".into(), modified_ms: 0 });
        let headers = error.headers().unwrap();
        assert_eq!(headers[ETAG], "\"abc\"");
        assert_eq!(headers[LAST_MODIFIED], "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
