//! Signed GET requests over one connection that is kept.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::Elsewhere;
use super::{Client, ClientError, xml};

/// Longest time in which nothing comes.
pub const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of a listing or error that are taken: a thousand keys of a kilobyte, percent-encoded, fit.
pub const MAX_TEXT: usize = 16 << 20;

impl Client {
    /// `path` is encoded, `query` is not; `head_timeout` is for the answer's head.
    pub(super) async fn get_target(
        &self,
        path: &str,
        query: &[(&str, &str)],
        head_timeout: Duration,
    ) -> Result<Response<Incoming>, ClientError> {
        let mut kept = self.sender.lock().await;
        // A kept connection that the server closed meanwhile is no failure: the request is sent again on a new one.
        if let Some(mut sender) = kept.take()
            && timeout(SILENCE_TIMEOUT, sender.ready()).await.is_ok_and(|ready| ready.is_ok())
            && let Ok(Ok(answer)) = timeout(head_timeout, sender.send_request(self.request(path, query)?)).await
        {
            *kept = Some(sender);
            return Ok(answer);
        }
        let mut sender = self.connect().await?;
        let request = self.request(path, query)?;
        let answer = timeout(head_timeout, sender.send_request(request)).await.map_err(|_| self.silent())?;
        let answer = answer.map_err(|source| self.http(source))?;
        *kept = Some(sender);
        Ok(answer)
    }

    fn request(&self, path: &str, query: &[(&str, &str)]) -> Result<Request<Empty<Bytes>>, ClientError> {
        let signed = self.signer.sign(&self.endpoint.authority, path, query, SystemTime::now());
        let mut request = Request::builder().method(Method::GET).uri(signed.target);
        for (name, value) in signed.headers {
            request = request.header(name, value);
        }
        // What is not a header value or a target can only come from the endpoint or the credentials.
        request.body(Empty::new()).map_err(|_| ClientError::Endpoint { endpoint: self.authority() })
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>, ClientError> {
        let failed = |source| ClientError::Connect { authority: self.authority(), source };
        let connecting = TcpStream::connect((self.endpoint.host.as_str(), self.endpoint.port));
        let connected = timeout(CONNECT_TIMEOUT, connecting).await;
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

    /// The whole of an answer's body, `max` bytes at most.
    pub(super) async fn text(&self, answer: Response<Incoming>, max: usize) -> Result<String, ClientError> {
        let mut body = answer.into_body();
        let mut text = Vec::new();
        while let Some(frame) = timeout(SILENCE_TIMEOUT, body.frame()).await.map_err(|_| self.silent())? {
            if let Ok(bytes) = frame.map_err(|source| self.http(source))?.into_data() {
                text.extend_from_slice(&bytes);
            }
            if text.len() > max {
                let reason = format!("longer than {max} bytes");
                return Err(ClientError::Answer { authority: self.authority(), reason });
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The error that an answer other than 200 is.
    pub(super) async fn refused(&self, answer: Response<Incoming>) -> ClientError {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = self.text(answer, MAX_TEXT).await.ok().and_then(|text| xml::error_of(&text));
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
}
