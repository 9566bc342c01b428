//! Digests of documents. s3s reads documents itself and checks the SHA-256 of the signature alone, so the others are checked
//! here, over the bytes as they were sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::{S3Result, crypto, dto, s3_error};

/// A digest that a header names: how it begins, and what it is of a body.
struct Kind {
    header: &'static str,
    start: fn(&mut ChecksumHasher),
    found: fn(dto::Checksum) -> Option<String>,
}

const CHECKSUMS: [Kind; 5] = [
    Kind {
        header: "x-amz-checksum-crc32",
        start: |hasher| hasher.crc32 = Some(crypto::Crc32::new()),
        found: |found| found.checksum_crc32,
    },
    Kind {
        header: "x-amz-checksum-crc32c",
        start: |hasher| hasher.crc32c = Some(crypto::Crc32c::new()),
        found: |found| found.checksum_crc32c,
    },
    Kind {
        header: "x-amz-checksum-crc64nvme",
        start: |hasher| hasher.crc64nvme = Some(crypto::Crc64Nvme::new()),
        found: |found| found.checksum_crc64nvme,
    },
    Kind {
        header: "x-amz-checksum-sha1",
        start: |hasher| hasher.sha1 = Some(crypto::Sha1::new()),
        found: |found| found.checksum_sha1,
    },
    Kind {
        header: "x-amz-checksum-sha256",
        start: |hasher| hasher.sha256 = Some(crypto::Sha256::new()),
        found: |found| found.checksum_sha256,
    },
];

const MD5: Kind = Kind {
    header: "content-md5",
    start: |hasher| hasher.md5 = Some(crypto::Md5::new()),
    found: |found| found.checksum_md5,
};

/// Checks a document. The checksum of a CompleteMultipartUpload is the object's, not the document's.
///
/// # Errors
/// `InvalidDigest`, `InvalidRequest` for a digest that is none; `BadDigest` for one of another document.
pub fn check(document: &[u8], query: &str, headers: &HeaderMap) -> S3Result<()> {
    if let Some(value) = headers.get(MD5.header) {
        let length = |digest: Vec<u8>| digest.len();
        if STANDARD.decode(value.as_bytes()).ok().map(length) != Some(16) {
            return Err(s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid."));
        }
        matches(&MD5, value, document)?;
    }
    let completes = query.split('&').any(|pair| pair.starts_with("uploadId="));
    for kind in CHECKSUMS.iter().filter(|_| !completes) {
        let Some(value) = headers.get(kind.header) else { continue };
        let decoded = STANDARD.decode(value.as_bytes()).map(|digest| digest.len());
        let expected = STANDARD.decode(digest(kind, &[])).map(|digest| digest.len());
        if decoded.is_err() || decoded != expected {
            return Err(s3_error!(InvalidRequest, "Value for {} header is invalid.", kind.header));
        }
        matches(kind, value, document)?;
    }
    Ok(())
}

fn matches(kind: &Kind, value: &HeaderValue, document: &[u8]) -> S3Result<()> {
    if digest(kind, document).as_bytes() == value.as_bytes() {
        return Ok(());
    }
    Err(s3_error!(BadDigest, "The {} you specified did not match what we received.", kind.header))
}

fn digest(kind: &Kind, document: &[u8]) -> String {
    let mut hasher = ChecksumHasher::default();
    (kind.start)(&mut hasher);
    hasher.update(document);
    (kind.found)(hasher.finalize()).unwrap_or_default()
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
