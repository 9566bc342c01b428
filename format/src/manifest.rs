//! The manifest of segments: the files `SEGMENTS` and `SEGMENTS.copy`, which tell that a segment is lost.

use crate::error::DecodeError;
use crate::header::{self, HEADER_LEN, check_crc, crc32c};
use crate::ids::RECORD_ALIGN;
use crate::ids::{Epoch, SegmentId, StoreId};
use crate::store::{FORMAT_VERSION, StoreHeader};
use crate::wire::{Reader, Writer, check_version, within};

/// Most segments that a manifest lists.
pub const MAX_SEGMENTS: usize = 1 << 24;

/// Which segments exist, and how much of each is known to be on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What `STORE` says, so that it can be made again.
    pub header: StoreHeader,
    /// Rises with each manifest that is written; the highest counts.
    pub generation: u64,
    /// The lowest segment id never used.
    pub next: SegmentId,
    /// By id.
    pub segments: Vec<SegmentEntry>,
}

/// What the manifest says of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    pub segment: SegmentId,
    /// As in the segment's header.
    pub salt: u64,
    /// Bytes from the start that were on disk when the manifest was written, a multiple of 8.
    pub length: u64,
    pub state: SegmentState,
}

/// What becomes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentState {
    /// It is appended to.
    Open,
    /// It has its footer, and `length` is all of it.
    Sealed,
    /// The writer went on in another without sealing this one.
    Left,
    /// Everything alive in it is elsewhere, and its file is being removed.
    Going,
    /// An operator gave it up for lost.
    Forgotten,
}

const MAGIC: [u8; 4] = *b"DLTM";
const NAME: &str = "manifest of segments";
const VERSION: u32 = 1;
/// Bytes of one entry.
const ENTRY_LEN: usize = 32;
const CRC_LEN: usize = 4;

impl Manifest {
    /// The file's content.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = header::seal(MAGIC, |out| {
            out.u32(VERSION);
            out.bytes(&self.header.store.0);
            out.u32(self.header.epoch.0);
            out.u32(self.header.format_version);
            out.u64(self.header.created_ms);
            out.u64(self.generation);
            out.u64(self.next.0);
            out.len_u32(self.segments.len());
        });
        let mut bytes = head.to_vec();
        let mut out = Writer::new(&mut bytes);
        for entry in &self.segments {
            out.u64(entry.segment.0);
            out.u64(entry.salt);
            out.u64(entry.length);
            out.u8(entry.state.number());
            out.zeros(7);
        }
        let crc = crc32c(&bytes[HEADER_LEN..]);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes the whole file.
    ///
    /// # Errors
    /// [`DecodeError::Version`] if a newer build wrote it, or the store is of a newer format; else what is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let head = input.take(NAME, HEADER_LEN)?;
        let (mut manifest, count) = header::open(NAME, MAGIC, head, |input| {
            check_version(NAME, input.u32(NAME)?, VERSION)?;
            let store = StoreId(input.array(NAME)?);
            let epoch = Epoch(input.u32(NAME)?);
            let format_version = input.u32(NAME)?;
            if !(1..=FORMAT_VERSION).contains(&format_version) {
                return Err(DecodeError::Version { what: NAME, found: format_version, known: FORMAT_VERSION });
            }
            let header = StoreHeader { format_version, store, epoch, created_ms: input.u64(NAME)? };
            let (generation, next) = (input.u64(NAME)?, SegmentId(input.u64(NAME)?));
            let count = input.u32(NAME)?;
            Ok((Manifest { header, generation, next, segments: Vec::new() }, count))
        })?;
        let count = within(NAME, count.into(), MAX_SEGMENTS as u64)?;
        let needed = (count * ENTRY_LEN + CRC_LEN) as u64;
        let left = input.left() as u64;
        if left < needed {
            return Err(DecodeError::Truncated { what: NAME, needed, left });
        }
        let listed = input.take(NAME, count * ENTRY_LEN)?;
        let crc = input.u32(NAME)?;
        input.finish(NAME)?;
        check_crc(NAME, crc, listed)?;
        let mut input = Reader::new(listed);
        manifest.segments = input.items(NAME, count, ENTRY_LEN, read_entry)?;
        let rising = manifest.segments.is_sorted_by(|one, other| one.segment < other.segment);
        if !rising || manifest.segments.last().is_some_and(|last| last.segment >= manifest.next) {
            return Err(DecodeError::Inconsistent { what: NAME, with: "the order of segment ids" });
        }
        Ok(manifest)
    }
}

fn read_entry(input: &mut Reader<'_>) -> Result<SegmentEntry, DecodeError> {
    let (segment, salt, length) = (SegmentId(input.u64(NAME)?), input.u64(NAME)?, input.u64(NAME)?);
    if !length.is_multiple_of(RECORD_ALIGN) {
        return Err(DecodeError::Inconsistent { what: NAME, with: "the alignment of records" });
    }
    let state = SegmentState::of(input.u8(NAME)?)?;
    input.zeros(NAME, 7)?;
    Ok(SegmentEntry { segment, salt, length, state })
}

impl SegmentState {
    fn number(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Sealed => 2,
            Self::Left => 3,
            Self::Going => 4,
            Self::Forgotten => 5,
        }
    }

    fn of(number: u8) -> Result<Self, DecodeError> {
        Ok(match number {
            1 => Self::Open,
            2 => Self::Sealed,
            3 => Self::Left,
            4 => Self::Going,
            5 => Self::Forgotten,
            value => return Err(DecodeError::Unknown { what: "state of a segment", value: value.into() }),
        })
    }
}
