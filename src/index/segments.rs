//! Segment files: `id ‖ 0` to the row, `id ‖ 1` to the live bytes.

use super::Index;
use super::engine::{Batch, Counter, Family};
use super::error::IndexError;
use super::wire::Reader;
use deltastore_format::{DecodeError, SegmentId};

const ROW: u8 = 0;
const LIVE: u8 = 1;

/// What is known of a segment besides its live bytes; its size is the file's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentRow {
    /// It has a footer and is never written again.
    pub sealed: bool,
}

impl SegmentRow {
    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("segment row", value);
        let sealed = match reader.u8()? {
            0 => false,
            1 => true,
            other => return Err(reader.unknown(other)),
        };
        reader.finish()?;
        Ok(SegmentRow { sealed })
    }
}

fn live(value: &[u8]) -> Result<i64, DecodeError> {
    let mut reader = Reader::new("live bytes", value);
    let bytes = reader.i64()?;
    reader.finish()?;
    Ok(bytes)
}

fn key(segment: SegmentId, part: u8) -> Vec<u8> {
    [&segment.0.to_be_bytes()[..], &[part]].concat()
}

impl Index {
    pub fn segment(&self, segment: SegmentId) -> Result<Option<SegmentRow>, IndexError> {
        self.read(Family::Segments, &key(segment, ROW), SegmentRow::decode)
    }

    /// Record bytes in the segment that something still needs; 0 when none was ever counted.
    pub fn live(&self, segment: SegmentId) -> Result<i64, IndexError> {
        Ok(self.read(Family::Segments, &key(segment, LIVE), live)?.unwrap_or(0))
    }

    /// All segments that have a row or live bytes, oldest first, with their live bytes.
    pub fn segments(&self) -> Result<Vec<(SegmentId, SegmentRow, i64)>, IndexError> {
        let mut found: Vec<(SegmentId, SegmentRow, i64)> = Vec::new();
        for pair in self.engine.scan(Family::Segments, &[], None) {
            let (key, value) = pair?;
            let corrupt = |source| IndexError::corrupt(Family::Segments, &key, source);
            let mut reader = Reader::new("segment key", &key);
            let segment = SegmentId(u64::from_be_bytes(reader.array().map_err(corrupt)?));
            let part = reader.u8().map_err(corrupt)?;
            if found.last().is_none_or(|(last, _, _)| *last != segment) {
                found.push((segment, SegmentRow::default(), 0));
            }
            if let Some((_, row, bytes)) = found.last_mut() {
                match part {
                    ROW => *row = SegmentRow::decode(&value).map_err(corrupt)?,
                    LIVE => *bytes = live(&value).map_err(corrupt)?,
                    other => return Err(corrupt(reader.unknown(other))),
                }
            }
        }
        Ok(found)
    }

    pub fn stage_segment(&self, batch: &mut Batch, segment: SegmentId, row: SegmentRow) {
        batch.put(Family::Segments, key(segment, ROW), [u8::from(row.sealed)]);
    }

    /// Adds to the live bytes.
    pub fn stage_live(&self, batch: &mut Batch, segment: SegmentId, delta: i64) {
        batch.merge_add(Counter::Segments, key(segment, LIVE), delta);
    }

    /// Forgets a segment and its live bytes.
    pub fn stage_remove_segment(&self, batch: &mut Batch, segment: SegmentId) {
        batch.delete(Family::Segments, key(segment, ROW));
        batch.delete(Family::Segments, key(segment, LIVE));
    }
}
