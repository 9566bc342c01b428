//! `x-amz-copy-source`.

use http::{Extensions, HeaderMap};
use s3s::{S3Error, S3Result, s3_error};

use super::conditions;
use crate::object::{CopySource, check_bucket_name};
use crate::remote::percent;
use crate::s3::authorize;
use crate::s3::error::to_s3_error;

const HEADER: &str = "x-amz-copy-source";

/// What the header and its conditions name: `BUCKET/KEY[?versionId=ID]`, percent-encoded, perhaps after a slash.
///
/// # Errors
/// `InvalidArgument` for what is no source, `InvalidBucketName`, `NotImplemented` for an access point; `AccessDenied`
/// for one that the request may not read.
pub fn read(headers: &HeaderMap, extensions: &Extensions) -> S3Result<CopySource> {
    let source = parse(headers)?;
    authorize::source(extensions, &source.bucket, &source.key, source.version_id.as_deref())?;
    Ok(source)
}

fn parse(headers: &HeaderMap) -> S3Result<CopySource> {
    let text = headers.get(HEADER).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).ok_or_else(invalid)?;
    let (path, version_id) = match text.split_once("?versionId=") {
        Some((path, id)) => (path, Some(percent::decode(id).ok_or_else(invalid)?)),
        None => (text, None),
    };
    let path = percent::decode(path).ok_or_else(invalid)?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    if path.starts_with("arn:") {
        return Err(s3_error!(NotImplemented, "Access points are not implemented: name the bucket in {HEADER}."));
    }
    let (bucket, key) = path.split_once('/').filter(|(_, key)| !key.is_empty()).ok_or_else(invalid)?;
    check_bucket_name(bucket).map_err(to_s3_error)?;
    if version_id.as_deref() == Some("") {
        return Err(s3_error!(InvalidArgument, "Version id cannot be the empty string."));
    }
    Ok(CopySource {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version_id,
        conditions: conditions::source(headers),
    })
}

fn invalid() -> S3Error {
    s3_error!(InvalidArgument, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey.")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(source: &str) -> Result<(String, String, Option<String>), String> {
        let headers =
            [(HEADER.parse().unwrap(), HeaderValue::from_bytes(source.as_bytes()).unwrap())].into_iter().collect();
        let source = parse(&headers).map_err(|error| error.code().as_str().to_owned())?;
        Ok((source.bucket, source.key, source.version_id))
    }

    #[test]
    fn sources_are_decoded_once() {
        for (source, key, version) in [
            ("bucket/a%2Bb%20c?versionId=null", "a+b c", Some("null")),
            ("/bucket/a%252B", "a%2B", None),
            ("bucket%2Fa", "a", None),
            ("bucket//a/", "/a/", None),
            ("bucket/a+b", "a+b", None),
            ("bucket/ü?x", "ü?x", None),
            ("bucket/a%3FversionId=b", "a?versionId=b", None),
        ] {
            assert_eq!(found(source), Ok(("bucket".into(), key.into(), version.map(str::to_owned))), "{source}");
        }
    }

    #[test]
    fn what_is_no_source_is_refused() {
        for (source, code) in [
            ("", "InvalidArgument"),
            ("bucket", "InvalidArgument"),
            ("bucket/", "InvalidArgument"),
            ("bucket/%ZZ", "InvalidArgument"),
            ("bucket/%FF", "InvalidArgument"),
            ("bucket/a?versionId=", "InvalidArgument"),
            ("B_/a", "InvalidBucketName"),
            ("arn:aws:s3:us-east-1:123456789012:accesspoint/a/object/b", "NotImplemented"),
        ] {
            assert_eq!(found(source), Err(code.to_owned()), "{source}");
        }
    }
}
