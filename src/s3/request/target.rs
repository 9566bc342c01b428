//! What a request is about: the bucket of its host or path, and the key.

use std::net::{IpAddr, SocketAddr};

use hyper::StatusCode;
use hyper::header::HOST;
use hyper::http::request::Parts;
use s3s::host::{MultiDomain, S3Host};

use super::context::BucketAndKey;
use super::error_page::ErrorPage;
use crate::remote::percent;
use crate::s3::operation::Kind;

/// See the module.
pub struct Target {
    pub kind: Kind,
    pub named: Option<BucketAndKey>,
    /// The bucket, if the host names it.
    pub host_bucket: Option<String>,
}

impl Target {
    /// `domains` are those under which buckets are host names.
    ///
    /// # Errors
    /// A path that is not UTF-8 or not percent-encoded, or a host that is not one.
    pub fn of(parts: &Parts, domains: Option<&MultiDomain>) -> Result<Self, ErrorPage> {
        let path = percent::decode(parts.uri.path()).ok_or_else(|| {
            ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidURI", "Couldn't parse the specified URI.")
        })?;
        let host_bucket = match domains {
            Some(domains) => host_bucket(parts, domains)?,
            None => None,
        };
        let rest = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = match &host_bucket {
            Some(bucket) => (bucket.as_str(), rest),
            None => rest.split_once('/').unwrap_or((rest, "")),
        };
        let kind = match (bucket, key) {
            ("", _) => Kind::Service,
            (_, "") => Kind::Bucket,
            _ => Kind::Object,
        };
        let named = (kind != Kind::Service).then(|| BucketAndKey { bucket: bucket.to_owned(), key: key.to_owned() });
        Ok(Target { kind, named, host_bucket })
    }
}

fn host_bucket(parts: &Parts, domains: &MultiDomain) -> Result<Option<String>, ErrorPage> {
    let Some(host) = parts.headers.get(HOST).and_then(|host| host.to_str().ok()) else { return Ok(None) };
    if host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok() {
        return Ok(None);
    }
    let found = domains.parse_host_header(host).map_err(|_| {
        ErrorPage::new(
            StatusCode::BAD_REQUEST,
            "InvalidRequest",
            "The Host header names none of this server's domains.",
        )
    })?;
    Ok(found.bucket().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn of(host: &str, path: &str) -> (Kind, Option<(String, String)>) {
        let (parts, ()) = Request::builder().uri(path).header(HOST, host).body(()).unwrap().into_parts();
        let domains = MultiDomain::new(&["s3.test".to_owned()]).unwrap();
        let target = Target::of(&parts, Some(&domains)).unwrap();
        (target.kind, target.named.map(|named| (named.bucket, named.key)))
    }

    #[test]
    fn buckets_are_named_by_path_or_host() {
        let pair = |bucket: &str, key: &str| Some((bucket.to_owned(), key.to_owned()));
        assert_eq!(of("s3.test", "/"), (Kind::Service, None));
        assert_eq!(of("s3.test", "/b"), (Kind::Bucket, pair("b", "")));
        assert_eq!(of("127.0.0.1:9000", "/b/"), (Kind::Bucket, pair("b", "")));
        assert_eq!(of("[::1]:9000", "/b//"), (Kind::Object, pair("b", "/")));
        assert_eq!(of("b.s3.test", "/"), (Kind::Bucket, pair("b", "")));
        assert_eq!(of("b.s3.test", "/k%20/x"), (Kind::Object, pair("b", "k /x")));
    }
}
