//! From a request as it was sent to the operation that answers it.
//!
//! The signature is verified ([`crate::s3::auth`]), the operation is found ([`crate::s3::routing`]), the principal is
//! asked whether it may ([`crate::s3::authorize`]), and s3s answers, with what it would misread taken away
//! ([`crate::s3::quirks`]). The operations get the request as it was sent.
//!
//! Invariants: nothing reaches s3s or the administration that is not authorized, and nothing reaches s3s that has no
//! row in the table of operations; a document is checked against its digests as it was sent, before it is read.

mod digests;
pub mod document;

use std::sync::Arc;

use http_body::Body as _;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use s3s::host::MultiDomain;
use s3s::service::S3Service;
use s3s::{Body, HttpResponse};
use sha2::{Digest, Sha256};

use crate::s3::admin::{self, Admin, Asked};
use crate::s3::auth::body::VerifiedBody;
use crate::s3::auth::chunked::Trailers;
use crate::s3::auth::{Authenticator, DECODED_LENGTH, Payload, Verified};
use crate::s3::operation::{RequestBody, Row};
use crate::s3::ops::Sent;
use crate::s3::request::context::RequestContext;
use crate::s3::request::error_page::ErrorPage;
use crate::s3::request::fault::Fault;
use crate::s3::request::incoming::IncomingBody;
use crate::s3::request::target::Target;
use crate::s3::routing::Routed;
use crate::s3::{authorize, quirks, routing};

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
        let mut target = Target::of(&parts, self.domains.as_ref())?;
        let is_admin = target.host_bucket.is_none() && parts.uri.path().starts_with(admin::PREFIX);
        if !is_admin {
            context.name(target.named.take());
        }
        let Verified { principal, payload, region } =
            self.authenticator.verify(&mut parts, target.host_bucket.as_deref())?;
        context.set_principal(principal);
        let trailers = Trailers::default();
        if is_admin {
            let uri = parts.uri.clone();
            let method = parts.method.clone();
            let asked = Asked::of(&method, uri.path());
            authorize::administration(context, asked.action())?;
            // What it promises is checked, though nobody reads it.
            plain_body(&mut parts, body, payload, &trailers, context)?;
            return Ok(self.admin.answer(&asked, uri.query().unwrap_or_default(), context).await?);
        }
        let copies = parts.headers.contains_key("x-amz-copy-source");
        let query = parts.uri.query().unwrap_or_default();
        let routed = routing::route(&parts.method, target.kind, query, copies);
        let (row, names_version) =
            routed.as_ref().map_or((None, false), |found| (Some(found.row), found.names_version));
        let allowed = authorize::request(context, row, context.named(), names_version);
        row.into_iter().for_each(|row| context.resolve(row));
        allowed?;
        let body = plain_body(&mut parts, body, payload, &trailers, context)?;
        let Routed { row, .. } = routed?;
        parts.extensions.insert(context.clone());
        self.operate(parts, body, row, trailers, region).await
    }

    async fn operate(
        &self,
        parts: Parts,
        mut body: Body,
        row: &Row,
        trailers: Trailers,
        region: String,
    ) -> Result<HttpResponse, ErrorPage> {
        let Parts { method, uri, mut headers, mut extensions, .. } = parts;
        quirks::repeated::join(&mut headers);
        let mut sent = None;
        if row.body() == RequestBody::Document && !document::is_longer(&headers, self.max_xml_bytes) {
            let document = document::read(&mut body, &uri, &headers, self.max_xml_bytes).await?;
            sent = Some(headers.clone());
            headers.insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
            body = Body::from(document);
        }
        let hidden = quirks::headers::hide(&mut headers);
        let seen_uri = quirks::overrides::hide(uri.clone());
        extensions.insert(Sent { headers: sent.or(hidden), uri, trailers, region });

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

/// A document with the references that s3s cannot write; other bodies as they are.
fn finished(headers: &HeaderMap, body: Body) -> Body {
    let is_document = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/xml");
    match body.bytes() {
        Some(document) if is_document => Body::from(quirks::references::finish(document)),
        _ => body,
    }
}
