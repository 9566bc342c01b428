//! The listen address of `serve`: an address, a name, or all interfaces.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use tokio::net::TcpListener;

const WANTED: &str =
    "expected HOST:PORT; HOST is an IPv4 address, an IPv6 address in [], a name, or empty for all interfaces";

/// A parsed listen address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Ip(SocketAddr),
    Name {
        host: String,
        port: u16,
    },
    /// All interfaces.
    All {
        port: u16,
    },
}

/// Errors of listening.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot resolve {host}: {source}")]
    Resolve { host: String, source: io::Error },
    #[error("{host} has no address")]
    Nowhere { host: String },
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or(WANTED)?;
        let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let port = port.and_then(|port| port.parse().ok()).ok_or("the port is a number up to 65535")?;
        if host.is_empty() {
            return Ok(Self::All { port });
        }
        let in_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if host.bytes().all(in_names) { Ok(Self::Name { host: host.to_owned(), port }) } else { Err(WANTED) }
    }
}

impl Address {
    /// The addresses that it denotes: at least one, without duplicates. Names are resolved by the system, which may
    /// take seconds.
    ///
    /// # Errors
    /// A name that has no address.
    pub fn resolve(&self) -> Result<Vec<SocketAddr>, ListenError> {
        let (host, port) = match self {
            Self::Ip(address) => return Ok(vec![*address]),
            Self::All { port } => {
                return Ok(vec![(Ipv6Addr::UNSPECIFIED, *port).into(), (Ipv4Addr::UNSPECIFIED, *port).into()]);
            }
            Self::Name { host, port } => (host, *port),
        };
        let found = (host.as_str(), port).to_socket_addrs();
        let mut addresses = Vec::new();
        for address in found.map_err(|source| ListenError::Resolve { host: host.clone(), source })? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() { Err(ListenError::Nowhere { host: host.clone() }) } else { Ok(addresses) }
    }

    /// `HOST:PORT` for clients on this machine; `bound` is the bound address.
    pub fn endpoint(&self, bound: SocketAddr) -> String {
        match self {
            Self::Ip(_) => bound.to_string(),
            Self::Name { host, .. } => format!("{host}:{}", bound.port()),
            Self::All { .. } => format!("localhost:{}", bound.port()),
        }
    }
}

/// Listens on those of the addresses that this machine has, at least one; port 0 becomes the same free port for all.
///
/// # Errors
/// The first address of this machine that cannot be bound; if the machine has none of them, the first address.
pub async fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut bound: Vec<SocketAddr> = Vec::new();
    let mut absent = None;
    for &address in addresses {
        // Who listens on all addresses of IPv6 is given connections over IPv4, too.
        if address.ip() == Ipv4Addr::UNSPECIFIED && bound.iter().any(|other| other.ip() == Ipv6Addr::UNSPECIFIED) {
            continue;
        }
        let failed = |source| ListenError::Listen { address, source };
        let port = bound.first().map_or(address.port(), SocketAddr::port);
        match TcpListener::bind(SocketAddr::new(address.ip(), port)).await {
            Ok(listener) => {
                bound.push(listener.local_addr().map_err(failed)?);
                listeners.push(listener);
            }
            Err(source) if is_absent(&source) => absent = absent.or(Some(failed(source))),
            Err(source) => return Err(failed(source)),
        }
    }
    match absent {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

/// Whether the machine does not have the address; an example is ::1, an address of localhost, without IPv6.
fn is_absent(error: &io::Error) -> bool {
    let no_family = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(no_family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        let name = |host: &str, port| Ok(Address::Name { host: host.into(), port });
        for ip in ["127.0.0.1:9000", "[::1]:0", "0.0.0.0:80", "[fe80::1%2]:9000"] {
            assert_eq!(ip.parse(), Ok(Address::Ip(ip.parse().unwrap())));
        }
        assert_eq!("localhost:9000".parse(), name("localhost", 9000));
        assert_eq!("a-b_c.example.org:65535".parse(), name("a-b_c.example.org", 65535));
        assert_eq!(":9000".parse(), Ok(Address::All { port: 9000 }));
        for wrong in ["", "nowhere", "::1:9000", "[::1]", "[::1", "http://localhost:9000", "a b:1", "[a]:1", "ü:1"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
        for port in ["", "x", "+1", "-1", "65536"] {
            assert!(
                format!("localhost:{port}").parse::<Address>().is_err_and(|error| error.contains("port")),
                "{port}"
            );
        }
    }

    #[test]
    fn all_is_more_than_loopback_and_localhost_is_not() {
        let resolve = |text: &str| text.parse::<Address>().unwrap().resolve();
        assert!(resolve(":1").unwrap().iter().all(|address| address.ip().is_unspecified()));
        assert!(resolve("localhost:1").unwrap().iter().all(|address| address.ip().is_loopback()));
    }

    #[tokio::test]
    async fn what_the_machine_has_is_listened_on_with_one_port() {
        let addresses = ["127.0.0.1:0", "192.0.2.1:0", "127.0.0.2:0"].map(|text| text.parse().unwrap());
        let listeners = listen(&addresses).await.unwrap();
        let bound: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        assert_eq!(bound.len(), 2);
        assert!(bound[0].port() != 0 && bound[0].port() == bound[1].port());
        assert!(matches!(listen(&addresses[1..2]).await, Err(ListenError::Listen { .. })));
        let taken = [bound[0], "127.0.0.3:0".parse().unwrap()];
        assert!(matches!(listen(&taken).await, Err(ListenError::Listen { address, .. }) if address == bound[0]));
        let all = listen(&Address::All { port: 0 }.resolve().unwrap()).await.unwrap();
        let port = all[0].local_addr().unwrap().port();
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok());
    }
}
