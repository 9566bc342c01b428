//! Who sends a request. Signatures are verified here, before s3s: it knows neither `Date` in place of `x-amz-date`, nor
//! parameters of a presigned query that stand for headers, checks no region or service unless told, and logs the
//! right signature beside a wrong one.
//!
//! Invariants:
//! - Nothing of a request is acted on before its signature was verified over the request as it was sent.
//! - Every `x-amz-*` header, and `host`, is signed. Every `x-amz-*` parameter of a query is signed, and from then on a
//!   header: what follows sees no difference.
//! - No signature or key that was computed here is ever printed or sent.
//!
//! A verified request reaches s3s without its signature, with its [`Principal`] in the [`RequestContext`]. One without
//! a signature is of [`Principal::Anonymous`]; what that may do is decided like all else ([`super::authorize`]).
//!
//! [`RequestContext`]: super::request::context::RequestContext

mod authenticator;
pub mod body;
pub mod chunked;
mod keys;
mod payload;
mod presigned;
pub mod query;
mod refusal;
mod signed;
mod signed_headers;
mod time;
mod v2;
mod v4;

use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::http::request::Parts;

pub use self::authenticator::{Authenticator, Verified};
pub use self::payload::{DECODED_LENGTH, Payload};
use self::query::Query;
use self::signed::Signed;
use super::request::error_page::ErrorPage;
use deltastore_iam::Principal;

impl Authenticator {
    /// Verifies the signature, if there is one, and takes it out of the request. Parameters of the query become
    /// headers.
    ///
    /// # Errors
    /// The answer to a request that is signed wrongly.
    pub fn verify(&self, parts: &mut Parts, host_bucket: Option<&str>) -> Result<Verified, ErrorPage> {
        let mut query = Query::parse(parts.uri.query().unwrap_or_default());
        let in_query = query.has_v4() || query.has_v2();
        let in_header = parts.headers.contains_key(AUTHORIZATION);
        if in_query && in_header {
            return Err(refusal::two_mechanisms(&parts.headers));
        }
        let is_v2 = query.has_v2() && !query.has_v4();
        if is_v2 {
            v2::check_enabled(self.v2_presigned)?;
            // Version 2 signs them as headers.
            query.move_to_headers(&mut parts.headers)?;
        }
        let signed = Signed {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: &query,
            headers: &parts.headers,
            host_bucket,
        };
        let verified = match (in_query, in_header) {
            (true, _) if is_v2 => v2::presigned(self, &signed)?,
            (true, _) => presigned::verify(self, &signed)?,
            (false, true) => v4::verify(self, &signed)?,
            (false, false) => {
                let (payload, region) = (Payload::Unsigned, String::new());
                return Ok(Verified { principal: Principal::Anonymous, payload, region });
            }
        };
        query.move_to_headers(&mut parts.headers)?;
        parts.headers.remove(AUTHORIZATION);
        parts.uri = query.without_signature(&parts.uri);
        Ok(verified)
    }
}

/// Is the request signed, in whatever way, right or wrong?
pub fn is_signed(parts: &hyper::Uri, headers: &HeaderMap) -> bool {
    let query = Query::parse(parts.query().unwrap_or_default());
    headers.contains_key(AUTHORIZATION) || query.has_v4() || query.has_v2()
}
