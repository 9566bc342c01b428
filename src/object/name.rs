//! Rules for bucket names and keys.

use std::net::Ipv4Addr;

use crate::object::error::ObjectError;

/// Longest key, in bytes of UTF-8.
pub const MAX_KEY_LEN: usize = 1024;

const RESERVED_PREFIXES: [&str; 2] = ["xn--", "sthree-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// # Errors
/// `InvalidBucketName` with the rule it breaks.
pub fn check_bucket_name(name: &str) -> Result<(), ObjectError> {
    match broken_rule(name) {
        None => Ok(()),
        Some(reason) => Err(ObjectError::InvalidBucketName { bucket: name.to_owned(), reason }),
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let alphanumeric = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    let bytes = name.as_bytes();
    if !(3..=63).contains(&bytes.len()) {
        return Some("it must have 3 to 63 characters");
    }
    if !bytes.iter().all(|byte| alphanumeric(byte) || matches!(byte, b'.' | b'-')) {
        return Some("only lower-case letters, digits, dots and hyphens are allowed");
    }
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return Some("it must begin and end with a letter or digit");
    }
    if name.contains("..") {
        return Some("two dots must not follow each other");
    }
    if name.parse::<Ipv4Addr>().is_ok() || looks_like_address(name) {
        return Some("it must not look like an IP address");
    }
    if RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || RESERVED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
    {
        return Some("its prefix or suffix is reserved");
    }
    None
}

/// Four groups of up to three digits, even where one is over 255.
fn looks_like_address(name: &str) -> bool {
    let mut groups = 0;
    name.split('.').all(|group| {
        groups += 1;
        (1..=3).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit())
    }) && groups == 4
}

/// # Errors
/// `KeyTooLong`; `InvalidArgument` if it is empty.
pub fn check_key(key: &str) -> Result<(), ObjectError> {
    if key.is_empty() {
        return Err(ObjectError::InvalidArgument("a key must have at least one character".into()));
    }
    if key.len() > MAX_KEY_LEN {
        return Err(ObjectError::KeyTooLong { len: key.len(), max: MAX_KEY_LEN });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names() {
        let longest = "a".repeat(63);
        for good in ["abc", "a-b", "a.b", "1st", "192.168.5", "1.2.3.4.5", "my.bucket-1", "minio", longest.as_str()] {
            assert_eq!(check_bucket_name(good), Ok(()), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "abc.",
            "a..b",
            "192.168.5.4",
            "999.168.5.4",
            "a b",
            "käse",
            "a/b",
            "xn--abc",
            "abc-s3alias",
            "abc--ol-s3",
            "abc.mrap",
            "..",
            "a\0b",
            too_long.as_str(),
        ] {
            assert!(check_bucket_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys() {
        for good in ["a", "a/", "a//b", ".x", "../x", "x.delta", "/", "\u{1}", "é", "a\0b"] {
            assert_eq!(check_key(good), Ok(()), "{good:?}");
        }
        assert_eq!(check_key(&"é".repeat(512)), Ok(()));
        assert_eq!(check_key(&"é".repeat(513)).map_err(|error| error.code()), Err("KeyTooLongError"));
        assert_eq!(check_key("").map_err(|error| error.code()), Err("InvalidArgument"));
    }
}
