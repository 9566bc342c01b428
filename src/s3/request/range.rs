//! `Range` headers that s3s reads otherwise than S3, for which what is not one range of bytes is no range at all.
//!
//! The header may be signed, so that it cannot be changed before s3s has verified the signature; see [`super::Requests::answer`].

use hyper::header::{HeaderMap, HeaderValue, RANGE};
use s3s::dto;

/// Largest position that s3s takes; no object is as long.
const MOST: u64 = i64::MAX as u64;

/// The header to take in place of the request's, or `None` for none; nothing if s3s takes it as it is.
pub fn instead(headers: &HeaderMap) -> Option<Option<HeaderValue>> {
    let mut values = headers.get_all(RANGE).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some(None);
    }
    let Ok(text) = value.to_str() else { return Some(None) };
    match read(text) {
        _ if text.is_empty() => None,
        None => Some(None),
        Some(_) if dto::Range::parse(text).is_ok() => None,
        Some(range) => Some(HeaderValue::from_str(&range.to_header_string()).ok()),
    }
}

/// One range as RFC 9110 has it: units in any case, positions of any length.
fn read(text: &str) -> Option<dto::Range> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (first, last) {
        ("", length) => Some(dto::Range::Suffix { length: number(length)? }),
        (first, "") => Some(dto::Range::Int { first: number(first)?, last: None }),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(dto::Range::Int { first, last: Some(last) })
        }
    }
}

/// Digits only; what is too large is the largest there is.
fn number(digits: &str) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().map_or(MOST, |number: u64| number.min(MOST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RANGE, HeaderValue::from_str(value).unwrap());
        }
        instead(&headers).map(|value| value.map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn what_s3s_takes_is_left_to_it() {
        for values in [&[][..], &[""], &["bytes=0-0"], &["bytes=5-"], &["bytes=-5"], &["bytes=-0"]] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for value in [
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=abc",
            "bytes=5-2",
            "bytes=1-2x",
            "bytes=+1-2",
            "bytes=1 - 2",
            "bytes=--5",
            "items=0-1",
            "0-1",
            "bytes=0-1,3-4",
            "bytes=0-1,",
            "bytes:0-1",
            "bytes =0-1",
            "\u{fc}=0-1",
        ] {
            assert_eq!(of(&[value]), Some(None), "{value}");
        }
        assert_eq!(of(&["bytes=0-1", "bytes=3-4"]), Some(None));
    }

    #[test]
    fn what_s3s_does_not_understand_but_is_a_range_is_put_otherwise() {
        let most = i64::MAX;
        for (value, expected) in [
            ("Bytes=0-1", "bytes=0-1".to_owned()),
            ("bytes= 0-1\t", "bytes=0-1".to_owned()),
            ("bytes=3-18446744073709551615", format!("bytes=3-{most}")),
            ("bytes=3-99999999999999999999999", format!("bytes=3-{most}")),
            ("bytes=99999999999999999999999-", format!("bytes={most}-")),
            ("bytes=-99999999999999999999999", format!("bytes=-{most}")),
        ] {
            assert_eq!(of(&[value]), Some(Some(expected)), "{value}");
        }
    }
}
