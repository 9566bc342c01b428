//! A request as it was sent, for the operations: s3s sees less of it ([`crate::s3::quirks`]).

use http::{HeaderMap, Uri};
use s3s::S3Request;

use crate::s3::auth::chunked::Trailers;

/// What s3s was not shown.
#[derive(Clone)]
pub struct Sent {
    /// None if s3s sees them all.
    pub headers: Option<HeaderMap>,
    pub uri: Uri,
    /// Those of its body, once it was read.
    pub trailers: Trailers,
    /// That of the signature.
    pub region: String,
}

/// The region that the request's signature names.
#[derive(Clone)]
pub struct SignedRegion(pub String);

/// The request with what s3s was not shown.
pub fn as_sent<T>(mut request: S3Request<T>) -> S3Request<T> {
    if let Some(sent) = request.extensions.remove::<Sent>() {
        if let Some(headers) = sent.headers {
            request.headers = headers;
        }
        request.uri = sent.uri;
        request.extensions.insert(sent.trailers);
        request.extensions.insert(SignedRegion(sent.region));
    }
    request
}
