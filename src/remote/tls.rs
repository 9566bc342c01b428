//! TLS to a server: rustls with ring. Certificates are always verified, against the authorities that this system
//! trusts.
//!
//! Failure cases: each names the server, and what to do where there is something; where no authority is trusted, that
//! is said first.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use super::endpoint::Endpoint;

/// Longest time that a handshake takes.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Most names of a certificate that a message has.
const MAX_NAMES: usize = 5;

/// Why there is no TLS. One sentence each.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(
        "no certificates of authorities to trust are found{}; install the system's (ca-certificates), or name a PEM file of them in SSL_CERT_FILE",
        .why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default()
    )]
    NoAuthorities { why: Option<String> },
    #[error("{authority} is no name that a certificate can be for")]
    Name { authority: String },
    #[error(
        "the certificate of {authority} comes from no authority that is trusted here; if it is one of your own, name a PEM file with the authority's certificate in SSL_CERT_FILE"
    )]
    Untrusted { authority: String },
    #[error("the certificate of {authority} is for {}, not for {host}", joined(.names))]
    OtherName { authority: String, host: String, names: Vec<String> },
    #[error("the certificate of {authority} expired on {}", date(*.at))]
    Expired { authority: String, at: UnixTime },
    #[error("the certificate of {authority} is not valid before {}; the clock here may be wrong", date(*.at))]
    NotYet { authority: String, at: UnixTime },
    #[error(
        "the certificate of {authority} is marked as an authority's (CA:TRUE), which a server's may not be; give the server one with CA:FALSE, its own or signed by that authority"
    )]
    Authority { authority: String },
    #[error("the certificate of {authority} is refused: {reason}")]
    Certificate { authority: String, reason: String },
    #[error("{authority} does not speak TLS; if it serves plain HTTP, its endpoint is http://{authority}")]
    Plain { authority: String },
    #[error("{authority} does not answer when TLS begins; if it serves plain HTTP, its endpoint is http://{authority}")]
    Silent { authority: String },
    #[error("TLS with {authority} fails: {source}")]
    Failed { authority: String, source: io::Error },
}

/// What connections to a server have in common.
pub struct Tls {
    connector: TlsConnector,
}

impl Tls {
    /// Reads the system's trusted authorities, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name in their place.
    ///
    /// # Errors
    /// [`TlsError::NoAuthorities`].
    pub fn new() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(TlsError::NoAuthorities { why: found.errors.first().map(ToString::to_string) });
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: Arc::new(config).into() })
    }

    /// Shakes hands over a fresh connection to the endpoint, within ten seconds.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub async fn connect(&self, endpoint: &Endpoint, stream: TcpStream) -> Result<TlsStream<TcpStream>, TlsError> {
        let authority = endpoint.authority.clone();
        let Ok(name) = ServerName::try_from(endpoint.host.clone()) else {
            return Err(TlsError::Name { authority });
        };
        match timeout(HANDSHAKE_TIMEOUT, self.connector.connect(name, stream)).await {
            Err(_) => Err(TlsError::Silent { authority }),
            Ok(result) => result.map_err(|error| failure(endpoint, error)),
        }
    }
}

/// What a failed handshake comes from.
fn failure(endpoint: &Endpoint, source: io::Error) -> TlsError {
    let authority = endpoint.authority.clone();
    match source.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::InvalidCertificate(problem)) => refused(endpoint, problem),
        // Bytes that are no TLS at all.
        Some(Error::InvalidMessage(_)) => TlsError::Plain { authority },
        None if [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset].contains(&source.kind()) => {
            TlsError::Plain { authority }
        }
        _ => TlsError::Failed { authority, source },
    }
}

fn refused(endpoint: &Endpoint, problem: &CertificateError) -> TlsError {
    let authority = endpoint.authority.clone();
    match problem {
        // A bad signature: an authority of that name is trusted, but with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsError::Untrusted { authority },
        CertificateError::NotValidForNameContext { presented, .. } => TlsError::OtherName {
            authority,
            host: endpoint.host.clone(),
            names: presented.iter().map(|name| bare(name)).collect(),
        },
        CertificateError::ExpiredContext { not_after, .. } => TlsError::Expired { authority, at: *not_after },
        CertificateError::NotValidYetContext { not_before, .. } => TlsError::NotYet { authority, at: *not_before },
        // What `openssl req -x509` makes, unless it is told otherwise. The verifier's own error type is not to be had.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => TlsError::Authority { authority },
        other => TlsError::Certificate { authority, reason: other.to_string() },
    }
}

/// A name out of the verifier's `DnsName("NAME")` or `IpAddress(ADDRESS)`.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_owned()
}

fn joined(names: &[String]) -> String {
    match names.len() {
        0 => "no name at all".to_owned(),
        count if count > MAX_NAMES => format!("{} and {} more", names[..MAX_NAMES].join(", "), count - MAX_NAMES),
        _ => names.join(", "),
    }
}

fn date(at: UnixTime) -> String {
    let at = i64::try_from(at.as_secs()).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    at.map_or_else(|| "another day".to_owned(), |at| at.date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_cut() {
        let all: Vec<String> = (1..=7).map(|number| format!("n{number}")).collect();
        assert_eq!(joined(&all), "n1, n2, n3, n4, n5 and 2 more");
        assert_eq!(joined(&all[..2]), "n1, n2");
        assert_eq!(joined(&[]), "no name at all");
    }

    #[test]
    fn names_are_bare() {
        for (name, expected) in [("DnsName(\"*.h\")", "*.h"), ("IpAddress(::1)", "::1"), ("Other", "Other")] {
            assert_eq!(bare(name), expected);
        }
    }

    #[test]
    fn dates_are_days() {
        assert_eq!(date(UnixTime::since_unix_epoch(Duration::from_secs(1_600_000_000))), "2020-09-13");
        assert_eq!(date(UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX))), "another day");
    }
}
