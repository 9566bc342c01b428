//! The service that answers requests: put together here, and what happens around every request: its id, limits, the
//! body's clock, health, and one line in the log.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, EXPECT, HeaderValue, SERVER};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::host::MultiDomain;
use s3s::service::S3ServiceBuilder;

use super::access::{Access, NoAuth};
use super::admin::{Admin, optimization_ended};
use super::auth::{Authenticator, is_signed};
use super::ops::Operations;
use super::peers::pressure::{Direction, Peer};
use super::peers::slots::Refused;
use super::pipeline::Pipeline;
use super::quirks;
use super::request::context::RequestContext;
use super::request::error_page::ErrorPage;
use super::request::ids::RequestIds;
use super::request::incoming::IncomingBody;
use super::request::reply::Reply;
use super::request::{complete, gate, health};
use super::settings::ServerSettings;
use crate::object::Objects;
use deltastore_iam::{AccessKeys, Credentials};

/// What is read of a refused request's body so that the client gets to read the answer.
const MAX_DRAINED: usize = 1 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers requests; shared by all connections.
pub struct Service {
    pipeline: Pipeline,
    objects: Objects,
    ids: RequestIds,
    host_id: HeaderValue,
    max_header_bytes: usize,
}

impl Service {
    /// # Errors
    /// A domain or region that is not one.
    pub fn new(objects: Objects, credentials: Credentials, settings: &ServerSettings) -> io::Result<Self> {
        let mut config = S3Config::default();
        config.xml_max_body_size = settings.max_xml_bytes;
        config.put_object_max_size = Some(crate::object::MAX_BODY_SIZE);
        // There is one table of operations; `x-id` of a query selects none.
        config.operation_id_routing = false;
        let domains = || MultiDomain::new(&settings.domains).map_err(|error| invalid("domain", &error));
        let has_domains = !settings.domains.is_empty();
        let operations = Operations::new(objects.clone(), &credentials.access_key, settings.region.clone());
        let mut operations = S3ServiceBuilder::new(operations);
        operations.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        operations.set_auth(NoAuth);
        operations.set_access(Access { max_xml_bytes: settings.max_xml_bytes });
        if has_domains {
            operations.set_host(domains()?);
        }
        let pipeline = Pipeline {
            authenticator: Authenticator::new(AccessKeys::new(credentials), settings),
            operations: operations.build(),
            admin: Admin::new(objects.clone()),
            domains: has_domains.then(domains).transpose()?,
            max_xml_bytes: settings.max_xml_bytes,
        };
        let ids = RequestIds::new();
        Ok(Service { pipeline, objects, host_id: ids.host_id(), ids, max_header_bytes: settings.max_header_bytes })
    }

    /// Answers one request. Whatever goes wrong becomes an answer.
    pub async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Result<Response<Reply>, Infallible> {
        peer.slot.begin_request();
        // Signed requests mean a bucket of that name.
        if !is_signed(request.uri(), request.headers())
            && let Some(answer) = self.health(request.method(), request.uri().path())
        {
            return Ok(answer.map(|body| Reply::unlogged(body.into(), peer.clone())));
        }
        let (parts, body) = request.into_parts();
        let context = Arc::new(RequestContext::new(self.ids.next(), parts.method.clone(), parts.uri.clone()));
        // hyper says `100 Continue` once a body is read, so never for an empty one.
        let is_told = || body.is_end_stream() && parts.version == Version::HTTP_11 && peer.interim.say_continue();
        let waits_to_send = parts.headers.contains_key(EXPECT) && !is_told();

        let answered = match gate::check(&parts.method, &parts.uri, &parts.headers, self.max_header_bytes) {
            Err(page) => page.answer(),
            Ok(()) => self.pass_on(parts, body, &context, peer).await,
        };
        let refused = answered.status().is_client_error() || answered.status().is_server_error();
        // What went wrong with the body is told better than what came of it.
        let answered = match context.fault() {
            Some(fault) if refused => fault.page().answer(),
            _ => answered,
        };
        if refused
            && let Some(body) = context.take_unread()
            && !(waits_to_send && context.received() == 0)
        {
            tokio::spawn(drain(body));
        }
        // A client that waited for `100 Continue` and got the answer instead may not send the next request on this
        // connection: botocore would take that one's answer for part of this one.
        let end_connection = waits_to_send && context.received() == 0;
        Ok(self.finish(answered, context, peer, end_connection))
    }

    async fn pass_on(
        &self,
        parts: Parts,
        body: Incoming,
        context: &Arc<RequestContext>,
        peer: &Peer,
    ) -> s3s::HttpResponse {
        let body = IncomingBody::new(body, context.clone(), peer.watch(Direction::Upload));
        self.pipeline.answer(parts, body, context).await.unwrap_or_else(|page| page.answer())
    }

    /// Adds what every answer carries.
    fn finish(
        &self,
        answered: s3s::HttpResponse,
        context: Arc<RequestContext>,
        peer: &Peer,
        end_connection: bool,
    ) -> Response<Reply> {
        let (mut parts, body) = answered.into_parts();
        if end_connection {
            parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let mut code = None;
        let body = if parts.status.is_client_error() || parts.status.is_server_error() {
            let (body, found) = complete::complete(body, &context, &self.host_id);
            code = found;
            body
        } else {
            body
        };
        quirks::head_range::mend(context.method(), &mut parts);
        parts.headers.insert("x-amz-request-id", context.id().header());
        parts.headers.insert("x-amz-id-2", self.host_id.clone());
        parts.headers.insert(SERVER, HeaderValue::from_static("Deltastore"));
        let reply = Reply::new(body, context, peer.clone(), parts.status, code);
        Response::from_parts(parts, reply)
    }

    /// Waits for what requests began and the store told to stop, but not for ever.
    pub async fn finish_runs(&self, limit: Duration) {
        if !optimization_ended(self.objects.store(), limit).await {
            tracing::warn!("a run of the optimizer is cut off: what it is at stays as it was");
        }
    }

    /// The answer if the request asks for health, which needs no signature.
    pub fn health(&self, method: &Method, path: &str) -> Option<Response<Bytes>> {
        health::answer(method, path, &self.objects)
    }

    /// The whole answer to a connection over a limit.
    pub fn too_many_connections(&self, why: Refused) -> Vec<u8> {
        let context = RequestContext::new(self.ids.next(), Method::GET, hyper::Uri::from_static("/"));
        let message = match why {
            Refused::Full => "Too many connections; please retry later.",
            Refused::Peer => "Too many connections from your address; please use fewer, or retry later.",
        };
        let page = ErrorPage::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", message);
        let (body, _) = complete::complete(page.answer().into_body(), &context, &self.host_id);
        let body = body.bytes().unwrap_or_default();
        let mut answer = format!(
            "HTTP/1.1 503 Service Unavailable\r\nServer: Deltastore\r\nContent-Type: application/xml\r\n\
             Content-Length: {}\r\nConnection: close\r\nRetry-After: 1\r\nx-amz-request-id: {}\r\n\r\n",
            body.len(),
            context.id(),
        )
        .into_bytes();
        answer.extend_from_slice(&body);
        answer
    }
}

/// Reads a little of what nobody wants, while the answer is on its way: closing a connection with unread bytes makes
/// the client's kernel throw the answer away.
async fn drain(mut body: Incoming) {
    let reading = async {
        let mut read = 0;
        while read < MAX_DRAINED
            && let Some(Ok(frame)) = body.frame().await
        {
            read += frame.data_ref().map_or(0, |data| data.len());
        }
    };
    // Out of time or bytes, the connection closes all the same.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, reading).await;
}

fn invalid(what: &str, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{what}: {error}"))
}
