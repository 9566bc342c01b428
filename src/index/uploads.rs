//! Multipart uploads in progress: `0 ‖ bucket ‖ key ‖ upload` to the row, `1 ‖ upload` to the row's key.

use super::Index;
use super::error::IndexError;
use super::family::Family;
use super::keys;
use super::listing::{After, ListPage, ListQuery, Listing};
use super::rows::Rows;
use super::table::{Find, Row, Table};
use super::wire::Reader;
use deltastore_format::{BucketId, Durable, Op, PartPut, UploadId, UploadPut};

const BY_KEY: u8 = 0;
const BY_ID: u8 = 1;

/// A multipart upload in progress.
pub type UploadRow = Row<UploadPut>;

impl Table for UploadPut {
    const FAMILY: Family = Family::Uploads;
    const PREFIX: &'static [u8] = &[BY_KEY];

    fn key(&self) -> Vec<u8> {
        row_key(self.bucket, &self.key, self.upload)
    }

    fn find(id: &UploadId) -> Find {
        Find::Entry(id_key(*id))
    }

    fn contents(index: &Index, id: &UploadId) -> Result<Vec<Op>, IndexError> {
        index.parts(*id).map(|row| Ok(Op::remove::<PartPut>(row?.put.id(), Vec::new()))).collect()
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
        self.row_at(&row_key(bucket, key, upload))
    }

    pub fn upload_by_id(&self, upload: UploadId) -> Result<Option<UploadRow>, IndexError> {
        self.row(&upload)
    }

    /// A page of uploads: by key, then by upload id.
    pub fn list_uploads(&self, bucket: BucketId, query: &ListQuery) -> Result<ListPage<UploadRow>, IndexError> {
        let listing = Listing {
            family: Family::Uploads,
            space: space(bucket),
            one_a_key: false,
            hidden: |_| Ok(false),
            decode: Row::decode,
            resume: |row: &UploadRow| After::Upload(row.put.key.clone(), row.put.upload),
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
        self.all_rows()
    }
}
