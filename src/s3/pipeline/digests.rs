//! Digests of documents. s3s reads documents itself and checks the SHA-256 of the signature alone, so the others are
//! checked here, over the bytes as they were sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltastore_format::ChecksumAlgorithm;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use s3s::{S3Result, s3_error};

use crate::object::ChecksumDigest;
use crate::object::checksum::header_name;

const CONTENT_MD5: &str = "content-md5";

/// Checks a document. The checksum of a CompleteMultipartUpload is the object's, not the document's.
///
/// # Errors
/// `InvalidDigest`, `InvalidRequest` for a digest that is none; `BadDigest` for one of another document.
pub fn check(document: &[u8], query: &str, headers: &HeaderMap) -> S3Result<()> {
    if let Some(value) = headers.get(CONTENT_MD5) {
        if !is_digest(ChecksumAlgorithm::Md5, value) {
            return Err(s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid."));
        }
        matches(ChecksumAlgorithm::Md5, CONTENT_MD5, value, document)?;
    }
    let completes = query.split('&').any(|pair| pair.starts_with("uploadId="));
    for algorithm in ChecksumAlgorithm::all().filter(|_| !completes) {
        let header = header_name(algorithm);
        let Some(value) = headers.get(&*header) else { continue };
        if !is_digest(algorithm, value) {
            return Err(s3_error!(InvalidRequest, "Value for {header} header is invalid."));
        }
        matches(algorithm, &header, value, document)?;
    }
    Ok(())
}

fn is_digest(algorithm: ChecksumAlgorithm, value: &HeaderValue) -> bool {
    STANDARD.decode(value.as_bytes()).is_ok_and(|digest| digest.len() == algorithm.digest_len())
}

fn matches(algorithm: ChecksumAlgorithm, header: &str, value: &HeaderValue, document: &[u8]) -> S3Result<()> {
    let mut digest = ChecksumDigest::new(algorithm);
    digest.update(document);
    if digest.finish().to_base64().as_bytes() == value.as_bytes() {
        return Ok(());
    }
    Err(s3_error!(BadDigest, "The {header} you specified did not match what we received."))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    fn code(pairs: &[(&'static str, &str)], query: &str, document: &[u8]) -> Option<String> {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        check(document, query, &headers).err().map(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn digests_that_match_pass() {
        let md5 = ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==");
        assert_eq!(code(&[], "delete", b"hello"), None);
        assert_eq!(code(&[md5, ("x-amz-checksum-crc32", "NhCmhg==")], "delete", b"hello"), None);
        assert_eq!(code(&[("x-amz-checksum-xxhash64", "xQCwyRKzdtg=")], "delete", b"Hello world"), None);
    }

    #[test]
    fn digests_that_differ_or_are_none_are_found() {
        for (header, value, expected) in [
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==", "BadDigest"),
            ("content-md5", "short", "InvalidDigest"),
            ("content-md5", "", "InvalidDigest"),
            ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
            ("x-amz-checksum-crc32", "", "InvalidRequest"),
            ("x-amz-checksum-crc32c", "AAAA", "InvalidRequest"),
            ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest"),
            ("x-amz-checksum-sha1", "x", "InvalidRequest"),
            ("x-amz-checksum-sha256", "AAAAAA==", "InvalidRequest"),
        ] {
            assert_eq!(code(&[(header, value)], "delete", b"x").as_deref(), Some(expected), "{header}: {value}");
        }
    }

    #[test]
    fn the_checksum_of_a_completed_object_is_not_its_documents() {
        assert_eq!(code(&[("x-amz-checksum-crc32", "AAAAAA==")], "uploadId=1", b"x"), None);
        assert_eq!(code(&[("content-md5", "x")], "uploadId=1", b"x").as_deref(), Some("InvalidDigest"));
    }
}
