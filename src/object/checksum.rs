//! S3's additional checksums: names, values, and how an object's follows from its parts'.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use deltastore_format::{Checksum, ChecksumAlgorithm};

use crate::object::error::ObjectError;

/// A checksum of bytes: its algorithm and the digest as S3 shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecksumValue {
    pub algorithm: ChecksumAlgorithm,
    pub value: Vec<u8>,
}

impl ChecksumValue {
    /// From Base64; none if it is not Base64 of the algorithm's length.
    pub fn decode(algorithm: ChecksumAlgorithm, base64: &str) -> Option<Self> {
        let value = STANDARD.decode(base64).ok().filter(|value| value.len() == algorithm.digest_len())?;
        Some(ChecksumValue { algorithm, value })
    }

    /// From the Base64 of an `x-amz-checksum-*` header.
    ///
    /// # Errors
    /// `InvalidRequest` if it is not Base64 of the algorithm's length.
    pub fn parse(algorithm: ChecksumAlgorithm, base64: &str) -> Result<Self, ObjectError> {
        Self::decode(algorithm, base64).ok_or_else(|| invalid_value(algorithm))
    }

    /// Base64 of the digest.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.value)
    }

    /// As it is kept with an object or part.
    pub(super) fn stored(self, composite: bool) -> Checksum {
        Checksum { algorithm: self.algorithm, composite, value: self.value }
    }
}

/// From S3's name, in any case.
pub fn parse_name(text: &str) -> Option<ChecksumAlgorithm> {
    ChecksumAlgorithm::all().find(|algorithm| algorithm.name().eq_ignore_ascii_case(text))
}

/// The header that carries a value of the algorithm.
pub fn header_name(algorithm: ChecksumAlgorithm) -> String {
    format!("x-amz-checksum-{}", algorithm.name().to_ascii_lowercase())
}

/// The value of `x-amz-checksum-*`: Base64, with `-N` for a composite of `parts` parts.
pub fn header_value(checksum: &Checksum, parts: usize) -> String {
    let base64 = STANDARD.encode(&checksum.value);
    if checksum.composite { format!("{base64}-{parts}") } else { base64 }
}

/// Whether an upload's object gets a composite checksum, given what was asked for.
///
/// # Errors
/// `InvalidRequest` for a type that the algorithm does not have.
pub(super) fn upload_type(algorithm: ChecksumAlgorithm, composite: Option<bool>) -> Result<bool, ObjectError> {
    let possible = match algorithm {
        ChecksumAlgorithm::Crc64Nvme => Some(false),
        // Only CRCs of parts can be combined to that of the whole.
        _ if crc_algorithm(algorithm).is_none() => Some(true),
        _ => None,
    };
    match (possible, composite) {
        (Some(is), Some(asked)) if is != asked => Err(ObjectError::InvalidRequest(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            type_name(asked),
            algorithm.name().to_ascii_lowercase()
        ))),
        (Some(is), _) => Ok(is),
        (None, asked) => Ok(asked.unwrap_or(true)),
    }
}

/// `COMPOSITE` or `FULL_OBJECT`.
pub fn type_name(composite: bool) -> &'static str {
    if composite { "COMPOSITE" } else { "FULL_OBJECT" }
}

/// The checksum of the concatenated bytes, from those of consecutive pieces and their lengths.
/// None for algorithms that cannot be combined and for values that are not of the algorithm's length.
pub(super) fn combine<'a>(
    algorithm: ChecksumAlgorithm,
    pieces: impl IntoIterator<Item = (&'a [u8], u64)>,
) -> Option<ChecksumValue> {
    let crc = crc_algorithm(algorithm)?;
    let mut whole = crc_fast::checksum(crc, &[]);
    for (value, len) in pieces {
        whole = crc_fast::checksum_combine(crc, whole, crc_from_bytes(algorithm, value)?, len);
    }
    Some(ChecksumValue { algorithm, value: crc_to_bytes(algorithm, whole) })
}

/// Whether parts may carry it only if the upload was created with it: the algorithms that S3 added in 2026.
pub(super) fn must_be_announced(algorithm: ChecksumAlgorithm) -> bool {
    use ChecksumAlgorithm::{Md5, Sha512, XxHash3, XxHash64, XxHash128};
    matches!(algorithm, Md5 | Sha512 | XxHash64 | XxHash3 | XxHash128)
}

/// The CRC behind an algorithm; none for the others.
pub(super) fn crc_algorithm(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        _ => None,
    }
}

/// A CRC as S3 shows it: big-endian, of the algorithm's length.
pub(super) fn crc_to_bytes(algorithm: ChecksumAlgorithm, crc: u64) -> Vec<u8> {
    let bytes = crc.to_be_bytes();
    bytes[bytes.len() - algorithm.digest_len().min(bytes.len())..].to_vec()
}

fn crc_from_bytes(algorithm: ChecksumAlgorithm, value: &[u8]) -> Option<u64> {
    (value.len() == algorithm.digest_len()).then(|| value.iter().fold(0, |crc, byte| crc << 8 | u64::from(*byte)))
}

pub(super) fn invalid_value(algorithm: ChecksumAlgorithm) -> ObjectError {
    ObjectError::InvalidRequest(format!("Value for {} header is invalid.", header_name(algorithm)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::digest::composite;
    use ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256, Sha512, XxHash3, XxHash64, XxHash128};

    fn of(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> ChecksumValue {
        composite(algorithm, [bytes])
    }

    #[test]
    fn check_values() {
        let hex = |algorithm| hex::encode(of(algorithm, b"123456789").value);
        assert_eq!(hex(Crc32), "cbf43926");
        assert_eq!(hex(Crc32c), "e3069283");
        assert_eq!(hex(Crc64Nvme), "ae8b14860a799888");
        assert_eq!(hex(Sha1), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert_eq!(hex(Sha256), "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
        assert_eq!(hex(Md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(
            hex(Sha512),
            "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5b\
             b503acf574fba8ffe85"
        );
        // What AWS's own library of checksums gives, and its SDKs send.
        let base64 = |algorithm| of(algorithm, b"Hello world").to_base64();
        assert_eq!(base64(XxHash64), "xQCwyRKzdtg=");
        assert_eq!(base64(XxHash3), "tqy52Eo4/3Q=");
        assert_eq!(base64(XxHash128), "c1H4mBL5c4K5HQWzHgTdfw==");
    }

    #[test]
    fn combining_pieces_is_reading_them_all() {
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for algorithm in [Crc32, Crc32c, Crc64Nvme] {
            for cuts in [vec![], vec![0], vec![1], vec![50_000], vec![10, 10, 99_999], vec![100_000]] {
                let ends = cuts.iter().copied().chain([bytes.len()]);
                let starts = [0].into_iter().chain(cuts.iter().copied());
                let pieces: Vec<_> = starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect();
                let sums: Vec<_> =
                    pieces.iter().map(|piece| (of(algorithm, piece).value, piece.len() as u64)).collect();
                let combined = combine(algorithm, sums.iter().map(|(value, len)| (value.as_slice(), *len)));
                assert_eq!(combined, Some(of(algorithm, &bytes)), "{algorithm:?} {cuts:?}");
            }
        }
        assert_eq!(combine(Crc32, []), Some(of(Crc32, b"")));
        assert_eq!(combine(Sha256, []), None);
        assert_eq!(combine(Crc32, [(&[0u8; 8][..], 1)]), None);
    }

    #[test]
    fn types_by_algorithm() {
        for algorithm in ChecksumAlgorithm::all() {
            let allowed = [true, false].map(|composite| upload_type(algorithm, Some(composite)) == Ok(composite));
            let expected = match algorithm {
                Crc64Nvme => [false, true],
                Crc32 | Crc32c => [true, true],
                _ => [true, false],
            };
            assert_eq!(allowed, expected, "{algorithm:?}");
            assert_eq!(upload_type(algorithm, None), Ok(algorithm != Crc64Nvme));
        }
    }

    #[test]
    fn values_and_names_go_both_ways() {
        for algorithm in ChecksumAlgorithm::all() {
            let value = of(algorithm, b"abc");
            assert_eq!(ChecksumValue::parse(algorithm, &value.to_base64()), Ok(value.clone()));
            assert_eq!(parse_name(&algorithm.name().to_lowercase()), Some(algorithm));
            let stored = value.clone().stored(true);
            assert_eq!(header_value(&stored, 3), format!("{}-3", value.to_base64()));
        }
        assert!(ChecksumValue::parse(Crc32, "AAAA").is_err());
        assert!(ChecksumValue::parse(Crc32, "not base64").is_err());
        assert_eq!(parse_name("SHA3"), None);
        assert_eq!(header_name(XxHash128), "x-amz-checksum-xxhash128");
    }
}
