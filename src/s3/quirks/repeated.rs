//! Headers that come in several lines. s3s refuses them; S3 joins the lines with a comma, as HTTP has it for lists.

use hyper::HeaderMap;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, HeaderName, HeaderValue};

const USER_METADATA: &str = "x-amz-meta-";

/// Makes one line of those that may have several.
pub fn join(headers: &mut HeaderMap) {
    let repeated: Vec<HeaderName> =
        headers.keys().filter(|name| is_list(name) && headers.get_all(*name).iter().count() > 1).cloned().collect();
    for name in repeated {
        let values: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        // Bytes that were allowed alone are allowed together.
        if let Ok(joined) = HeaderValue::from_bytes(&values.join(&b',')) {
            headers.insert(name, joined);
        }
    }
}

fn is_list(name: &HeaderName) -> bool {
    [CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE].contains(name) || name.as_str().starts_with(USER_METADATA)
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use s3s::Body;

    use super::*;
    use crate::s3::quirks::testing::status;

    #[tokio::test]
    async fn s3s_refuses_them_still() {
        let put = |values: &[&'static str]| {
            let mut request = Request::put("/bucket/key").body(Body::empty()).unwrap();
            for value in values {
                request.headers_mut().append("x-amz-meta-a", HeaderValue::from_static(value));
            }
            request
        };
        assert_eq!((status(put(&["1"])).await, status(put(&["1", "2"])).await), (501, 400));
    }

    #[test]
    fn lists_and_metadata_are_joined_and_others_are_not() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-amz-meta-a", "1"),
            ("x-amz-meta-a", "2"),
            ("content-encoding", "deflate"),
            ("content-encoding", "gzip"),
            ("content-md5", "a"),
            ("content-md5", "b"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        join(&mut headers);
        assert_eq!(
            (&headers["x-amz-meta-a"], &headers["content-encoding"]),
            (&"1,2".parse().unwrap(), &"deflate,gzip".parse().unwrap())
        );
        assert_eq!(headers.get_all("content-md5").iter().count(), 2);
    }
}
