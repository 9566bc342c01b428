//! The `Range` header. What is not one range of bytes is no range at all, as S3 has it.

use http::HeaderMap;
use http::header::RANGE;

use crate::object::ByteRange;

/// The range that a request asks for, if it does.
pub fn read(headers: &HeaderMap) -> Option<ByteRange> {
    let mut values = headers.get_all(RANGE).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then(|| parse(value)).flatten()
}

/// One range as RFC 9110 has it: the unit in any case, positions of any length, no blanks.
fn parse(text: &str) -> Option<ByteRange> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (first, last) {
        ("", length) => Some(ByteRange::Suffix(number(length)?)),
        (first, "") => Some(ByteRange::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(ByteRange::Span(first, last))
        }
    }
}

/// Digits only; what is too large is the largest there is.
fn number(digits: &str) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&str]) -> Option<ByteRange> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RANGE, HeaderValue::from_str(value).unwrap());
        }
        read(&headers)
    }

    #[test]
    fn one_range_of_bytes() {
        for (value, range) in [
            ("bytes=0-0", ByteRange::Span(0, 0)),
            ("bytes=5-", ByteRange::From(5)),
            ("bytes=-5", ByteRange::Suffix(5)),
            ("bytes=-0", ByteRange::Suffix(0)),
            ("Bytes=0-1", ByteRange::Span(0, 1)),
            ("bytes=3-18446744073709551615", ByteRange::Span(3, u64::MAX)),
            ("bytes=3-99999999999999999999999", ByteRange::Span(3, u64::MAX)),
            ("bytes=99999999999999999999999-", ByteRange::From(u64::MAX)),
            ("bytes=-99999999999999999999999", ByteRange::Suffix(u64::MAX)),
        ] {
            assert_eq!(of(&[value]), Some(range), "{value}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=abc",
            "bytes=5-2",
            "bytes=1-2x",
            "bytes=+1-2",
            "bytes=1 - 2",
            "bytes= -1",
            "bytes= 0-1",
            "bytes=--5",
            "items=0-1",
            "0-1",
            "bytes=0-1,3-4",
            "bytes=0-1,",
            "bytes:0-1",
            "bytes =0-1",
            "\u{fc}=0-1",
        ] {
            assert_eq!(of(&[value]), None, "{value}");
        }
        assert_eq!(of(&["bytes=0-1", "bytes=3-4"]), None);
        assert_eq!(of(&[]), None);
    }
}
