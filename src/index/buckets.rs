//! Buckets: `0 ‖ name` to the row, `1 ‖ id` to the name.

use super::Index;
use super::engine::{Batch, Family};
use super::error::IndexError;
use super::rows::Rows;
use super::wire::{Reader, push_position, push_segments};
use deltastore_format::commit::BucketPut;
use deltastore_format::{BucketId, DecodeError, Position, SegmentId};

const BY_NAME: u8 = 0;
const BY_ID: u8 = 1;

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketRow {
    pub put: BucketPut,
    /// The commit record that holds the put.
    pub record: Position,
    /// Older segments that may still hold a copy of the put.
    pub prior: Vec<SegmentId>,
}

impl BucketRow {
    fn encode(&self) -> Vec<u8> {
        let mut value = Vec::new();
        push_position(&mut value, self.record);
        push_segments(&mut value, &self.prior);
        self.put.encode(&mut value);
        value
    }

    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("bucket row", value);
        Ok(BucketRow { record: reader.position()?, prior: reader.segments()?, put: BucketPut::decode(reader.rest())? })
    }
}

fn name_key(name: &str) -> Vec<u8> {
    [&[BY_NAME], name.as_bytes()].concat()
}

fn id_key(bucket: BucketId) -> Vec<u8> {
    [&[BY_ID][..], &bucket.0.to_be_bytes()].concat()
}

impl Index {
    pub fn bucket(&self, name: &str) -> Result<Option<BucketRow>, IndexError> {
        self.read(Family::Buckets, &name_key(name), BucketRow::decode)
    }

    pub fn bucket_by_id(&self, bucket: BucketId) -> Result<Option<BucketRow>, IndexError> {
        let key = id_key(bucket);
        let Some(name) = self.engine.get(Family::Buckets, &key)? else {
            return Ok(None);
        };
        let row = self.read(Family::Buckets, &[&[BY_NAME], name.as_slice()].concat(), BucketRow::decode)?;
        // Between the two reads the name may have gone to a bucket made again.
        Ok(row.filter(|row| row.put.bucket == bucket))
    }

    /// All buckets in name order.
    pub fn buckets(&self) -> Rows<'_, BucketRow> {
        self.rows(Family::Buckets, &[BY_NAME], Some(&[BY_ID]), |_, value| BucketRow::decode(value))
    }

    pub fn stage_bucket(&self, batch: &mut Batch, row: &BucketRow) {
        batch.put(Family::Buckets, name_key(&row.put.name), row.encode());
        batch.put(Family::Buckets, id_key(row.put.bucket), row.put.name.as_bytes());
    }

    pub fn stage_remove_bucket(&self, batch: &mut Batch, bucket: BucketId, name: &str) {
        batch.delete(Family::Buckets, name_key(name));
        batch.delete(Family::Buckets, id_key(bucket));
    }
}
