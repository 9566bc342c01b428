//! Buckets: `0 ‖ name` to the row, `1 ‖ id` to the row's key.

use super::Index;
use super::error::IndexError;
use super::family::Family;
use super::rows::Rows;
use super::table::{Find, Row, Table};
use deltastore_format::{BucketId, BucketPut};

const BY_NAME: u8 = 0;
const BY_ID: u8 = 1;

/// A bucket.
pub type BucketRow = Row<BucketPut>;

fn name_key(name: &str) -> Vec<u8> {
    [&[BY_NAME], name.as_bytes()].concat()
}

fn id_key(bucket: BucketId) -> Vec<u8> {
    [&[BY_ID][..], &bucket.0.to_be_bytes()].concat()
}

impl Table for BucketPut {
    const FAMILY: Family = Family::Buckets;
    const PREFIX: &'static [u8] = &[BY_NAME];

    fn key(&self) -> Vec<u8> {
        name_key(&self.name)
    }

    fn find(id: &BucketId) -> Find {
        Find::Entry(id_key(*id))
    }
}

impl Index {
    pub fn bucket(&self, name: &str) -> Result<Option<BucketRow>, IndexError> {
        self.row_at(&name_key(name))
    }

    pub fn bucket_by_id(&self, bucket: BucketId) -> Result<Option<BucketRow>, IndexError> {
        self.row(&bucket)
    }

    /// All buckets in name order.
    pub fn buckets(&self) -> Rows<'_, BucketRow> {
        self.all_rows()
    }
}
