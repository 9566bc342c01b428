//! Why a server could not be read, in one sentence each.

use http::StatusCode;

use super::tls::TlsError;

/// Why a request failed. One sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{endpoint:?} is not an endpoint: http://HOST[:PORT] or https://HOST[:PORT] is wanted")]
    Endpoint { endpoint: String },
    #[error("cannot connect to {authority}: {source}")]
    Connect { authority: String, source: std::io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{authority} does not answer")]
    Silent { authority: String },
    #[error("{authority} does not answer in plain HTTP; if it speaks TLS, its endpoint is https://{authority}")]
    NoHttp { authority: String },
    #[error("{authority}: {source}{}", cause(.source))]
    Http { authority: String, source: hyper::Error },
    /// An answer other than 200, with the code and message of its body where it has them.
    #[error("{authority} answers {status}{}", told(.said.as_ref()))]
    Refused { authority: String, status: StatusCode, said: Option<(String, String)> },
    #[error("{authority} sends an answer that is not understood: {reason}")]
    Answer { authority: String, reason: String },
}

impl ClientError {
    /// True when the server says that what it has stored is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Refused { said: Some((code, _)), .. } if code == "DamagedObject")
    }
}

/// What hyper's own words leave out.
fn cause(source: &hyper::Error) -> String {
    std::error::Error::source(source).map(|cause| format!(": {cause}")).unwrap_or_default()
}

fn told(said: Option<&(String, String)>) -> String {
    said.map(|(code, message)| format!(": {code}: {message}")).unwrap_or_default()
}
