//! Segment files: `id ‖ 1` to the live bytes.

use super::Index;
use super::engine::{Batch, Counter};
use super::error::IndexError;
use super::family::Family;
use super::wire::Reader;
use deltastore_format::{DecodeError, SegmentId};

const LIVE: u8 = 1;

fn live(value: &[u8]) -> Result<i64, DecodeError> {
    let mut reader = Reader::new("live bytes", value);
    let bytes = reader.i64()?;
    reader.finish()?;
    Ok(bytes)
}

fn key(segment: SegmentId) -> Vec<u8> {
    [&segment.0.to_be_bytes()[..], &[LIVE]].concat()
}

impl Index {
    /// Record bytes in the segment that something still needs; 0 when none was ever counted.
    pub fn live(&self, segment: SegmentId) -> Result<i64, IndexError> {
        Ok(self.read(Family::Segments, &key(segment), live)?.unwrap_or(0))
    }

    /// Adds to the live bytes.
    pub fn stage_live(&self, batch: &mut Batch, segment: SegmentId, delta: i64) {
        batch.merge_add(Counter::Segments, key(segment), delta);
    }
}
