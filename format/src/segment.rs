//! Segment files: the header at offset 0 and the footer record that seals one.

use crate::ids::{Epoch, SegmentId, StoreId};

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
