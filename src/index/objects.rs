//! Object versions: `bucket ‖ key ‖ !version`, so that a key's versions lie newest first.

use super::Index;
use super::error::IndexError;
use super::family::Family;
use super::keys;
use super::listing::{After, ListPage, ListQuery, Listing};
use super::rows::Rows;
use super::table::{Find, Row, Table};
use super::wire::Reader;
use deltastore_format::{BucketId, DecodeError, Sequence, VersionId, VersionPut};

const WHAT: &str = "version row";
/// First byte of a value: listings pass over delete markers without decoding them.
const OBJECT: u8 = 0;
const DELETE_MARKER: u8 = 1;

/// An object version or delete marker.
pub type VersionRow = Row<VersionPut>;

impl Table for VersionPut {
    const FAMILY: Family = Family::Objects;
    const HEAD: usize = 1;

    fn key(&self) -> Vec<u8> {
        version_key(self.bucket, &self.key, self.version)
    }

    fn find(id: &VersionId) -> Find {
        Find::Row(version_key(id.bucket, &id.key, id.version))
    }

    fn head(&self) -> &'static [u8] {
        if self.delete_marker { &[DELETE_MARKER] } else { &[OBJECT] }
    }
}

fn is_marker(value: &[u8]) -> Result<bool, DecodeError> {
    let mut reader = Reader::new(WHAT, value);
    match reader.u8()? {
        OBJECT => Ok(false),
        DELETE_MARKER => Ok(true),
        other => Err(reader.unknown(other)),
    }
}

/// What all versions of a key begin with.
fn key_prefix(bucket: BucketId, key: &str) -> Vec<u8> {
    let mut out = bucket.0.to_be_bytes().to_vec();
    keys::push_name(&mut out, key);
    out
}

fn version_key(bucket: BucketId, key: &str, version: Sequence) -> Vec<u8> {
    let mut out = key_prefix(bucket, key);
    out.extend_from_slice(&(!version.0).to_be_bytes());
    out
}

impl Index {
    /// The newest version of a key; may be a delete marker.
    pub fn current(&self, bucket: BucketId, key: &str) -> Result<Option<VersionRow>, IndexError> {
        self.versions(bucket, key).next().transpose()
    }

    pub fn version(&self, bucket: BucketId, key: &str, version: Sequence) -> Result<Option<VersionRow>, IndexError> {
        self.row_at(&version_key(bucket, key, version))
    }

    /// All versions of a key, newest first.
    pub fn versions(&self, bucket: BucketId, key: &str) -> Rows<'_, VersionRow> {
        let scan = self.engine.scan_versions(&key_prefix(bucket, key));
        Rows::new(Family::Objects, scan, |_, value| Row::decode(value))
    }

    /// True when the bucket has no version and no delete marker.
    pub fn bucket_is_empty(&self, bucket: BucketId) -> Result<bool, IndexError> {
        let prefix = bucket.0.to_be_bytes();
        let first = self.engine.scan(Family::Objects, &prefix, keys::above(&prefix).as_deref()).next();
        Ok(first.transpose()?.is_none())
    }

    /// A page of the newest versions, delete markers hidden, in the byte order of their keys.
    pub fn list_current(&self, bucket: BucketId, query: &ListQuery) -> Result<ListPage<VersionRow>, IndexError> {
        self.list_objects(bucket, query, true)
    }

    /// A page of all versions and delete markers: by key, then newest first.
    pub fn list_versions(&self, bucket: BucketId, query: &ListQuery) -> Result<ListPage<VersionRow>, IndexError> {
        self.list_objects(bucket, query, false)
    }

    fn list_objects(
        &self,
        bucket: BucketId,
        query: &ListQuery,
        current: bool,
    ) -> Result<ListPage<VersionRow>, IndexError> {
        let listing = Listing {
            family: Family::Objects,
            space: bucket.0.to_be_bytes().to_vec(),
            one_a_key: current,
            hidden: if current { is_marker } else { |_| Ok(false) },
            decode: Row::decode,
            resume: if current {
                |row: &VersionRow| After::Key(row.put.key.clone())
            } else {
                |row| After::Version(row.put.key.clone(), row.put.version)
            },
        };
        listing.page(&*self.engine, query)
    }

    /// Every row of every bucket: by bucket, key, newest first.
    pub fn all_versions(&self) -> Rows<'_, VersionRow> {
        self.all_rows()
    }

    /// Every row of a bucket: by key, newest first.
    pub fn bucket_versions(&self, bucket: BucketId) -> Rows<'_, VersionRow> {
        self.rows_under(&bucket.0.to_be_bytes())
    }

    /// Rows of a bucket that come after a version in that order.
    pub fn bucket_versions_after(&self, bucket: BucketId, key: &str, version: Sequence) -> Rows<'_, VersionRow> {
        let mut from = version_key(bucket, key, version);
        from.push(0);
        let end = keys::above(&bucket.0.to_be_bytes());
        self.rows(Family::Objects, &from, end.as_deref(), |_, value| Row::decode(value))
    }
}
