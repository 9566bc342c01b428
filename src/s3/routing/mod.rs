//! Which operation a request asks for: one table of method, resource and query names.
//!
//! Invariants:
//! - A request runs the operation of its row, or none. A query name of S3 that the row does not have is never ignored,
//!   so `DELETE /bucket?logging` deletes no bucket. What is none of S3's names is ignored, as S3 does.
//! - s3s routes by rules of its own. [`super::access`] compares what it found with the row's operation.
//!
//! A new operation is one row in `table.rs`; its page in `docs/s3.md` is checked by the test below.

mod refusal;
mod table;

use std::collections::BTreeSet;
use std::fmt;

use hyper::Method;

use self::table::ROUTES;
pub use self::table::is_selecting;
use super::request::error_page::ErrorPage;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Service,
    Bucket,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Service => "service",
            Kind::Bucket => "bucket",
            Kind::Object => "key",
        })
    }
}

/// Does the row need the header `x-amz-copy-source`?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CopySource {
    Any,
    Without,
    With,
}

/// One row.
#[derive(Debug)]
pub struct Route {
    method: &'static str,
    kind: Kind,
    /// Query names that select the operation; all must be there.
    query: &'static [&'static str],
    /// Selecting names that it takes besides.
    optional: &'static [&'static str],
    copy_source: CopySource,
    pub operation: &'static str,
    served: bool,
}

impl Route {
    /// Is the body, if there is one, a document that the operation reads, not an object?
    pub fn takes_document(&self) -> bool {
        !matches!(self.operation, "PutObject" | "UploadPart")
    }

    fn takes(&self, names: &BTreeSet<&str>) -> bool {
        self.query.iter().all(|name| names.contains(name))
            && names.iter().all(|name| self.query.contains(name) || self.optional.contains(name))
    }
}

/// The row of a request; `query` as it was sent.
///
/// # Errors
/// The answer to a request that S3 does not have, or that is not implemented.
pub fn route(method: &Method, kind: Kind, query: &str, copies: bool) -> Result<&'static Route, ErrorPage> {
    let decoded = names(query);
    let names: BTreeSet<&str> = decoded.iter().map(String::as_str).collect();
    let found = ROUTES.iter().find(|route| {
        let with_source = match route.copy_source {
            CopySource::Any => true,
            CopySource::Without => !copies,
            CopySource::With => copies,
        };
        route.method == method.as_str() && route.kind == kind && with_source && route.takes(&names)
    });
    match found {
        Some(route) if route.served => Ok(route),
        Some(route) => Err(refusal::not_implemented(route.operation)),
        None => Err(refusal::of(method, kind, &names)),
    }
}

/// The selecting names in a query. `list-type` selects by its value.
fn names(query: &str) -> BTreeSet<String> {
    // As s3s reads it.
    form_urlencoded::parse(query.as_bytes())
        .filter_map(|(name, value)| match name.as_ref() {
            "list-type" => (value == "2").then(|| "list-type=2".to_owned()),
            name => is_selecting(name).then(|| name.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [Method; 6] =
        [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE, Method::OPTIONS];
    const KINDS: [Kind; 3] = [Kind::Service, Kind::Bucket, Kind::Object];

    fn operation(method: &Method, kind: Kind, query: &str) -> Result<&'static str, String> {
        route(method, kind, query, false).map(|route| route.operation).map_err(|page| page.code().to_owned())
    }

    #[test]
    fn a_name_of_s3_never_leads_to_the_operation_without_it() {
        for method in &METHODS {
            for kind in KINDS {
                let plain = operation(method, kind, "");
                for name in table::SELECTING {
                    for query in [(*name).to_owned(), format!("{name}=1"), format!("x=1&{name}&y"), escaped(name)] {
                        let found = operation(method, kind, &query);
                        let takes = ROUTES.iter().any(|route| {
                            route.method == method.as_str()
                                && route.kind == kind
                                && found == Ok(route.operation)
                                && (route.query.contains(name) || route.optional.contains(name))
                        });
                        assert!(found.is_err() || takes, "{method} {kind:?}?{query}: {found:?}");
                        assert!(found != plain || found.is_err() || takes, "{method} {kind:?}?{query}");
                    }
                }
            }
        }
    }

    /// Every byte of a name percent-encoded.
    fn escaped(name: &str) -> String {
        name.bytes().map(|byte| format!("%{byte:02x}")).collect()
    }

    #[test]
    fn every_served_row_is_reached_and_no_other_answers() {
        for found in ROUTES {
            let method: Method = found.method.parse().unwrap();
            let copies = found.copy_source == CopySource::With;
            let query = found.query.join("&");
            match route(&method, found.kind, &query, copies) {
                Ok(route) => assert_eq!((route.operation, route.served), (found.operation, true)),
                Err(page) => assert_eq!((page.code(), found.served), ("NotImplemented", false), "{found:?}"),
            }
        }
    }

    #[test]
    fn served_rows_are_those_that_the_api_forwards() {
        let mut served: Vec<String> = ROUTES.iter().filter(|route| route.served).map(|r| snake(r.operation)).collect();
        served.sort();
        served.dedup();
        let mut forwarded: Vec<&str> = crate::s3::api::FORWARDED.to_vec();
        forwarded.sort_unstable();
        assert_eq!(served, forwarded);
    }

    fn snake(name: &str) -> String {
        let mut out = String::new();
        for char in name.chars() {
            if char.is_ascii_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.push(char.to_ascii_lowercase());
        }
        out
    }

    #[test]
    fn refusals_are_s3s() {
        for (method, kind, query, code) in [
            (Method::DELETE, Kind::Bucket, "logging", "MethodNotAllowed"),
            (Method::DELETE, Kind::Bucket, "versionId=1", "InvalidArgument"),
            (Method::DELETE, Kind::Object, "acl", "MethodNotAllowed"),
            (Method::DELETE, Kind::Object, "partNumber=1", "InvalidArgument"),
            (Method::PUT, Kind::Object, "partNumber=1", "InvalidArgument"),
            (Method::PUT, Kind::Object, "uploadId=1", "InvalidArgument"),
            (Method::PUT, Kind::Object, "versions", "InvalidArgument"),
            (Method::PUT, Kind::Object, "versionId=1", "InvalidArgument"),
            (Method::PUT, Kind::Object, "torrent", "MethodNotAllowed"),
            (Method::GET, Kind::Object, "uploads", "MethodNotAllowed"),
            (Method::GET, Kind::Bucket, "acl&policy", "InvalidArgument"),
            (Method::POST, Kind::Object, "", "MethodNotAllowed"),
            (Method::PUT, Kind::Bucket, "policy", "NotImplemented"),
            (Method::GET, Kind::Object, "torrent", "NotImplemented"),
            (Method::PATCH, Kind::Object, "", "MethodNotAllowed"),
        ] {
            assert_eq!(operation(&method, kind, query), Err(code.to_owned()), "{method} {kind:?}?{query}");
        }
    }

    #[test]
    fn names_that_are_none_of_s3s_are_ignored() {
        assert_eq!(operation(&Method::DELETE, Kind::Object, "x-id=PutObject&foo&Acl"), Ok("DeleteObject"));
        assert_eq!(operation(&Method::GET, Kind::Object, "versionId=1&response-expires=x"), Ok("GetObject"));
        assert_eq!(operation(&Method::GET, Kind::Bucket, "list-type=2&prefix=a"), Ok("ListObjectsV2"));
        assert_eq!(operation(&Method::GET, Kind::Bucket, "list-type=1"), Ok("ListObjects"));
    }

    #[test]
    fn the_page_has_this_table() {
        let page = include_str!("../../../docs/s3.md");
        let table = table::documented();
        assert!(page.contains(&table), "docs/s3.md lacks this table:\n{table}");
    }
}
