//! What all steps of recovery share.

use std::sync::Arc;

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Position, SegmentId, record_len};
use deltastore_segment::vfs::Clock;
use deltastore_segment::{Readers, Record};

use crate::index::Index;
use crate::store::bugs::Bugs;
use crate::store::folder::Folder;

/// What recovery needs to look at.
pub struct RecoveryContext<'a> {
    pub folder: &'a Folder,
    pub index: &'a Index,
    pub readers: &'a Readers,
    pub clock: &'a Arc<dyn Clock>,
    pub bugs: Bugs,
}

/// Where a record lies, and how long it is.
pub fn extent(record: &Record) -> (Position, u64) {
    (record.header.position, record_len(record.header.payload_len))
}

/// Where the first record of a segment is.
pub fn first_record(segment: SegmentId) -> Position {
    Position { segment, offset: SEGMENT_HEADER_LEN as u64 }
}
