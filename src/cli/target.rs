//! `s3://bucket/key` on the command line.

use std::str::FromStr;

/// A bucket, and a key or prefix in it, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Target {
    pub bucket: String,
    pub key: String,
}

impl FromStr for S3Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("s3://").ok_or_else(|| format!("{text:?} does not begin with s3://"))?;
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(format!("{text:?} names no bucket"));
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

/// An `s3://bucket/key` whose key is not empty.
///
/// # Errors
/// A message for the operator.
pub fn object(text: &str) -> Result<S3Target, String> {
    let target: S3Target = text.parse()?;
    if target.key.is_empty() { Err(format!("{text:?} names no key")) } else { Ok(target) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_keys_are_told_apart() {
        let target = |bucket: &str, key: &str| S3Target { bucket: bucket.into(), key: key.into() };
        assert_eq!("s3://b".parse(), Ok(target("b", "")));
        assert_eq!("s3://b/".parse(), Ok(target("b", "")));
        assert_eq!(object("s3://b/a//s3://c/"), Ok(target("b", "a//s3://c/")));
        for wrong in ["", "b/k", "s3:/b/k", "s3://", "s3:///k", "S3://b/k"] {
            assert!(wrong.parse::<S3Target>().is_err(), "{wrong}");
        }
        assert_eq!(object("s3://b/"), Err("\"s3://b/\" names no key".into()));
    }
}
