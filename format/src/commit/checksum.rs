//! S3's checksums: the one table of algorithms, and a digest that is kept with an object or part.

use crate::error::DecodeError;
use crate::wire::{Reader, Wire, Writer, public_codec};

/// A checksum algorithm of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChecksumAlgorithm {
    Crc32 = 1,
    Crc32c = 2,
    Crc64Nvme = 3,
    Sha1 = 4,
    Sha256 = 5,
    Md5 = 6,
    Sha512 = 7,
    XxHash64 = 8,
    /// XXH3 with 64 bits.
    XxHash3 = 9,
    /// XXH3 with 128 bits.
    XxHash128 = 10,
}

use ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256, Sha512, XxHash3, XxHash64, XxHash128};

/// Algorithm, S3's name for it, bytes of a digest; in the order of the numbers, from 1 on.
const TABLE: [(ChecksumAlgorithm, &str, usize); 10] = [
    (Crc32, "CRC32", 4),
    (Crc32c, "CRC32C", 4),
    (Crc64Nvme, "CRC64NVME", 8),
    (Sha1, "SHA1", 20),
    (Sha256, "SHA256", 32),
    (Md5, "MD5", 16),
    (Sha512, "SHA512", 64),
    (XxHash64, "XXHASH64", 8),
    (XxHash3, "XXHASH3", 8),
    (XxHash128, "XXHASH128", 16),
];

/// A checksum kept with an object or part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    pub algorithm: ChecksumAlgorithm,
    /// True: checksum of the parts' checksums; false: of all the bytes.
    pub composite: bool,
    /// Digest bytes as S3 shows them: CRCs and XXHASH big-endian; at most 64.
    pub value: Vec<u8>,
}

impl ChecksumAlgorithm {
    /// Every algorithm, by its number.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// S3's name for it, in capitals.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Bytes of a digest.
    pub fn digest_len(self) -> usize {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static str, usize) {
        &TABLE[usize::from(self as u8) - 1]
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WHAT: &str = "checksum algorithm";
        let number = input.u8(WHAT)?;
        Self::all()
            .find(|algorithm| *algorithm as u8 == number)
            .ok_or(DecodeError::Unknown { what: WHAT, value: number.into() })
    }
}

impl Wire for Checksum {
    const NAME: &'static str = "checksum";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(self.algorithm as u8);
        out.flags(&[self.composite]);
        out.len_u8(self.value.len());
        out.bytes(&self.value);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let algorithm = ChecksumAlgorithm::read(input)?;
        let [composite] = input.flags("checksum flags")?;
        let len = usize::from(input.u8(Self::NAME)?);
        if len != algorithm.digest_len() {
            return Err(DecodeError::Inconsistent { what: "checksum length", with: "its algorithm" });
        }
        Ok(Checksum { algorithm, composite, value: input.take(Self::NAME, len)?.to_vec() })
    }
}

public_codec!(Checksum);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_numbers() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(usize::from(row.0 as u8), at + 1);
            assert_eq!((row.0.name(), row.0.digest_len()), (row.1, row.2));
        }
    }
}
