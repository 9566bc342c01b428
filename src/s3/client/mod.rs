//! A small S3 client: lists a bucket of any server and reads its objects, path style, over plain HTTP; and asks a Deltastore how an
//! object is stored.
//!
//! Invariants: one request at a time, on a connection that is kept; nothing is ever written to the server; a body that ends early
//! is an error, so that a cut answer is never taken for a whole one.
//!
//! Failure cases: every one names the server and what it said; a peer that is silent for a minute is given up.

mod listing;
mod sign;

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
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Credentials;
use crate::object::Inspected;
use sign::{Signer, encode_path, encode_query};

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

/// Why a request failed. One sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{endpoint:?} is not an endpoint: http://HOST[:PORT] is wanted")]
    Endpoint { endpoint: String },
    #[error(
        "{endpoint:?}: this build reads over plain http only; use an http endpoint or a local proxy that speaks TLS"
    )]
    Tls { endpoint: String },
    #[error("cannot connect to {authority}: {source}")]
    Connect { authority: String, source: std::io::Error },
    #[error("{authority} does not answer")]
    Silent { authority: String },
    #[error("{authority}: {source}")]
    Http { authority: String, source: hyper::Error },
    /// An answer other than 200, with the code and message of its body where it has them.
    #[error("{authority} answers {status}{}", told(.said.as_ref()))]
    Refused { authority: String, status: StatusCode, said: Option<(String, String)> },
    #[error("{authority} sends an answer that is not understood: {reason}")]
    Answer { authority: String, reason: String },
}

fn told(said: Option<&(String, String)>) -> String {
    said.map(|(code, message)| format!(": {code}: {message}")).unwrap_or_default()
}

impl ClientError {
    /// True when the server says that what it has stored is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Refused { said: Some((code, _)), .. } if code == "DamagedObject")
    }
}

/// A server to read from.
pub struct Client {
    authority: String,
    signer: Signer,
    sender: Mutex<Option<SendRequest<Empty<Bytes>>>>,
}

impl Client {
    /// A client of the server at `endpoint`, `http://HOST[:PORT]`; connects at the first request.
    ///
    /// # Errors
    /// [`ClientError::Endpoint`] and [`ClientError::Tls`].
    pub fn new(
        endpoint: &str,
        credentials: Credentials,
        session_token: Option<String>,
        region: String,
    ) -> Result<Self, ClientError> {
        if endpoint.starts_with("https://") {
            return Err(ClientError::Tls { endpoint: endpoint.to_owned() });
        }
        let wrong = || ClientError::Endpoint { endpoint: endpoint.to_owned() };
        let authority = endpoint.strip_prefix("http://").ok_or_else(wrong)?.trim_end_matches('/');
        let parsed: http::uri::Authority = authority.parse().map_err(|_| wrong())?;
        if parsed.host().is_empty() || authority.contains('@') {
            return Err(wrong());
        }
        let signer = Signer { credentials, session_token, region };
        Ok(Self { authority: authority.to_owned(), signer, sender: Mutex::new(None) })
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
        Page::parse(&text).map_err(|reason| ClientError::Answer { authority: self.authority.clone(), reason })
    }

    /// An object's bytes; none if it is gone. They are taken or dropped before the next request.
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
            _ => return Err(self.refused(answer).await),
        }
        let (body, authority) = (answer.into_body(), self.authority.clone());
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
            .map_err(|error| ClientError::Answer { authority: self.authority.clone(), reason: error.to_string() })
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
        for (name, value) in self.signer.headers(&self.authority, path, query, std::time::SystemTime::now()) {
            request = request.header(name, value);
        }
        // What is not a header value or a target can only come from the endpoint or the credentials.
        request.body(Empty::new()).map_err(|_| ClientError::Endpoint { endpoint: self.authority.clone() })
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>, ClientError> {
        let failed = |source| ClientError::Connect { authority: self.authority.clone(), source };
        let port = self.authority.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let address = if port.is_some() { self.authority.clone() } else { format!("{}:80", self.authority) };
        let connected = timeout(CONNECT, TcpStream::connect(address)).await;
        let stream = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
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
                return Err(ClientError::Answer { authority: self.authority.clone(), reason });
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    async fn refused(&self, answer: Response<Incoming>) -> ClientError {
        let status = answer.status();
        let text = self.text(answer, MOST_TEXT).await.unwrap_or_default();
        ClientError::Refused { authority: self.authority.clone(), status, said: listing::error_of(&text) }
    }

    fn silent(&self) -> ClientError {
        ClientError::Silent { authority: self.authority.clone() }
    }

    fn http(&self, source: hyper::Error) -> ClientError {
        ClientError::Http { authority: self.authority.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(endpoint: &str) -> Result<Client, ClientError> {
        let credentials = Credentials { access_key: "a".into(), secret_key: "s".into() };
        Client::new(endpoint, credentials, None, "us-east-1".into())
    }

    #[test]
    fn endpoints_are_plain_http_with_a_host() {
        for good in ["http://localhost", "http://127.0.0.1:9000/", "http://[::1]:9000"] {
            assert!(client(good).is_ok(), "{good}");
        }
        assert!(matches!(client("https://s3.example.org"), Err(ClientError::Tls { .. })));
        for wrong in ["", "localhost:9000", "http://", "http://:80", "http://a b", "http://u@h", "http://h/path"] {
            assert!(matches!(client(wrong), Err(ClientError::Endpoint { .. })), "{wrong}");
        }
    }
}
