//! What is refused before s3s sees it, because s3s would hold too much of it or explain too little.

use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, StatusCode, Uri};

use super::error_page::ErrorPage;

const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// # Errors
/// The answer to a request that goes no further.
pub fn check(method: &Method, uri: &Uri, headers: &HeaderMap, max_header_bytes: usize) -> Result<(), ErrorPage> {
    // As on the wire: name, colon, space, value, line end.
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > max_header_bytes {
        let message = "Your request header section exceeds the maximum allowed size.";
        return Err(ErrorPage::new(BAD, "RequestHeaderSectionTooLarge", message));
    }
    if headers.contains_key("x-amz-security-token") || has_parameter(uri, "X-Amz-Security-Token") {
        let message = "The provided token is malformed or otherwise invalid: this server issues no session tokens.";
        return Err(ErrorPage::new(BAD, "InvalidToken", message));
    }
    // s3s reads all fields of a form into memory before it looks at the signature.
    let form = headers.get(CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().get(..19).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/form-data"))
    });
    if *method == Method::POST && form {
        let message = "Uploads by browser forms are not implemented.";
        return Err(ErrorPage::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message));
    }
    Ok(())
}

/// Is the parameter there, in whatever case?
fn has_parameter(uri: &Uri, name: &str) -> bool {
    let mut names = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
    names.any(|found| found.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn code(method: Method, uri: &'static str, headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        check(&method, &Uri::from_static(uri), &map, 8192).err().map(|page| page.code().to_owned())
    }

    #[test]
    fn an_ordinary_request_passes() {
        assert_eq!(code(Method::GET, "/b/k?x-id=GetObject", &[("authorization", "AWS4-HMAC-SHA256 x")]), None);
    }

    #[test]
    fn what_is_refused_says_why() {
        let long = "x".repeat(9000);
        assert_eq!(code(Method::GET, "/", &[("x-long", &long)]), Some("RequestHeaderSectionTooLarge".to_owned()));
        assert_eq!(code(Method::GET, "/b/k?X-Amz-Security-Token=t", &[]), Some("InvalidToken".to_owned()));
        let form = [("content-type", "Multipart/Form-Data; boundary=x")];
        assert_eq!(code(Method::POST, "/b", &form), Some("NotImplemented".to_owned()));
    }
}
