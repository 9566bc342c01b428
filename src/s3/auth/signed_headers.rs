//! Which headers a signature covers, and whether it covers all that it must.

use hyper::header::{HOST, HeaderMap};

use super::refusal;
use crate::s3::request::error_page::ErrorPage;

/// The digest of the body, which the signature covers by itself.
const PAYLOAD: &str = "x-amz-content-sha256";

/// A header's name and the values of its lines.
pub type SignedHeader<'a> = (String, Vec<&'a [u8]>);

/// The headers of a list of names, with their values.
///
/// # Errors
/// `host` or an `x-amz-*` header that is not in the list: whoever has a signed request could change or add it.
pub fn collect<'a>(headers: &'a HeaderMap, list: &str) -> Result<Vec<SignedHeader<'a>>, ErrorPage> {
    let names: Vec<String> = list.split(';').map(str::to_ascii_lowercase).collect();
    let mut missing: Vec<&str> = headers
        .keys()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with("x-amz-") && *name != PAYLOAD)
        .filter(|name| !names.iter().any(|signed| signed == name))
        .collect();
    if !names.iter().any(|name| name == HOST.as_str()) {
        missing.push(HOST.as_str());
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        return Err(refusal::not_signed(&missing.join(", ")));
    }
    Ok(names
        .into_iter()
        .map(|name| {
            let values = headers.get_all(name.as_str()).iter().map(|value| value.as_bytes()).collect();
            (name, values)
        })
        .collect())
}
