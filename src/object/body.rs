//! Bodies of uploads and what their requests promise about them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use deltastore_format::ChecksumAlgorithm;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::object::MAX_BODY_SIZE;
use crate::object::checksum::{self, ChecksumValue};
use crate::object::digest::{Digests, Found};
use crate::object::error::ObjectError;

/// The plain bytes of an upload, transfer framing removed. Its errors pass through to the caller as they are.
pub type Body = BoxStream<'static, Result<Bytes, ObjectError>>;

/// Promises about a body; all are verified before anything becomes visible.
#[derive(Default)]
pub struct Expect {
    /// Bytes of the decoded body.
    pub length: Option<u64>,
    /// `Content-MD5`, Base64 as sent.
    pub md5: Option<String>,
    pub checksum: ExpectChecksum,
}

/// The checksum that comes with a body, or is to be kept with it.
#[derive(Default)]
pub enum ExpectChecksum {
    /// The server chooses an algorithm (CRC-64/NVME, or the upload's).
    #[default]
    None,
    /// The request names an algorithm but no value.
    Compute(ChecksumAlgorithm),
    /// `x-amz-checksum-*` of the request.
    Value(ChecksumValue),
    /// `x-amz-trailer` announces it: `read` is called once the body has ended and gives the trailer's value, Base64 as
    /// sent.
    Trailer { algorithm: ChecksumAlgorithm, read: Box<dyn FnOnce() -> Option<String> + Send> },
}

impl ExpectChecksum {
    /// The algorithm that the request names.
    pub(super) fn algorithm(&self) -> Option<ChecksumAlgorithm> {
        match self {
            ExpectChecksum::None => None,
            ExpectChecksum::Compute(algorithm) | ExpectChecksum::Trailer { algorithm, .. } => Some(*algorithm),
            ExpectChecksum::Value(value) => Some(value.algorithm),
        }
    }
}

/// [`Expect`] with its values decoded.
pub(super) struct Promises {
    length: Option<u64>,
    md5: Option<[u8; 16]>,
    checksum: ExpectChecksum,
    algorithm: ChecksumAlgorithm,
}

impl Promises {
    /// `default` is the checksum to compute when the request names none.
    ///
    /// # Errors
    /// `InvalidDigest`, `EntityTooLarge`.
    pub(super) fn new(expect: Expect, default: ChecksumAlgorithm) -> Result<Self, ObjectError> {
        if let Some(size) = expect.length.filter(|length| *length > MAX_BODY_SIZE) {
            return Err(ObjectError::EntityTooLarge { size, max: MAX_BODY_SIZE });
        }
        let md5 = expect.md5.map(|text| decoded("Content-MD5", STANDARD.decode(&text).ok(), text)).transpose()?;
        let algorithm = expect.checksum.algorithm().unwrap_or(default);
        Ok(Promises { length: expect.length, md5, checksum: expect.checksum, algorithm })
    }

    /// Bytes of the body, where promised.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// What must be computed to verify them.
    pub(super) fn digests(&self) -> Digests {
        Digests::new(self.algorithm)
    }

    /// The body, cut off with an error as soon as it is longer than promised or allowed.
    pub(super) fn bound(&self, body: Body) -> Body {
        let expected = self.length;
        let limit = expected.unwrap_or(MAX_BODY_SIZE);
        let checked = body.scan(0u64, move |seen, item| {
            let item = item.and_then(|bytes| {
                *seen = seen.saturating_add(bytes.len() as u64);
                match expected {
                    _ if *seen <= limit => Ok(bytes),
                    Some(expected) => Err(ObjectError::IncompleteBody { expected, found: *seen }),
                    None => Err(ObjectError::EntityTooLarge { size: *seen, max: limit }),
                }
            });
            std::future::ready(Some(item))
        });
        checked.boxed()
    }

    /// Compares with what the body was; gives its checksum.
    ///
    /// # Errors
    /// `IncompleteBody`, `BadDigest`; `InvalidRequest` for a trailer that is missing or not a
    /// checksum.
    pub(super) fn verify(self, found: Found) -> Result<ChecksumValue, ObjectError> {
        if let Some(expected) = self.length.filter(|length| *length != found.length) {
            return Err(ObjectError::IncompleteBody { expected, found: found.length });
        }
        if let Some(md5) = self.md5.filter(|md5| *md5 != found.md5) {
            let [expected, found] = [md5, found.md5].map(|sum| STANDARD.encode(sum));
            return Err(ObjectError::BadDigest { what: "Content-MD5", expected, found });
        }
        let expected = match self.checksum {
            ExpectChecksum::None | ExpectChecksum::Compute(_) => return Ok(found.checksum),
            ExpectChecksum::Value(value) => value,
            ExpectChecksum::Trailer { algorithm, read } => {
                let text = read().ok_or_else(|| checksum::invalid_value(algorithm))?;
                ChecksumValue::parse(algorithm, text.trim())?
            }
        };
        if expected != found.checksum {
            let what = expected.algorithm.name();
            let [expected, found] = [expected, found.checksum].map(|sum| sum.to_base64());
            return Err(ObjectError::BadDigest { what, expected, found });
        }
        Ok(found.checksum)
    }
}

fn decoded<const N: usize>(what: &'static str, bytes: Option<Vec<u8>>, text: String) -> Result<[u8; N], ObjectError> {
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(ObjectError::InvalidDigest { what, value: text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::content::Digest as _;

    const MD5: &str = "JfnnlDI7RTiF9RgfG2JNCw==";
    const CRC32: &str = "y/Q5Jg==";

    /// Sends "123456789" with these promises.
    fn send(expect: Expect) -> Result<ChecksumValue, &'static str> {
        let promises = Promises::new(expect, ChecksumAlgorithm::Crc64Nvme).map_err(|error| error.code())?;
        let body: Vec<_> = ["1234", "56789"].map(|text| Ok(Bytes::from(text))).into();
        let mut digests = promises.digests();
        for item in futures::executor::block_on_stream(promises.bound(futures::stream::iter(body).boxed())) {
            digests.update(&item.map_err(|error| error.code())?);
        }
        promises.verify(digests.finish()).map_err(|error| error.code())
    }

    fn trailer(value: Option<&'static str>) -> Expect {
        let read = Box::new(move || value.map(String::from));
        Expect { checksum: ExpectChecksum::Trailer { algorithm: ChecksumAlgorithm::Crc32, read }, ..Expect::default() }
    }

    fn header(value: &str) -> Expect {
        let value = ChecksumValue::parse(ChecksumAlgorithm::Crc32, value).unwrap();
        Expect { checksum: ExpectChecksum::Value(value), ..Expect::default() }
    }

    #[test]
    fn kept_promises() {
        let crc32 = Ok(ChecksumValue::parse(ChecksumAlgorithm::Crc32, CRC32).unwrap());
        let all = Expect { length: Some(9), md5: Some(MD5.into()), ..header(CRC32) };
        assert_eq!(send(all), crc32);
        assert_eq!(send(trailer(Some(CRC32))), crc32);
        let compute = ExpectChecksum::Compute(ChecksumAlgorithm::Crc32);
        assert_eq!(send(Expect { checksum: compute, ..Expect::default() }), crc32);
        assert_eq!(send(Expect::default()).unwrap().algorithm, ChecksumAlgorithm::Crc64Nvme);
    }

    #[test]
    fn broken_promises() {
        let length = |length| send(Expect { length: Some(length), ..Expect::default() });
        assert_eq!(length(8), Err("IncompleteBody"));
        assert_eq!(length(3), Err("IncompleteBody"));
        assert_eq!(length(10), Err("IncompleteBody"));
        assert_eq!(length(MAX_BODY_SIZE + 1), Err("EntityTooLarge"));
        let md5 = |text: &str| send(Expect { md5: Some(text.into()), ..Expect::default() });
        assert_eq!(md5("AAAAAAAAAAAAAAAAAAAAAA=="), Err("BadDigest"));
        assert_eq!(md5("AAAA"), Err("InvalidDigest"));
        assert_eq!(md5("?"), Err("InvalidDigest"));
        assert_eq!(send(header("AAAAAA==")), Err("BadDigest"));
        assert_eq!(send(trailer(Some("AAAAAA=="))), Err("BadDigest"));
        assert_eq!(send(trailer(Some("AAAA"))), Err("InvalidRequest"));
        assert_eq!(send(trailer(None)), Err("InvalidRequest"));
    }
}
