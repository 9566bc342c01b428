//! S3's additional checksums: names, values, and how an object's follows from its parts'.

use deltastore_format::{Checksum, ChecksumAlgorithm};

use crate::object::error::ObjectError;

/// A checksum of bytes: its algorithm and the raw digest, big-endian for CRCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecksumValue {
    pub algorithm: ChecksumAlgorithm,
    pub value: Vec<u8>,
}

impl ChecksumValue {
    /// From the Base64 of an `x-amz-checksum-*` header.
    ///
    /// # Errors
    /// `InvalidRequest` if it is not Base64 of the algorithm's length.
    pub fn parse(_algorithm: ChecksumAlgorithm, _base64: &str) -> Result<Self, ObjectError> {
        unimplemented!()
    }
}

/// `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1`, `SHA256`.
pub fn name(_algorithm: ChecksumAlgorithm) -> &'static str {
    unimplemented!()
}

/// From the name, in any case.
pub fn parse_name(_name: &str) -> Option<ChecksumAlgorithm> {
    unimplemented!()
}

/// The value of `x-amz-checksum-*`: Base64, with `-N` for a composite of `parts` parts.
pub fn header_value(_checksum: &Checksum, _parts: usize) -> String {
    unimplemented!()
}
