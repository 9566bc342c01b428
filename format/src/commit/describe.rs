//! What describes an object's bytes beside the recipe: metadata, checksums, parts.

use crate::error::DecodeError;
use crate::wire::{Reader, Wire, Writer, public_codec};

/// Most pairs of each list in [`Metadata`].
pub const MAX_METADATA_PAIRS: usize = 256;
/// Longest name in [`Metadata`], in bytes.
pub const MAX_METADATA_NAME_LEN: usize = 2048;
/// Longest value in [`Metadata`], in bytes.
pub const MAX_METADATA_VALUE_LEN: usize = 8192;
/// Most parts of an upload, and the highest part number.
pub const MAX_PARTS: usize = 10_000;

/// Metadata shared by object versions and by the uploads they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// System headers that are returned as they were sent (`content-type`, `cache-control` …), lower-case names.
    pub headers: Vec<(String, String)>,
    /// `x-amz-meta-*` without the prefix, lower-case names.
    pub user: Vec<(String, String)>,
    /// Object tags.
    pub tags: Vec<(String, String)>,
}

/// A checksum algorithm of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChecksumAlgorithm {
    Crc32 = 1,
    Crc32c = 2,
    Crc64Nvme = 3,
    Sha1 = 4,
    Sha256 = 5,
}

/// A checksum kept with an object or part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    pub algorithm: ChecksumAlgorithm,
    /// True: checksum of the parts' checksums; false: of all the bytes.
    pub composite: bool,
    /// Raw digest bytes, big-endian for CRCs; at most 32.
    pub value: Vec<u8>,
}

/// A part of a completed multipart object, as GetObjectAttributes and `partNumber` need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    pub number: u16,
    pub size: u64,
    pub checksum: Option<Checksum>,
}

const PAIR_LEN: usize = 8;
const PART_LEN: usize = 11;

pub(super) fn write_pairs(out: &mut Writer<'_>, pairs: &[(String, String)]) {
    out.list(pairs, |out, (name, value)| {
        out.string(name);
        out.string(value);
    });
}

/// `limits`: of the pairs, of a name's bytes, of a value's bytes.
pub(super) fn read_pairs(
    input: &mut Reader<'_>,
    what: &'static str,
    limits: [usize; 3],
) -> Result<Vec<(String, String)>, DecodeError> {
    let [pairs, name_len, value_len] = limits;
    input.list(what, pairs, PAIR_LEN, |input| Ok((input.string(what, name_len)?, input.string(what, value_len)?)))
}

pub(super) fn read_part_number(input: &mut Reader<'_>) -> Result<u16, DecodeError> {
    const WHAT: &str = "part number";
    match input.u16(WHAT)? {
        0 => Err(DecodeError::Empty { what: WHAT }),
        number if usize::from(number) <= MAX_PARTS => Ok(number),
        number => Err(DecodeError::Limit { what: WHAT, value: number.into(), limit: MAX_PARTS as u64 }),
    }
}

pub(super) fn write_parts(out: &mut Writer<'_>, parts: &[PartInfo]) {
    out.list(parts, |out, part| part.write(out));
}

pub(super) fn read_parts(input: &mut Reader<'_>) -> Result<Vec<PartInfo>, DecodeError> {
    let parts = input.list("parts", MAX_PARTS, PART_LEN, PartInfo::read)?;
    if !parts.is_sorted_by(|one, next| one.number < next.number) {
        return Err(DecodeError::Inconsistent { what: "part number", with: "the one before it" });
    }
    Ok(parts)
}

impl ChecksumAlgorithm {
    /// Bytes of a digest.
    pub fn digest_len(self) -> usize {
        match self {
            ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => 4,
            ChecksumAlgorithm::Crc64Nvme => 8,
            ChecksumAlgorithm::Sha1 => 20,
            ChecksumAlgorithm::Sha256 => 32,
        }
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("checksum algorithm")? {
            1 => Ok(ChecksumAlgorithm::Crc32),
            2 => Ok(ChecksumAlgorithm::Crc32c),
            3 => Ok(ChecksumAlgorithm::Crc64Nvme),
            4 => Ok(ChecksumAlgorithm::Sha1),
            5 => Ok(ChecksumAlgorithm::Sha256),
            value => Err(DecodeError::Unknown { what: "checksum algorithm", value: value.into() }),
        }
    }
}

impl Wire for Metadata {
    const NAME: &'static str = "metadata";

    fn write(&self, out: &mut Writer<'_>) {
        write_pairs(out, &self.headers);
        write_pairs(out, &self.user);
        write_pairs(out, &self.tags);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const LIMITS: [usize; 3] = [MAX_METADATA_PAIRS, MAX_METADATA_NAME_LEN, MAX_METADATA_VALUE_LEN];
        Ok(Metadata {
            headers: read_pairs(input, "metadata headers", LIMITS)?,
            user: read_pairs(input, "user metadata", LIMITS)?,
            tags: read_pairs(input, "tags", LIMITS)?,
        })
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

impl Wire for PartInfo {
    const NAME: &'static str = "part";

    fn write(&self, out: &mut Writer<'_>) {
        out.u16(self.number);
        out.u64(self.size);
        out.option(self.checksum.as_ref(), |out, checksum| checksum.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(PartInfo {
            number: read_part_number(input)?,
            size: input.u64(Self::NAME)?,
            checksum: input.option("part checksum", Checksum::read)?,
        })
    }
}

public_codec!(Metadata, Checksum, PartInfo);
