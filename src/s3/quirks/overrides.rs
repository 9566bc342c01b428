//! `response-*` of a query, with which a GET or HEAD asks for other headers in its answer.
//!
//! s3s refuses a `response-expires` that is no date, though S3 returns any text, refuses what is not ASCII, and applies
//! them to GET alone. So the operations read them themselves, and s3s does not see them.

use hyper::Uri;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use s3s::{S3Result, s3_error};

use crate::remote::percent;

const PREFIX: &str = "response-";

const NAMES: [(&str, HeaderName); 6] = [
    ("cache-control", header::CACHE_CONTROL),
    ("content-disposition", header::CONTENT_DISPOSITION),
    ("content-encoding", header::CONTENT_ENCODING),
    ("content-language", header::CONTENT_LANGUAGE),
    ("content-type", header::CONTENT_TYPE),
    ("expires", header::EXPIRES),
];

/// The target without them.
pub fn hide(uri: Uri) -> Uri {
    let Some(query) = uri.query().filter(|query| query.contains(PREFIX)) else { return uri };
    let kept: Vec<&str> = query.split('&').filter(|pair| named(pair).is_none()).collect();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{}?{}", uri.path(), kept.join("&")).parse().ok();
    Uri::from_parts(parts).unwrap_or(uri)
}

/// The headers that they ask for.
///
/// # Errors
/// `InvalidArgument` where a header cannot hold the text.
pub fn read(uri: &Uri) -> S3Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in uri.query().unwrap_or_default().split('&') {
        let Some(name) = named(pair) else { continue };
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        let value = percent::decode_form(value).and_then(|text| latin1(&text)).ok_or_else(|| {
            s3_error!(InvalidArgument, "Header value cannot be represented using ISO-8859-1: {PREFIX}{name}.")
        })?;
        if !value.is_empty() {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

fn named(pair: &str) -> Option<HeaderName> {
    let name = percent::decode(pair.split('=').next()?)?;
    let name = name.strip_prefix(PREFIX)?;
    NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, name)| name)
}

fn latin1(text: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(char).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use s3s::Body;

    use super::*;
    use crate::s3::quirks::testing::status;

    #[tokio::test]
    async fn s3s_misreads_them_still() {
        let get = |query: &str| Request::get(format!("/bucket/key?{query}")).body(Body::empty()).unwrap();
        assert_eq!(status(get("response-content-type=a")).await, 501);
        assert_eq!(status(get("response-expires=never")).await, 400);
    }

    #[test]
    fn any_text_that_a_header_holds_is_one() {
        let uri = Uri::from_static("/b/k?a=1&response-expires=never&response-content-type=a%2Fb+c&response-x=1");
        let found = read(&uri).unwrap();
        assert_eq!(
            (found.len(), &found["expires"], &found["content-type"]),
            (2, &"never".parse().unwrap(), &"a/b c".parse().unwrap())
        );
        assert_eq!(hide(uri), Uri::from_static("/b/k?a=1&response-x=1"));
        let latin = read(&Uri::from_static("/b/k?response-content-disposition=%C3%BC")).unwrap();
        assert_eq!(latin["content-disposition"].as_bytes(), [0xfc]);
        for value in ["a%0Ab", "%E2%82%AC", "%FF"] {
            let uri = format!("/b/k?response-cache-control={value}").parse().unwrap();
            assert_eq!(read(&uri).unwrap_err().code().as_str(), "InvalidArgument", "{value}");
        }
    }
}
