//! What describes an object beside its recipe: metadata, parts.

use super::checksum::Checksum;
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

public_codec!(Metadata, PartInfo);
