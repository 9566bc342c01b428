//! A small S3 client: lists a bucket of any server and reads its objects, path style, over plain HTTP or TLS; and asks
//! a Deltastore how an object is stored.
//!
//! Invariants: one request at a time, on a connection that is kept; nothing is ever written to the server; a body that
//! ends early is an error, so that a cut answer is never taken for a whole one.
//!
//! Failure cases: every one names the server and what it said; a peer that is silent for a minute is given up.

mod endpoint;
mod error;
mod listing;
mod sign;
mod tls;

pub use error::ClientError;
pub use listing::{Listed, Page};

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Credentials;
use crate::object::Inspected;
use endpoint::Endpoint;
use error::Elsewhere;
use sign::{Signer, encode_path, encode_query};
use tls::Tls;

/// Longest time in which nothing comes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest time to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time an inspection takes, during which nothing comes.
const INSPECTING: Duration = Duration::from_secs(15 * 60);
/// Most bytes of a listing or error that are taken: a thousand keys of a kilobyte, percent-encoded, fit.
const MOST_TEXT: usize = 16 << 20;
/// Most bytes of an inspection that are taken; the server bounds it.
const MOST_INSPECTED: usize = 128 << 20;

/// A server to read from.
pub struct Client {
    endpoint: Endpoint,
    tls: Option<Tls>,
    signer: Signer,
    sender: Mutex<Option<SendRequest<Empty<Bytes>>>>,
}

impl Client {
    /// A client of the server at `endpoint`, `http://HOST[:PORT]` or `https://HOST[:PORT]`; connects at the first
    /// request.
    ///
    /// # Errors
    /// [`ClientError::Endpoint`], and [`ClientError::Tls`] where no authority is trusted.
    pub fn new(
        endpoint: &str,
        credentials: Credentials,
        session_token: Option<String>,
        region: String,
    ) -> Result<Self, ClientError> {
        let endpoint = Endpoint::parse(endpoint)?;
        let tls = if endpoint.tls { Some(Tls::new()?) } else { None };
        let signer = Signer { credentials, session_token, region };
        Ok(Self { endpoint, tls, signer, sender: Mutex::new(None) })
    }

    /// The page of a listing that begins after `token`; the first for none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list(&self, bucket: &str, prefix: &str, token: Option<&str>) -> Result<Page, ClientError> {
        let mut query = vec![("encoding-type", "url"), ("list-type", "2"), ("prefix", prefix)];
        query.extend(token.map(|token| ("continuation-token", token)));
        let answer = self.get_target(&format!("/{}", encode_path(bucket)), &encode_query(&query), PATIENCE).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(answer).await);
        }
        let text = self.text(answer, MOST_TEXT).await?;
        Page::parse(&text).map_err(|reason| ClientError::Answer { authority: self.authority(), reason })
    }

    /// An object's bytes; none if it is gone, or archived and so not to be read (Glacier). They are taken or dropped
    /// before the next request.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, ClientError>>>, ClientError> {
        let answer = self.get_target(&format!("/{}/{}", encode_path(bucket), encode_path(key)), "", PATIENCE).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return self.text(answer, MOST_TEXT).await.map(|_| None),
            _ => {
                let refused = self.refused(answer).await;
                return if refused.is_archived() { Ok(None) } else { Err(refused) };
            }
        }
        let (body, authority) = (answer.into_body(), self.authority());
        let frames = futures::stream::unfold((body, authority), |(mut body, authority)| async move {
            loop {
                let frame = match timeout(PATIENCE, body.frame()).await {
                    Err(_) => Some(Err(ClientError::Silent { authority: authority.clone() })),
                    Ok(None) => None,
                    Ok(Some(Err(source))) => Some(Err(ClientError::Http { authority: authority.clone(), source })),
                    Ok(Some(Ok(frame))) => match frame.into_data() {
                        Ok(bytes) => Some(Ok(bytes)),
                        Err(_) => continue,
                    },
                };
                return frame.map(|frame| (frame, (body, authority)));
            }
        });
        Ok(Some(frames.boxed()))
    }

    /// How a Deltastore has stored an object; the newest version for no id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn inspect(&self, bucket: &str, key: &str, version_id: Option<&str>) -> Result<Inspected, ClientError> {
        let path = format!("/_deltastore/inspect/{}/{}", encode_path(bucket), encode_path(key));
        let query: Vec<_> = version_id.map(|id| ("version-id", id)).into_iter().collect();
        let answer = self.get_target(&path, &encode_query(&query), INSPECTING).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(answer).await);
        }
        let text = self.text(answer, MOST_INSPECTED).await?;
        serde_json::from_str(&text)
            .map_err(|error| ClientError::Answer { authority: self.authority(), reason: error.to_string() })
    }

    /// `patience`: for the answer's head.
    async fn get_target(&self, path: &str, query: &str, patience: Duration) -> Result<Response<Incoming>, ClientError> {
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let mut kept = self.sender.lock().await;
        // A kept connection that the server closed meanwhile is no failure: the request is sent again on a new one.
        if let Some(mut sender) = kept.take()
            && timeout(PATIENCE, sender.ready()).await.is_ok_and(|ready| ready.is_ok())
            && let Ok(Ok(answer)) = timeout(patience, sender.send_request(self.request(path, query, &target)?)).await
        {
            *kept = Some(sender);
            return Ok(answer);
        }
        let mut sender = self.connect().await?;
        let request = self.request(path, query, &target)?;
        let answer = timeout(patience, sender.send_request(request)).await.map_err(|_| self.silent())?;
        let answer = answer.map_err(|source| self.http(source))?;
        *kept = Some(sender);
        Ok(answer)
    }

    fn request(&self, path: &str, query: &str, target: &str) -> Result<Request<Empty<Bytes>>, ClientError> {
        let mut request = Request::builder().method(Method::GET).uri(target);
        for (name, value) in self.signer.headers(&self.endpoint.authority, path, query, std::time::SystemTime::now()) {
            request = request.header(name, value);
        }
        // What is not a header value or a target can only come from the endpoint or the credentials.
        request.body(Empty::new()).map_err(|_| ClientError::Endpoint { endpoint: self.authority() })
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>, ClientError> {
        let failed = |source| ClientError::Connect { authority: self.authority(), source };
        let connecting = TcpStream::connect((self.endpoint.host.as_str(), self.endpoint.port));
        let connected = timeout(CONNECT, connecting).await;
        let stream = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        match &self.tls {
            None => self.speak(stream).await,
            Some(tls) => self.speak(tls.connect(&self.endpoint, stream).await?).await,
        }
    }

    async fn speak<S>(&self, stream: S) -> Result<SendRequest<Empty<Bytes>>, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|source| self.http(source))?;
        // Its errors come out of the request or body that they concern.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    async fn text(&self, answer: Response<Incoming>, most: usize) -> Result<String, ClientError> {
        let mut body = answer.into_body();
        let mut text = Vec::new();
        while let Some(frame) = timeout(PATIENCE, body.frame()).await.map_err(|_| self.silent())? {
            if let Ok(bytes) = frame.map_err(|source| self.http(source))?.into_data() {
                text.extend_from_slice(&bytes);
            }
            if text.len() > most {
                let reason = format!("longer than {most} bytes");
                return Err(ClientError::Answer { authority: self.authority(), reason });
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    async fn refused(&self, answer: Response<Incoming>) -> ClientError {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = self.text(answer, MOST_TEXT).await.ok().and_then(|text| listing::error_of(&text));
        let elsewhere = Elsewhere::of(status, &headers, body.as_ref(), &self.signer.region);
        let said = body.map(|body| (body.code, body.message));
        ClientError::Refused { authority: self.authority(), status, said, elsewhere }
    }

    fn silent(&self) -> ClientError {
        ClientError::Silent { authority: self.authority() }
    }

    fn http(&self, source: hyper::Error) -> ClientError {
        let authority = self.authority();
        if source.is_parse() && self.tls.is_none() {
            return ClientError::NoHttp { authority };
        }
        ClientError::Http { authority, source }
    }

    fn authority(&self) -> String {
        self.endpoint.authority.clone()
    }
}
