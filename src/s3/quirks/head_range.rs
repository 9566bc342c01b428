//! The status of a HEAD for a part of an object: 206, which s3s gives to a GET only.

use hyper::header::CONTENT_RANGE;
use hyper::http::response::Parts;
use hyper::{Method, StatusCode};

/// Gives an answer the status that it should have.
pub fn mend(method: &Method, answer: &mut Parts) {
    if *method == Method::HEAD && answer.status == StatusCode::OK && answer.headers.contains_key(CONTENT_RANGE) {
        answer.status = StatusCode::PARTIAL_CONTENT;
    }
}

#[cfg(test)]
mod tests {
    use hyper::{Request, Response};
    use s3s::Body;

    use super::*;
    use crate::s3::quirks::testing::status;

    #[tokio::test]
    async fn s3s_gives_200_still() {
        let head = Request::head("/bucket/key").body(Body::empty()).unwrap();
        assert_eq!(status(head).await, 200);
    }

    #[test]
    fn a_part_is_partial_content() {
        let mended = |method, range: bool| {
            let answer = Response::builder().status(200);
            let answer = if range { answer.header(CONTENT_RANGE, "bytes 0-0/2") } else { answer };
            let (mut parts, ()) = answer.body(()).unwrap().into_parts();
            mend(&method, &mut parts);
            parts.status.as_u16()
        };
        assert_eq!(
            (mended(Method::HEAD, true), mended(Method::HEAD, false), mended(Method::GET, true)),
            (206, 200, 200)
        );
    }
}
