//! Which operation a request asks for: one table of method, resource and query names.
//!
//! Invariants:
//! - A request runs the operation of its row, or none. A query name of S3 that the row does not have is never ignored,
//!   so `DELETE /bucket?logging` deletes no bucket. What is none of S3's names is ignored, as S3 does.
//! - s3s routes by rules of its own. [`super::access`] compares what it found with the row's operation.
//!
//! The table is `ops/table.rs`; its page in `docs/s3.md` is checked by the test below.

mod refusal;

use std::collections::BTreeSet;

use hyper::Method;

use super::operation::{CopySource, Kind, Row, is_selecting};
use super::ops::table::ROWS;
use super::request::error_page::ErrorPage;

/// What a request asks for.
#[derive(Debug)]
pub struct Routed {
    pub row: &'static Row,
    /// The query names a version.
    pub names_version: bool,
}

/// The row of a request; `query` as it was sent.
///
/// # Errors
/// The answer to a request that S3 does not have, or that is not implemented.
pub fn route(method: &Method, kind: Kind, query: &str, copies: bool) -> Result<Routed, ErrorPage> {
    let decoded = names(query);
    let names: BTreeSet<&str> = decoded.iter().map(String::as_str).collect();
    let found = ROWS.iter().find(|row| {
        let with_source = match row.copy_source {
            CopySource::Any => true,
            CopySource::Without => !copies,
            CopySource::With => copies,
        };
        row.method == method.as_str() && row.kind == kind && with_source && row.takes(&names)
    });
    match found {
        Some(row) if row.served.is_some() => Ok(Routed { row, names_version: names.contains("versionId") }),
        Some(row) => Err(refusal::not_implemented(row.name)),
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
    use crate::s3::operation::SELECTING;
    use crate::s3::ops::table;

    const METHODS: [Method; 6] =
        [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE, Method::OPTIONS];
    const KINDS: [Kind; 3] = [Kind::Service, Kind::Bucket, Kind::Object];

    fn operation(method: &Method, kind: Kind, query: &str) -> Result<&'static str, String> {
        route(method, kind, query, false).map(|routed| routed.row.name).map_err(|page| page.code().to_owned())
    }

    #[test]
    fn a_name_of_s3_never_leads_to_the_operation_without_it() {
        for method in &METHODS {
            for kind in KINDS {
                let plain = operation(method, kind, "");
                for name in SELECTING {
                    for query in [(*name).to_owned(), format!("{name}=1"), format!("x=1&{name}&y"), escaped(name)] {
                        let found = operation(method, kind, &query);
                        let takes = ROWS.iter().any(|row| {
                            row.method == method.as_str()
                                && row.kind == kind
                                && found == Ok(row.name)
                                && (row.query.contains(name) || row.optional.contains(name))
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
        for found in ROWS {
            let method: Method = found.method.parse().unwrap();
            let copies = found.copy_source == CopySource::With;
            let query = found.query.join("&");
            match route(&method, found.kind, &query, copies) {
                Ok(routed) => assert_eq!((routed.row.name, found.served.is_some()), (found.name, true)),
                Err(page) => assert_eq!((page.code(), found.served.is_some()), ("NotImplemented", false), "{found:?}"),
            }
        }
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
