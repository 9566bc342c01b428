//! Documents of requests: read whole, checked against their digests, and given the form that s3s reads right.

use hyper::Uri;
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use s3s::{Body, BodySizeLimitExceeded, S3Result, s3_error};

use super::digests;
use crate::s3::error::{body_error, to_s3_error};
use crate::s3::quirks;

/// Reads a document, checks it, and gives it the form that s3s reads right. An empty one stays empty.
///
/// # Errors
/// One that is too long, broke off, has another digest than the request says, or is not well-formed.
pub async fn read(body: &mut Body, uri: &Uri, headers: &HeaderMap, max: usize) -> S3Result<Vec<u8>> {
    let document = body.store_all_limited(max).await.map_err(|error| {
        if error.is::<BodySizeLimitExceeded>() {
            return too_long(max);
        }
        to_s3_error(body_error(&error))
    })?;
    digests::check(&document, uri.query().unwrap_or_default(), headers)?;
    if document.is_empty() {
        return Ok(Vec::new());
    }
    match quirks::documents::plain(&document) {
        Ok(plain) => Ok(plain.into_bytes()),
        Err(quirks::documents::Malformed) => Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema."
        )),
    }
}

/// The refusal of a document that is too long.
pub fn too_long(max: usize) -> s3s::S3Error {
    s3_error!(MaxMessageLengthExceeded, "Your request was too big: at most {max} bytes are read.")
}

/// Does the request announce a longer body?
pub fn is_longer(headers: &HeaderMap, max: usize) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > max as u64)
}
