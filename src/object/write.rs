//! What all operations that change something share: look-ups, the commit's answer as an error, and putting a version.

use deltastore_format::{BucketId, Op, Sequence, UploadId, VersionPut};

use crate::object::condition::WriteConditions;
use crate::object::content::Busy;
use crate::object::error::ObjectError;
use crate::object::identity::format_upload_id;
use crate::store::bugs::Bug;
use crate::store::{CommitError, StoreError, Transaction};
use crate::store::{Index, IndexError, UploadRow, VersionRow};

impl From<IndexError> for ObjectError {
    fn from(error: IndexError) -> Self {
        if error.is_passing() {
            ObjectError::NotNow(error.to_string())
        } else {
            ObjectError::Internal(error.to_string())
        }
    }
}

impl From<CommitError<ObjectError>> for ObjectError {
    fn from(error: CommitError<ObjectError>) -> Self {
        match error {
            CommitError::Refused(error) => error,
            CommitError::Full => ObjectError::StorageFull,
            CommitError::ReadOnly(reason) => ObjectError::ReadOnly(reason),
            CommitError::Index(error) => error.into(),
            CommitError::Closed => ObjectError::ShuttingDown,
        }
    }
}

impl From<Busy> for ObjectError {
    fn from(Busy: Busy) -> Self {
        ObjectError::SlowDown
    }
}

impl From<StoreError> for ObjectError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => ObjectError::StorageFull,
            StoreError::ReadOnly(reason) => ObjectError::ReadOnly(reason),
            passing if passing.is_passing() => ObjectError::NotNow(passing.to_string()),
            other => ObjectError::Internal(other.to_string()),
        }
    }
}

/// That the bucket was not deleted since the request looked it up. Deleting a bucket conflicts with everything in it,
/// so inside a commit the answer holds.
///
/// # Errors
/// `NoSuchBucket`
pub(super) fn check_bucket(index: &Index, bucket: BucketId) -> Result<(), ObjectError> {
    match index.bucket_by_id(bucket)? {
        Some(_) => Ok(()),
        None => Err(ObjectError::NoSuchBucket { bucket: String::new() }),
    }
}

/// The key's current version; none if that is a delete marker.
pub(super) fn current(index: &Index, bucket: BucketId, key: &str) -> Result<Option<VersionRow>, ObjectError> {
    Ok(index.current(bucket, key)?.filter(|row| !row.put.delete_marker))
}

/// The key's `null` version, which may be a delete marker.
pub(super) fn null_version(index: &Index, bucket: BucketId, key: &str) -> Result<Option<VersionRow>, ObjectError> {
    for row in index.versions(bucket, key) {
        let row = row?;
        if row.put.null_version {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// # Errors
/// `NoSuchUpload`
pub(super) fn upload(index: &Index, bucket: BucketId, key: &str, id: UploadId) -> Result<UploadRow, ObjectError> {
    index.upload(bucket, key, id)?.ok_or_else(|| ObjectError::NoSuchUpload { upload_id: format_upload_id(id) })
}

/// Removes a version.
pub(super) fn remove_version(tx: &mut Transaction<'_>, row: &VersionRow) {
    tx.push(row.removal());
}

/// Makes `put` the key's current version if the conditions hold, in place of its `null` version; sets its identity and
/// time.
///
/// # Errors
/// `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey`.
pub(super) fn put_version(
    tx: &mut Transaction<'_>,
    conditions: &WriteConditions,
    mut put: VersionPut,
) -> Result<VersionPut, ObjectError> {
    let index = tx.index();
    check_bucket(index, put.bucket)?;
    if !conditions.is_empty() {
        let current = current(index, put.bucket, &put.key)?;
        conditions.check(&put.key, current.as_ref().map(|row| &row.put))?;
    }
    let replaced = null_version(index, put.bucket, &put.key)?;
    put.version = tx.next_sequence();
    put.null_version = true;
    put.modified_ms = tx.now_ms();
    tx.push(Op::put(put.clone(), Vec::new()));
    if let Some(row) = replaced.filter(|_| !tx.bugs().has(Bug::OverwriteKeepsOldVersion)) {
        remove_version(tx, &row);
    }
    Ok(put)
}

/// The version number of a put that has none yet.
pub(super) const UNNUMBERED: Sequence = Sequence(0);

#[cfg(test)]
pub(super) mod tests {
    use deltastore_format::{Metadata, Recipe, StorageType};

    use super::*;

    /// An empty object.
    pub fn version(key: &str) -> VersionPut {
        VersionPut {
            bucket: BucketId(1),
            key: key.to_owned(),
            version: Sequence(1),
            null_version: true,
            delete_marker: false,
            modified_ms: 0,
            size: 0,
            etag: String::new(),
            metadata: Metadata::default(),
            checksum: None,
            parts: Vec::new(),
            storage_type: StorageType::Reference,
            stored_bytes: 0,
            recipe: Recipe::default(),
            optimized: false,
            upload: None,
        }
    }
}
