//! Headers that s3s misreads.
//!
//! Of a time it takes one form only and refuses all others, also what S3 ignores; of an entity tag it refuses what is
//! neither quoted nor alphanumeric; of stored headers all that is not ASCII; of a range what S3 takes or ignores. The
//! operations read these headers themselves, as they were sent, and s3s does not see them.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

const HIDDEN: [&str; 16] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since",
    "x-amz-website-redirect-location",
];

/// Tells copies from uploads, so s3s must see it; its value is read by [`crate::s3::ops`].
const COPY_SOURCE: &str = "x-amz-copy-source";

/// Leaves what s3s reads as S3 does. Gives the headers as they were where that is not all of them.
pub fn hide(headers: &mut HeaderMap) -> Option<HeaderMap> {
    let hidden: Vec<HeaderName> = headers.keys().filter(|name| HIDDEN.contains(&name.as_str())).cloned().collect();
    let copies = headers.contains_key(COPY_SOURCE);
    if hidden.is_empty() && !copies {
        return None;
    }
    let sent = headers.clone();
    for name in hidden {
        headers.remove(name);
    }
    if copies {
        headers.insert(COPY_SOURCE, HeaderValue::from_static("bucket/key"));
    }
    Some(sent)
}

#[cfg(test)]
mod tests {
    use s3s::dto::{CopySource, ETagCondition, Range, Timestamp, TimestampFormat};

    use super::*;

    #[test]
    fn s3s_misreads_them_still() {
        for time in ["Tue, 9 Aug 2022 14:00:00 GMT", "Tue, 09 Aug 2022 14:00:00 UTC", "Tue Aug  9 14:00:00 2022", "x"] {
            assert!(Timestamp::parse(TimestampFormat::HttpDate, time).is_err(), "{time}");
        }
        assert!(ETagCondition::parse_http_header(b"a/b").is_err());
        assert!(Range::parse("Bytes=0-1").is_err());
        assert!(CopySource::parse("bucket/%ZZ").is_ok());
    }

    #[test]
    fn a_copy_stays_a_copy() {
        let mut headers = HeaderMap::new();
        headers.insert(COPY_SOURCE, HeaderValue::from_static("b/%ZZ"));
        headers.insert("if-match", HeaderValue::from_static("a/b"));
        headers.insert("x-amz-meta-a", HeaderValue::from_static("1"));
        let whole = headers.clone();
        assert_eq!(hide(&mut headers), Some(whole));
        let left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(left, [("x-amz-copy-source", "bucket/key"), ("x-amz-meta-a", "1")]);
        headers.remove(COPY_SOURCE);
        assert_eq!(hide(&mut headers), None);
    }
}
