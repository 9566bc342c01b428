//! A small S3 client: lists a bucket of any server and reads its objects, path style, over plain HTTP or TLS; and asks
//! a Deltastore what its administration answers in JSON.
//!
//! Signatures of version 4 (`sigv4`) and percent-encoding (`percent`) are those of the server, too.
//!
//! Invariants: one request at a time, on a connection that is kept; nothing is ever written to the server; a body that
//! ends early is an error, so that a cut answer is never taken for a whole one.
//!
//! Failure cases: every one names the server and what it said; a peer that is silent for a minute is given up.

mod endpoint;
mod error;
mod get;
mod http;
mod list;
pub mod percent;
mod sign;
pub mod sigv4;
mod tls;
mod xml;

pub use error::ClientError;
pub use list::{Listed, Page};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1::SendRequest;
use tokio::sync::Mutex;

use deltastore_iam::Credentials;
use endpoint::Endpoint;
use sign::Signer;
use tls::Tls;

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
        let wrong = || ClientError::Endpoint { endpoint: endpoint.to_owned() };
        let endpoint = Endpoint::parse(endpoint).ok_or_else(wrong)?;
        let tls = if endpoint.tls { Some(Tls::new()?) } else { None };
        let signer = Signer { credentials, session_token, region };
        Ok(Self { endpoint, tls, signer, sender: Mutex::new(None) })
    }

    fn authority(&self) -> String {
        self.endpoint.authority.clone()
    }
}
