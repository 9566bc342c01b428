//! Digests of XML bodies. s3s reads these bodies itself, checks only the SHA-256 of the signature, and reports a
//! mismatch of that as its own fault; so they are checked on the way to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::{HeaderMap, Method, StatusCode};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::{crypto, dto};

use super::context::Fault;
use super::error_page::ErrorPage;

/// What a request says about its XML body.
#[derive(Default)]
pub struct XmlCheck {
    hasher: ChecksumHasher,
    sha256: Option<String>,
    expected: Vec<(Kind, String)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Md5,
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

const CHECKSUMS: [(&str, Kind); 5] = [
    ("x-amz-checksum-crc32", Kind::Crc32),
    ("x-amz-checksum-crc32c", Kind::Crc32c),
    ("x-amz-checksum-crc64nvme", Kind::Crc64Nvme),
    ("x-amz-checksum-sha1", Kind::Sha1),
    ("x-amz-checksum-sha256", Kind::Sha256),
];

impl XmlCheck {
    /// The check of a request that may have an XML body. Bodies of objects are left to the object layer, and the
    /// checksum of a CompleteMultipartUpload is the object's, not the document's.
    ///
    /// # Errors
    /// The answer to a `Content-MD5` that is none.
    pub fn new(method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Result<Option<Self>, ErrorPage> {
        let of_object = path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
        if *method != Method::POST && (*method != Method::PUT || of_object) {
            return Ok(None);
        }
        let mut check = XmlCheck::default();
        if let Some(value) = text(headers, "x-amz-content-sha256")
            && let Ok(digest) = hex::decode(value)
            && digest.len() == 32
        {
            check.hasher.sha256 = Some(crypto::Sha256::new());
            check.sha256 = Some(STANDARD.encode(digest));
        }
        if let Some(value) = headers.get("content-md5") {
            let decoded = STANDARD.decode(value.as_bytes()).ok().filter(|digest| digest.len() == 16);
            let Some(digest) = decoded else {
                let message = "The Content-MD5 you specified is not valid.";
                return Err(ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidDigest", message));
            };
            check.hasher.md5 = Some(crypto::Md5::new());
            check.expected.push((Kind::Md5, STANDARD.encode(digest)));
        }
        let completes = query.split('&').any(|pair| pair.starts_with("uploadId="));
        for (name, kind) in CHECKSUMS {
            if !completes && let Some(value) = text(headers, name) {
                check.start(kind);
                check.expected.push((kind, value.to_owned()));
            }
        }
        Ok(Some(check).filter(|check| check.sha256.is_some() || !check.expected.is_empty()))
    }

    fn start(&mut self, kind: Kind) {
        let hasher = &mut self.hasher;
        match kind {
            Kind::Md5 => hasher.md5 = Some(crypto::Md5::new()),
            Kind::Crc32 => hasher.crc32 = Some(crypto::Crc32::new()),
            Kind::Crc32c => hasher.crc32c = Some(crypto::Crc32c::new()),
            Kind::Crc64Nvme => hasher.crc64nvme = Some(crypto::Crc64Nvme::new()),
            Kind::Sha1 => hasher.sha1 = Some(crypto::Sha1::new()),
            Kind::Sha256 => hasher.sha256 = Some(crypto::Sha256::new()),
        }
    }

    pub fn update(&mut self, data: &[u8]) {
        self.hasher.update(data);
    }

    /// What is wrong with the whole body, if anything.
    pub fn finish(self) -> Option<Fault> {
        let found = self.hasher.finalize();
        if self.sha256.is_some() && self.sha256 != found.checksum_sha256 {
            return Some(Fault::Sha256Mismatch);
        }
        let differs = self.expected.iter().any(|(kind, value)| found_value(&found, *kind) != Some(value));
        differs.then_some(Fault::BadDigest)
    }
}

fn found_value(found: &dto::Checksum, kind: Kind) -> Option<&String> {
    match kind {
        Kind::Md5 => found.checksum_md5.as_ref(),
        Kind::Crc32 => found.checksum_crc32.as_ref(),
        Kind::Crc32c => found.checksum_crc32c.as_ref(),
        Kind::Crc64Nvme => found.checksum_crc64nvme.as_ref(),
        Kind::Sha1 => found.checksum_sha1.as_ref(),
        Kind::Sha256 => found.checksum_sha256.as_ref(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn checked(pairs: &[(&'static str, &str)], query: &str, body: &[u8]) -> Result<Option<Fault>, &'static str> {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let check = XmlCheck::new(&Method::POST, "/bucket", query, &headers).map_err(ErrorPage::code)?;
        Ok(check.and_then(|mut check| {
            check.update(body);
            check.finish()
        }))
    }

    #[test]
    fn digests_that_match_pass() {
        let md5 = "XUFAKrxLKna5cZ2REBfFkg==";
        assert_eq!(checked(&[("content-md5", md5)], "delete", b"hello"), Ok(None));
        assert_eq!(checked(&[("x-amz-checksum-crc32", "NhCmhg==")], "delete", b"hello"), Ok(None));
        let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(checked(&[("x-amz-content-sha256", sha256), ("content-md5", md5)], "delete", b"hello"), Ok(None));
    }

    #[test]
    fn digests_that_differ_are_found() {
        let zeros = "00".repeat(32);
        assert_eq!(checked(&[("x-amz-content-sha256", &zeros)], "delete", b"x"), Ok(Some(Fault::Sha256Mismatch)));
        let md5 = "XUFAKrxLKna5cZ2REBfFkg==";
        assert_eq!(checked(&[("content-md5", md5)], "delete", b"x"), Ok(Some(Fault::BadDigest)));
        assert_eq!(checked(&[("x-amz-checksum-crc32", "AAAAAA==")], "delete", b"x"), Ok(Some(Fault::BadDigest)));
        assert_eq!(checked(&[("content-md5", "short")], "delete", b"x"), Err("InvalidDigest"));
    }

    #[test]
    fn the_checksum_of_a_completed_object_is_not_its_documents() {
        assert_eq!(checked(&[("x-amz-checksum-crc32", "AAAAAA==")], "uploadId=1", b"x"), Ok(None));
    }

    #[test]
    fn bodies_of_objects_are_left_alone() {
        let mut headers = HeaderMap::new();
        headers.insert("content-md5", HeaderValue::from_static("short"));
        assert!(matches!(XmlCheck::new(&Method::PUT, "/b/k", "", &headers), Ok(None)));
        assert!(XmlCheck::new(&Method::PUT, "/b/", "", &headers).is_err());
    }
}
