//! Segment files: the header at offset 0 and the footer record that seals one.

use crate::error::DecodeError;
use crate::header;
use crate::ids::{Epoch, SegmentId, StoreId};
use crate::wire::{Reader, Wire, Writer, check_version, public_codec};

/// Version of the segment header, which format version 2 left as it was.
const SEGMENT_VERSION: u32 = 1;
/// Bytes of an encoded [`SegmentHeader`]; the first record starts here.
pub const SEGMENT_HEADER_LEN: usize = 64;

/// First bytes of a segment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    pub store: StoreId,
    pub segment: SegmentId,
    pub epoch: Epoch,
    /// Random; every record header of this segment repeats it.
    pub salt: u64,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Reserved for encryption: 0 means plain.
    pub key_id: u32,
}

/// Payload of the last record of a sealed segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentFooter {
    pub windows: u64,
    pub nodes: u64,
    pub commits: u64,
    /// Sum of payload bytes of all records before the footer.
    pub payload_bytes: u64,
}

const MAGIC: [u8; 4] = *b"DLTG";
const NAME: &str = "segment header";
const FOOTER_VERSION: u8 = 1;

impl SegmentHeader {
    /// The file's first bytes.
    pub fn to_bytes(&self) -> [u8; SEGMENT_HEADER_LEN] {
        header::seal(MAGIC, |out| {
            out.u32(SEGMENT_VERSION);
            out.bytes(&self.store.0);
            out.u64(self.segment.0);
            out.u64(self.salt);
            out.u64(self.created_ms);
            out.u32(self.epoch.0);
            out.u32(self.key_id);
        })
    }

    /// Decodes exactly [`SEGMENT_HEADER_LEN`] bytes.
    ///
    /// # Errors
    /// [`DecodeError::Version`] if a newer build wrote it; else what is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        header::open(NAME, MAGIC, bytes, |input| {
            check_version(NAME, input.u32(NAME)?, SEGMENT_VERSION)?;
            Ok(SegmentHeader {
                store: StoreId(input.array(NAME)?),
                segment: SegmentId(input.u64(NAME)?),
                salt: input.u64(NAME)?,
                created_ms: input.u64(NAME)?,
                epoch: Epoch(input.u32(NAME)?),
                key_id: header::read_key_id(input)?,
            })
        })
    }
}

impl Wire for SegmentFooter {
    const NAME: &'static str = "segment footer";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(FOOTER_VERSION);
        out.zeros(7);
        out.u64(self.windows);
        out.u64(self.nodes);
        out.u64(self.commits);
        out.u64(self.payload_bytes);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, FOOTER_VERSION)?;
        input.zeros(Self::NAME, 7)?;
        Ok(SegmentFooter {
            windows: input.u64(Self::NAME)?,
            nodes: input.u64(Self::NAME)?,
            commits: input.u64(Self::NAME)?,
            payload_bytes: input.u64(Self::NAME)?,
        })
    }
}

public_codec!(SegmentFooter);
