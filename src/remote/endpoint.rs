//! `http://HOST[:PORT]` and `https://HOST[:PORT]`: how a server is named.

use http::uri::Authority;

/// A server's address, and whether it speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub tls: bool,
    /// A name, or an address; one of IPv6 without its brackets.
    pub host: String,
    pub port: u16,
    /// Host and port as the Host header has them, which is signed: without the port where it is the scheme's own, since
    /// proxies may take that off.
    pub authority: String,
}

impl Endpoint {
    /// None if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (tls, own_port, rest) = match text.split_once("://")? {
            ("http", rest) => (false, 80, rest),
            ("https", rest) => (true, 443, rest),
            _ => return None,
        };
        let parsed: Authority = rest.trim_end_matches('/').parse().ok()?;
        let (whole, host) = (parsed.as_str(), parsed.host());
        if host.is_empty() || whole.contains('@') {
            return None;
        }
        let port = match &whole[host.len()..] {
            "" => own_port,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        let authority = if port == own_port { host.to_owned() } else { format!("{host}:{port}") };
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Some(Self { tls, host: address.unwrap_or(host).to_owned(), port, authority })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_a_scheme_a_host_and_a_port() {
        for (text, tls, host, port, authority) in [
            ("http://localhost", false, "localhost", 80, "localhost"),
            ("http://127.0.0.1:9000/", false, "127.0.0.1", 9000, "127.0.0.1:9000"),
            ("http://[::1]:9000", false, "::1", 9000, "[::1]:9000"),
            ("http://h:80", false, "h", 80, "h"),
            ("http://h:443", false, "h", 443, "h:443"),
            ("https://s3.example.org", true, "s3.example.org", 443, "s3.example.org"),
            ("https://s3.example.org:443/", true, "s3.example.org", 443, "s3.example.org"),
            ("https://[::1]", true, "::1", 443, "[::1]"),
            ("https://h:80", true, "h", 80, "h:80"),
        ] {
            let expected = Endpoint { tls, host: host.into(), port, authority: authority.into() };
            assert_eq!(Endpoint::parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for wrong in [
            "",
            "localhost:9000",
            "ftp://h",
            "http://",
            "https://",
            "http://:80",
            "http://a b",
            "http://u@h",
            "https://h/path",
            "https://h:",
            "https://h:x",
            "https://h:65536",
            "https://h?q",
        ] {
            assert_eq!(Endpoint::parse(wrong), None, "{wrong}");
        }
    }
}
