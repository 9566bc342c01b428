//! What signatures are made of.

use hyper::header::HeaderMap;

use super::query::Query;

/// A request's parts that signatures are made of.
pub struct Signed<'a> {
    pub method: &'a str,
    /// As it was sent.
    pub path: &'a str,
    pub query: &'a Query,
    pub headers: &'a HeaderMap,
    /// The bucket that the host names.
    pub host_bucket: Option<&'a str>,
}
