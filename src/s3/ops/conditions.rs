//! Conditional headers.

use http::{HeaderMap, HeaderValue};
use s3s::{S3Result, s3_error};

use super::convert::text;
use crate::object::{EtagPattern, RangeCondition, ReadConditions, WriteConditions};
use crate::s3::dates;

/// The ETags of a header. Bytes that are not ASCII are those of no ETag of ours.
fn pattern(headers: &HeaderMap, name: &str) -> Option<EtagPattern> {
    let values: Vec<_> = headers.get_all(name).iter().map(lossy).filter(|value| !value.is_empty()).collect();
    (!values.is_empty()).then(|| EtagPattern::parse(&values.join(",")))
}

/// The time of a header; what is none is ignored, as HTTP has it.
fn time(headers: &HeaderMap, name: &str) -> Option<i64> {
    dates::parse(headers.get(name)?.to_str().ok()?)
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// `If-*` of a GET or HEAD.
pub fn read(headers: &HeaderMap) -> ReadConditions {
    ReadConditions {
        if_match: pattern(headers, "if-match"),
        if_none_match: pattern(headers, "if-none-match"),
        if_modified_since: time(headers, "if-modified-since"),
        if_unmodified_since: time(headers, "if-unmodified-since"),
    }
}

/// `If-Range`: an ETag or a time. What is neither is no ETag of ours, so it does not hold.
pub fn range(headers: &HeaderMap) -> Option<RangeCondition> {
    let value = headers.get("if-range").map(lossy).filter(|value| !value.is_empty())?;
    Some(match dates::parse(&value) {
        Some(seconds) => RangeCondition::Modified(seconds),
        None => RangeCondition::Etag(value),
    })
}

/// `x-amz-copy-source-if-*`
pub fn source(headers: &HeaderMap) -> ReadConditions {
    ReadConditions {
        if_match: pattern(headers, "x-amz-copy-source-if-match"),
        if_none_match: pattern(headers, "x-amz-copy-source-if-none-match"),
        if_modified_since: time(headers, "x-amz-copy-source-if-modified-since"),
        if_unmodified_since: time(headers, "x-amz-copy-source-if-unmodified-since"),
    }
}

/// `If-Match` and `If-None-Match` of what writes.
///
/// # Errors
/// `NotImplemented`, as from S3, for conditions that a write does not know: an ETag in `If-None-Match`, and times.
pub fn write(headers: &HeaderMap) -> S3Result<WriteConditions> {
    for name in ["if-modified-since", "if-unmodified-since"] {
        if text(headers, name)?.is_some() {
            return Err(not_implemented(name));
        }
    }
    let if_none_match = pattern(headers, "if-none-match");
    if if_none_match.as_ref().is_some_and(|pattern| *pattern != EtagPattern::Any) {
        return Err(not_implemented("if-none-match"));
    }
    Ok(WriteConditions { if_match: pattern(headers, "if-match"), if_none_match })
}

fn not_implemented(name: &str) -> s3s::S3Error {
    s3_error!(NotImplemented, "A header you provided implies functionality that is not implemented: {name}.")
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        [(HeaderName::from_static(name), value)].into_iter().collect()
    }

    #[test]
    fn times_are_taken_or_ignored() {
        let at = |text: &str| read(&headers("if-modified-since", text)).if_modified_since;
        assert_eq!(at("Tue, 9 Aug 2022 14:00:05 UTC"), Some(1_660_053_605));
        assert_eq!((at("never"), at("ü"), at("")), (None, None, None));
    }

    #[test]
    fn a_range_has_an_etag_or_a_time() {
        let of = |text: &str| range(&headers("if-range", text));
        assert_eq!(of("Tue, 9 Aug 2022 14:00:05 GMT"), Some(RangeCondition::Modified(1_660_053_605)));
        assert_eq!(of("\"abc\""), Some(RangeCondition::Etag("\"abc\"".to_owned())));
        assert_eq!(of("ü"), Some(RangeCondition::Etag("ü".to_owned())));
        assert_eq!(of(""), None);
    }

    #[test]
    fn writes_know_two_conditions() {
        let code = |name, value: &str| write(&headers(name, value)).err().map(|error| error.code().as_str().to_owned());
        assert_eq!((code("if-match", "a/b"), code("if-match", "*"), code("if-none-match", "*")), (None, None, None));
        let refused = Some("NotImplemented".to_owned());
        assert_eq!(code("if-none-match", "\"abc\""), refused);
        assert_eq!(code("if-unmodified-since", "Tue, 9 Aug 2022 14:00:05 GMT"), refused);
    }
}
