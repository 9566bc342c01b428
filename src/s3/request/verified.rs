//! From a request as it was sent to the operation that answers it.
//!
//! The signature is verified ([`crate::s3::auth`]), the operation is found ([`crate::s3::routing`]), and s3s answers,
//! with what it would misread taken away ([`crate::s3::quirks`]). The operations get the request as it was sent.
//!
//! Invariants: nothing reaches s3s that is not signed, and nothing that has no row in the table of operations; a
//! document is checked against its digests as it was sent, before it is read.

use std::sync::Arc;

use http_body::Body as _;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Uri};
use s3s::host::MultiDomain;
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, BodySizeLimitExceeded, HttpResponse, S3Request, S3Result, s3_error};
use sha2::{Digest, Sha256};

use super::context::{Fault, RequestContext};
use super::error_page::ErrorPage;
use super::incoming::IncomingBody;
use super::target::Target;
use super::xml_body;
use crate::s3::admin::Admin;
use crate::s3::auth::body::VerifiedBody;
use crate::s3::auth::chunked::Trailers;
use crate::s3::auth::{Authenticator, DECODED_LENGTH, Payload, Verified};
use crate::s3::error::{body_error, to_s3_error};
use crate::s3::routing::{self, Route};
use crate::s3::{admin, quirks};

/// A request as it was sent, beside what s3s gets to see of it.
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

/// See the module.
pub struct Pipeline {
    pub authenticator: Authenticator,
    pub operations: S3Service,
    pub admin: Admin,
    pub domains: Option<MultiDomain>,
    pub max_xml_bytes: usize,
}

impl Pipeline {
    /// # Errors
    /// The answer to a request that no operation sees.
    pub async fn answer(
        &self,
        mut parts: Parts,
        body: IncomingBody,
        context: &Arc<RequestContext>,
    ) -> Result<HttpResponse, ErrorPage> {
        let target = Target::of(&parts, self.domains.as_ref())?;
        let is_admin = target.host_bucket.is_none() && parts.uri.path().starts_with(admin::PREFIX);
        if !is_admin {
            context.name(target.resource);
        }
        let Verified { principal, payload, region } =
            self.authenticator.verify(&mut parts, target.host_bucket.as_deref())?;
        context.set_principal(principal);
        let trailers = Trailers::default();
        let body = plain_body(&mut parts, body, payload, &trailers, context)?;
        parts.extensions.insert(context.clone());
        if is_admin {
            return self.administrate(parts, body).await;
        }
        let copies = parts.headers.contains_key("x-amz-copy-source");
        let query = parts.uri.query().unwrap_or_default();
        let route = routing::route(&parts.method, target.kind, query, copies)?;
        context.resolve(route.operation.to_owned(), None);
        self.operate(parts, body, route, trailers, region).await
    }

    async fn administrate(&self, parts: Parts, input: Body) -> Result<HttpResponse, ErrorPage> {
        let Parts { method, uri, headers, extensions, .. } = parts;
        let (credentials, region, service, trailing_headers) = (None, None, None, None);
        let request =
            S3Request { input, method, uri, headers, extensions, credentials, region, service, trailing_headers };
        let answered = self.admin.call(request).await?;
        let mut answer = HttpResponse::new(answered.output);
        *answer.status_mut() = answered.status.unwrap_or(StatusCode::OK);
        *answer.headers_mut() = answered.headers;
        Ok(answer)
    }

    async fn operate(
        &self,
        parts: Parts,
        mut body: Body,
        route: &Route,
        trailers: Trailers,
        region: String,
    ) -> Result<HttpResponse, ErrorPage> {
        let Parts { method, uri, mut headers, mut extensions, .. } = parts;
        quirks::repeated::join(&mut headers);
        let mut sent_headers = quirks::headers::hides_some(&headers).then(|| headers.clone());
        let has_body = matches!(method, Method::PUT | Method::POST);
        if has_body && route.takes_document() && !is_longer(&headers, self.max_xml_bytes) {
            let document = self.document(&mut body, &uri, &headers).await?;
            sent_headers.get_or_insert_with(|| headers.clone());
            headers.insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
            body = Body::from(document);
        }
        if sent_headers.is_some() {
            quirks::headers::hide(&mut headers);
        }
        let seen_uri = quirks::overrides::hide(uri.clone());
        extensions.insert(Sent { headers: sent_headers, uri, trailers, region });

        let mut inner = s3s::HttpRequest::new(body);
        *inner.method_mut() = method;
        *inner.uri_mut() = seen_uri;
        *inner.headers_mut() = headers;
        *inner.extensions_mut() = extensions;
        let answered = self.operations.call(inner).await.map_err(|error| {
            tracing::error!(%error, "an answer could not be written down");
            let message = "We encountered an internal error.";
            ErrorPage::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
        })?;
        let (parts, body) = answered.into_parts();
        let body = finished(&parts.headers, body);
        Ok(HttpResponse::from_parts(parts, body))
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

/// The body as the operation reads it: decoded, and compared with what the request promises.
///
/// # Errors
/// Its length is not known, or an empty body has another digest.
fn plain_body(
    parts: &mut Parts,
    body: IncomingBody,
    payload: Payload,
    trailers: &Trailers,
    context: &Arc<RequestContext>,
) -> Result<Body, ErrorPage> {
    let is_empty = body.is_end_stream();
    match &payload {
        Payload::Chunked { decoded_length, .. } => {
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(*decoded_length));
            parts.headers.remove(DECODED_LENGTH);
        }
        Payload::Digest { sha256, .. } if is_empty && sha256[..] != Sha256::digest([])[..] => {
            return Err(Fault::Sha256Mismatch.page());
        }
        _ if is_empty => return Ok(Body::empty()),
        _ if !parts.headers.contains_key(CONTENT_LENGTH) => {
            let message = "You must provide the Content-Length HTTP header.";
            return Err(ErrorPage::new(StatusCode::LENGTH_REQUIRED, "MissingContentLength", message));
        }
        _ => {}
    }
    Ok(Body::http_body(VerifiedBody::new(body, payload, trailers.clone(), context.clone())))
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
