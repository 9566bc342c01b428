//! Buckets: create, look up, list, delete, and their settings.

mod optimize;
mod registry;
mod setting;
mod settings;

use std::sync::Arc;

use deltastore_format::{BucketId, BucketPut, Op, SegmentId, UploadPut};

use optimize::Optimize;
use setting::Setting;

use crate::object::Objects;
use crate::object::content::commit;
use crate::object::error::ObjectError;
use crate::object::name::check_bucket_name;
use crate::store::{Index, ListEntry, ListQuery, Policy, UploadRow};
use crate::store::{Touch, Transaction};

pub use registry::{Bucket, Buckets};
pub use settings::BucketSettings;

/// Most uploads that one commit aborts.
const UPLOADS_PER_COMMIT: usize = 100;

impl Objects {
    /// # Errors
    /// `InvalidBucketName`, `BucketAlreadyOwnedByYou`.
    pub async fn create_bucket(&self, name: &str) -> Result<BucketPut, ObjectError> {
        check_bucket_name(name)?;
        let touches = vec![Touch::BucketName(name.to_owned())];
        let name = name.to_owned();
        let put = commit(&self.store, touches, Vec::new(), move |tx| {
            if tx.index().bucket(&name)?.is_some() {
                return Err(ObjectError::BucketAlreadyOwnedByYou { bucket: name });
            }
            let bucket = BucketId(tx.next_sequence().0);
            let put = BucketPut { bucket, name, created_ms: tx.now_ms(), settings: Vec::new() };
            tx.push(Op::put(put.clone(), Vec::new()));
            Ok(put)
        });
        Ok(put.await?)
    }

    /// # Errors
    /// `NoSuchBucket`
    pub fn bucket(&self, name: &str) -> Result<Arc<Bucket>, ObjectError> {
        let found = self.buckets.find(self.store.index(), name)?;
        found.ok_or_else(|| ObjectError::NoSuchBucket { bucket: name.to_owned() })
    }

    /// Says what the optimizer is to do with a bucket.
    ///
    /// # Errors
    /// `NoSuchBucket`
    pub async fn set_optimize_policy(&self, name: &str, policy: Policy) -> Result<(), ObjectError> {
        self.set_setting::<Optimize>(name, policy).await
    }

    /// Says what a setting of a bucket is.
    ///
    /// # Errors
    /// `NoSuchBucket`
    async fn set_setting<S: Setting>(&self, name: &str, value: S::Value) -> Result<(), ObjectError>
    where
        S::Value: Send + 'static,
    {
        let bucket = self.bucket_id(name)?;
        let touches = vec![Touch::BucketName(name.to_owned()), Touch::Bucket(bucket)];
        let name = name.to_owned();
        let set = commit(&self.store, touches, Vec::new(), move |tx| {
            let Some(row) = tx.index().bucket_by_id(bucket)? else {
                return Err(ObjectError::NoSuchBucket { bucket: name });
            };
            let holders = row.holders();
            let mut put = row.put;
            setting::set::<S>(&mut put.settings, &value);
            tx.push(Op::put(put, holders));
            Ok(())
        });
        Ok(set.await?)
    }

    /// All buckets by name.
    pub async fn list_buckets(&self) -> Result<Vec<BucketPut>, ObjectError> {
        self.blocking(|objects| objects.store.index().buckets().map(|row| Ok(row?.put)).collect()).await
    }

    /// Removes an empty bucket and its uploads in progress.
    ///
    /// # Errors
    /// `NoSuchBucket`, `BucketNotEmpty`.
    pub async fn delete_bucket(&self, name: &str) -> Result<(), ObjectError> {
        let bucket = self.bucket_id(name)?;
        loop {
            let touches = vec![Touch::BucketName(name.to_owned()), Touch::Bucket(bucket)];
            let name = name.to_owned();
            let removed = commit(&self.store, touches, Vec::new(), move |tx| remove(tx, bucket, name));
            if removed.await? {
                return Ok(());
            }
        }
    }
}

/// What the optimizer does with a bucket, for [`crate::store::Settings::policy_of`].
pub fn policy_of(put: &BucketPut) -> Policy {
    BucketSettings::of(&put.settings).optimize
}

/// Removes a bucket, or, where that would be too much at once, only some of its uploads: then false.
fn remove(tx: &mut Transaction<'_>, bucket: BucketId, name: String) -> Result<bool, ObjectError> {
    let index = tx.index();
    let Some(row) = index.bucket_by_id(bucket)? else { return Err(ObjectError::NoSuchBucket { bucket: name }) };
    if !index.bucket_is_empty(bucket)? {
        return Err(ObjectError::BucketNotEmpty { bucket: name });
    }
    let query = ListQuery { max: UPLOADS_PER_COMMIT, ..ListQuery::default() };
    let page = index.list_uploads(bucket, &query)?;
    for entry in &page.entries {
        if let ListEntry::Object(upload) = entry {
            remove_upload(tx, upload)?;
        }
    }
    if !page.truncated {
        tx.push(row.removal());
    }
    Ok(!page.truncated)
}

/// Ends an upload and its parts.
pub(super) fn remove_upload(tx: &mut Transaction<'_>, row: &UploadRow) -> Result<(), ObjectError> {
    let segments = upload_segments(tx.index(), row)?;
    tx.push(Op::remove::<UploadPut>(row.put.upload, segments));
    Ok(())
}

/// Segments that may hold an upload or one of its parts, since its removal stands for theirs.
fn upload_segments(index: &Index, row: &UploadRow) -> Result<Vec<SegmentId>, ObjectError> {
    let mut all = row.holders();
    for part in index.parts(row.put.upload) {
        let part = part?;
        all.extend(part.holders());
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}
