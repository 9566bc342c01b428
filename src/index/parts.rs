//! Parts of uploads in progress: `upload ‖ number`.

use super::Index;
use super::engine::{Batch, Family};
use super::error::IndexError;
use super::keys;
use super::rows::Rows;
use super::wire::{Reader, push_position, push_segments};
use deltastore_format::commit::PartPut;
use deltastore_format::{DecodeError, Position, SegmentId, UploadId};

/// A part of an upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRow {
    pub put: PartPut,
    /// The commit record that holds the put.
    pub record: Position,
    /// Bytes of that record, as counted for the segment's live bytes.
    pub record_len: u64,
    /// Older segments that may still hold a copy of the put.
    pub prior: Vec<SegmentId>,
}

impl PartRow {
    fn encode(&self) -> Vec<u8> {
        let mut value = Vec::new();
        push_position(&mut value, self.record);
        value.extend_from_slice(&self.record_len.to_le_bytes());
        push_segments(&mut value, &self.prior);
        self.put.encode(&mut value);
        value
    }

    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("part row", value);
        Ok(PartRow {
            record: reader.position()?,
            record_len: reader.u64()?,
            prior: reader.segments()?,
            put: PartPut::decode(reader.rest())?,
        })
    }
}

fn row_key(upload: UploadId, number: u16) -> Vec<u8> {
    [&upload.0.to_be_bytes()[..], &number.to_be_bytes()].concat()
}

impl Index {
    pub fn part(&self, upload: UploadId, number: u16) -> Result<Option<PartRow>, IndexError> {
        self.read(Family::Parts, &row_key(upload, number), PartRow::decode)
    }

    /// Parts in number order.
    pub fn parts(&self, upload: UploadId) -> Rows<'_, PartRow> {
        self.parts_after(upload, None)
    }

    /// At most `max` parts with numbers above `after`; whether there are more.
    pub fn list_parts(
        &self,
        upload: UploadId,
        after: Option<u16>,
        max: usize,
    ) -> Result<(Vec<PartRow>, bool), IndexError> {
        if max == 0 {
            return Ok((Vec::new(), false));
        }
        let mut rows = self.parts_after(upload, after);
        let page = rows.by_ref().take(max).collect::<Result<Vec<_>, _>>()?;
        let more = page.len() == max && rows.next().transpose()?.is_some();
        Ok((page, more))
    }

    /// Every part of every upload.
    pub fn all_parts(&self) -> Rows<'_, PartRow> {
        self.rows(Family::Parts, &[], None, |_, value| PartRow::decode(value))
    }

    fn parts_after(&self, upload: UploadId, after: Option<u16>) -> Rows<'_, PartRow> {
        let prefix = upload.0.to_be_bytes();
        let mut from = prefix.to_vec();
        if let Some(after) = after {
            // A byte behind the number is above that number and below the next.
            from = row_key(upload, after);
            from.push(0);
        }
        self.rows(Family::Parts, &from, keys::above(&prefix).as_deref(), |_, value| PartRow::decode(value))
    }

    pub fn stage_part(&self, batch: &mut Batch, row: &PartRow) {
        batch.put(Family::Parts, row_key(row.put.upload, row.put.number), row.encode());
    }

    pub fn stage_remove_part(&self, batch: &mut Batch, upload: UploadId, number: u16) {
        batch.delete(Family::Parts, row_key(upload, number));
    }
}
