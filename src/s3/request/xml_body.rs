//! Digests of XML bodies. s3s reads these bodies itself, checks only the SHA-256 of the signature, and reports a
//! mismatch of that as its own fault; so they are checked on the way to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltastore_format::ChecksumAlgorithm;
use hyper::{HeaderMap, Method, StatusCode};

use super::context::Fault;
use super::error_page::ErrorPage;
use crate::object::ChecksumDigest;
use crate::object::checksum::header_name;

/// What a request says about its XML body.
#[derive(Default)]
pub struct XmlCheck {
    expected: Vec<Expected>,
}

/// A digest under way, the Base64 that it must come to, and what it is a fault of not to.
struct Expected {
    digest: ChecksumDigest,
    value: String,
    fault: Fault,
}

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
            && digest.len() == ChecksumAlgorithm::Sha256.digest_len()
        {
            check.expect(ChecksumAlgorithm::Sha256, STANDARD.encode(digest), Fault::Sha256Mismatch);
        }
        if let Some(value) = headers.get("content-md5") {
            let md5 = ChecksumAlgorithm::Md5;
            let decoded = STANDARD.decode(value.as_bytes()).ok().filter(|digest| digest.len() == md5.digest_len());
            let Some(digest) = decoded else {
                let message = "The Content-MD5 you specified is not valid.";
                return Err(ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidDigest", message));
            };
            check.expect(md5, STANDARD.encode(digest), Fault::BadDigest);
        }
        let completes = query.split('&').any(|pair| pair.starts_with("uploadId="));
        for algorithm in ChecksumAlgorithm::all().filter(|_| !completes) {
            if let Some(value) = text(headers, &header_name(algorithm)) {
                check.expect(algorithm, value.to_owned(), Fault::BadDigest);
            }
        }
        Ok(Some(check).filter(|check| !check.expected.is_empty()))
    }

    fn expect(&mut self, algorithm: ChecksumAlgorithm, value: String, fault: Fault) {
        self.expected.push(Expected { digest: ChecksumDigest::new(algorithm), value, fault });
    }

    pub fn update(&mut self, data: &[u8]) {
        self.expected.iter_mut().for_each(|expected| expected.digest.update(data));
    }

    /// What is wrong with the whole body, if anything.
    pub fn finish(self) -> Option<Fault> {
        let mut differing = self.expected.into_iter().filter_map(|expected| {
            let found = expected.digest.finish().to_base64();
            (found != expected.value).then_some(expected.fault)
        });
        differing.next()
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
        assert_eq!(checked(&[("x-amz-checksum-xxhash64", "xQCwyRKzdtg=")], "delete", b"Hello world"), Ok(None));
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
