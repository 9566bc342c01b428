//! Between the check of a request's signature and the operation that answers it.
//!
//! s3s verifies a signature over the request as it was sent, and reads the request right after, with no place between for
//! a change. So there are two services of s3s: the outer verifies and hands every request over, as to a route of its own;
//! the inner answers it, with what s3s would misread taken away ([`crate::s3::quirks`]). The operations get the
//! request as it was sent.
//!
//! Invariants: nothing reaches the inner service that is not signed by the root user; a document is checked against its
//! digests as it was sent, before it is read.

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::http::Extensions;
use hyper::{Method, Uri};
use s3s::host::{MultiDomain, S3Host};
use s3s::region::Region;
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, BodySizeLimitExceeded, S3Request, S3Response, S3Result, TrailingHeaders, s3_error};

use super::context::RequestContext;
use super::{gate, xml_body};
use crate::s3::admin::Admin;
use crate::s3::error::{body_error, to_s3_error};
use crate::s3::quirks;

/// A request as it was sent, beside what s3s gets to see of it.
#[derive(Clone)]
pub struct Sent {
    pub headers: HeaderMap,
    pub uri: Uri,
    pub trailing_headers: Option<TrailingHeaders>,
    /// That of the signature.
    pub region: Option<Region>,
}

/// See the module.
pub struct Verified {
    pub operations: S3Service,
    pub admin: Admin,
    pub domains: Option<MultiDomain>,
    pub max_xml_bytes: usize,
}

#[async_trait::async_trait]
impl S3Route for Verified {
    fn is_match(&self, _: &Method, _: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        true
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        if request.credentials.is_none() {
            return Err(s3_error!(AccessDenied, "Anonymous requests are not allowed: sign the request."));
        }
        if let Some(context) = request.extensions.get::<Arc<RequestContext>>() {
            context.set_verified();
        }
        Ok(())
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        if self.admin.is_match(&request.method, &request.uri, &request.headers, &mut request.extensions) {
            return self.admin.call(request).await;
        }
        let S3Request { input: mut body, method, uri, headers, mut extensions, trailing_headers, region, .. } = request;
        let mut seen = headers.clone();
        if self.takes_document(&method, &uri, &headers) && !is_longer(&headers, self.max_xml_bytes) {
            let document = self.document(&mut body, &uri, &headers).await?;
            seen.insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
            body = Body::from(document);
        }
        seen.remove(AUTHORIZATION);
        quirks::headers::hide(&mut seen);
        let seen_uri = quirks::overrides::hide(gate::unsigned(&uri));
        extensions.insert(Sent { headers, uri, trailing_headers, region });

        let mut inner = s3s::HttpRequest::new(body);
        *inner.method_mut() = method;
        *inner.uri_mut() = seen_uri;
        *inner.headers_mut() = seen;
        *inner.extensions_mut() = extensions;
        let answered = self.operations.call(inner).await.map_err(|error| {
            tracing::error!(%error, "an answer could not be written down");
            s3_error!(InternalError, "We encountered an internal error.")
        })?;
        let (parts, body) = answered.into_parts();
        let mut answer = S3Response::with_status(finished(&parts.headers, body), parts.status);
        answer.headers = parts.headers;
        answer.extensions = parts.extensions;
        Ok(answer)
    }
}

impl Verified {
    /// Is the request's body a document that an operation reads, not an object?
    fn takes_document(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut names =
            uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or_default());
        match *method {
            Method::POST => names.any(|name| matches!(name, "delete" | "uploadId")),
            Method::PUT => !self.names_object(uri, headers),
            _ => false,
        }
    }

    fn names_object(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let virtual_host =
            self.domains.as_ref().zip(host).and_then(|(domains, host)| domains.parse_host_header(host).ok());
        let path = uri.path().trim_start_matches('/');
        match virtual_host.is_some_and(|host| host.bucket().is_some()) {
            true => !path.is_empty(),
            false => path.split_once('/').is_some_and(|(_, key)| !key.is_empty()),
        }
    }

    /// Reads a document, checks it, and gives it the form that s3s reads right. An empty one stays empty.
    async fn document(&self, body: &mut Body, uri: &Uri, headers: &HeaderMap) -> S3Result<Vec<u8>> {
        let document = body.store_all_limited(self.max_xml_bytes).await.map_err(|error| {
            if error.is::<BodySizeLimitExceeded>() {
                return too_long(self.max_xml_bytes);
            }
            to_s3_error(body_error(&error))
        })?;
        xml_body::check(&document, uri.query().unwrap_or_default(), headers)?;
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

/// A document with the references that s3s cannot write; other bodies as they are.
fn finished(headers: &HeaderMap, body: Body) -> Body {
    let is_document = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/xml");
    match body.bytes() {
        Some(document) if is_document => Body::from(quirks::references::finish(document)),
        _ => body,
    }
}
