//! Why a server could not be read, in one sentence each.

use http::{HeaderMap, StatusCode, header};

use super::tls::TlsError;
use super::xml::ErrorBody;

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
    #[error("{authority} answers {status}{}{}", told(.said.as_ref()), hint(.elsewhere.as_ref()))]
    Refused { authority: String, status: StatusCode, said: Option<(String, String)>, elsewhere: Option<Elsewhere> },
    #[error("{authority} sends an answer that is not understood: {reason}")]
    Answer { authority: String, reason: String },
}

impl ClientError {
    /// True when the object is of a class, such as Glacier's, whose objects are restored before they can be read.
    pub fn is_archived(&self) -> bool {
        matches!(self, Self::Refused { said: Some((code, _)), .. } if code == "InvalidObjectState")
    }

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

fn hint(elsewhere: Option<&Elsewhere>) -> String {
    match elsewhere {
        None => String::new(),
        Some(Elsewhere::Region(region)) => {
            format!(
                " (the bucket is in {region}: set AWS_REGION={region}, and --endpoint, if given, to a server there)"
            )
        }
        Some(Elsewhere::Address(address)) => format!(" (it refers to {address})"),
    }
}

/// Where a server says that a request belongs.
#[derive(Debug, PartialEq, Eq)]
pub enum Elsewhere {
    Region(String),
    Address(String),
}

impl Elsewhere {
    /// What an answer other than 200 says of it; `region` is the one that the request was signed for.
    pub fn of(status: StatusCode, headers: &HeaderMap, body: Option<&ErrorBody>, region: &str) -> Option<Self> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let redirected = status.is_redirection();
        let named = body.and_then(|body| body.region.clone()).or_else(|| header("x-amz-bucket-region"));
        match named {
            Some(named) if is_region(&named) && (redirected || named != region) => return Some(Self::Region(named)),
            _ => {}
        }
        let address = header(header::LOCATION.as_str()).or_else(|| body.and_then(|body| body.endpoint.clone()));
        address.filter(|_| redirected).map(Self::Address)
    }
}

fn is_region(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_regions_and_redirects_are_told() {
        let body = |region: Option<&str>, endpoint: Option<&str>| ErrorBody {
            region: region.map(str::to_owned),
            endpoint: endpoint.map(str::to_owned),
            ..ErrorBody::default()
        };
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
        };
        let region = |name: &str| Some(Elsewhere::Region(name.into()));
        let address = |name: &str| Some(Elsewhere::Address(name.into()));
        for (status, headers, body, expected) in [
            (400, HeaderMap::new(), body(Some("eu-west-1"), None), region("eu-west-1")),
            (
                301,
                headers("x-amz-bucket-region", "eu-west-1"),
                body(None, Some("b.s3.amazonaws.com")),
                region("eu-west-1"),
            ),
            // The right region, but another region's server.
            (301, headers("x-amz-bucket-region", "us-east-1"), body(None, None), region("us-east-1")),
            (403, headers("x-amz-bucket-region", "us-east-1"), body(None, None), None),
            (400, headers("x-amz-bucket-region", "a b"), body(None, None), None),
            (307, HeaderMap::new(), body(None, Some("s3.example.org")), address("s3.example.org")),
            (308, headers("location", "https://h/b"), body(None, None), address("https://h/b")),
            (404, headers("location", "https://h/b"), body(None, Some("h")), None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Elsewhere::of(status, &headers, Some(&body), "us-east-1"), expected, "{status} {headers:?}");
        }
    }
}
