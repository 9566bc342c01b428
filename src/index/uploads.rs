//! Multipart uploads in progress: `0 ‖ bucket ‖ key ‖ upload` to the row, `1 ‖ upload` to the row's key.

use super::Index;
use super::engine::{Batch, Family};
use super::error::IndexError;
use super::keys;
use super::listing::{After, ListPage, ListQuery, Listing};
use super::rows::Rows;
use super::wire::{Reader, push_position, push_segments};
use deltastore_format::commit::UploadPut;
use deltastore_format::{BucketId, DecodeError, Position, SegmentId, UploadId};

const BY_KEY: u8 = 0;
const BY_ID: u8 = 1;

/// A multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    pub put: UploadPut,
    /// The commit record that holds the put.
    pub record: Position,
    /// Older segments that may still hold a copy of the put.
    pub prior: Vec<SegmentId>,
}

impl UploadRow {
    fn encode(&self) -> Vec<u8> {
        let mut value = Vec::new();
        push_position(&mut value, self.record);
        push_segments(&mut value, &self.prior);
        self.put.encode(&mut value);
        value
    }

    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("upload row", value);
        Ok(UploadRow { record: reader.position()?, prior: reader.segments()?, put: UploadPut::decode(reader.rest())? })
    }
}

fn space(bucket: BucketId) -> Vec<u8> {
    [&[BY_KEY][..], &bucket.0.to_be_bytes()].concat()
}

fn row_key(bucket: BucketId, key: &str, upload: UploadId) -> Vec<u8> {
    let mut out = space(bucket);
    keys::push_name(&mut out, key);
    out.extend_from_slice(&upload.0.to_be_bytes());
    out
}

fn id_key(upload: UploadId) -> Vec<u8> {
    [&[BY_ID][..], &upload.0.to_be_bytes()].concat()
}

impl Index {
    pub fn upload(&self, bucket: BucketId, key: &str, upload: UploadId) -> Result<Option<UploadRow>, IndexError> {
        self.read(Family::Uploads, &row_key(bucket, key, upload), UploadRow::decode)
    }

    pub fn upload_by_id(&self, upload: UploadId) -> Result<Option<UploadRow>, IndexError> {
        match self.engine.get(Family::Uploads, &id_key(upload))? {
            Some(key) => self.read(Family::Uploads, &key, UploadRow::decode),
            None => Ok(None),
        }
    }

    /// A page of uploads: by key, then by upload id.
    pub fn list_uploads(&self, bucket: BucketId, query: &ListQuery) -> Result<ListPage<UploadRow>, IndexError> {
        let listing = Listing {
            family: Family::Uploads,
            space: space(bucket),
            one_a_key: false,
            hidden: |_| Ok(false),
            decode: UploadRow::decode,
            resume: |row| After::Upload(row.put.key.clone(), row.put.upload),
        };
        listing.page(&*self.engine, query)
    }

    /// The ids of all uploads of all buckets, oldest first, from `from` on.
    pub fn upload_ids(&self, from: UploadId) -> Rows<'_, UploadId> {
        self.rows(Family::Uploads, &id_key(from), Some(&[BY_ID + 1]), |key, _| {
            let mut reader = Reader::new("upload id", key);
            reader.u8()?;
            Ok(UploadId(u64::from_be_bytes(reader.array()?)))
        })
    }

    /// Every upload of every bucket: by bucket, key, id.
    pub fn all_uploads(&self) -> Rows<'_, UploadRow> {
        self.rows(Family::Uploads, &[BY_KEY], Some(&[BY_ID]), |_, value| UploadRow::decode(value))
    }

    pub fn stage_upload(&self, batch: &mut Batch, row: &UploadRow) {
        let key = row_key(row.put.bucket, &row.put.key, row.put.upload);
        batch.put(Family::Uploads, id_key(row.put.upload), key.clone());
        batch.put(Family::Uploads, key, row.encode());
    }

    /// Its parts stay: they go one by one, because each gives up its links.
    pub fn stage_remove_upload(&self, batch: &mut Batch, bucket: BucketId, key: &str, upload: UploadId) {
        batch.delete(Family::Uploads, row_key(bucket, key, upload));
        batch.delete(Family::Uploads, id_key(upload));
    }
}
