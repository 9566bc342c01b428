//! DeleteObject and DeleteObjects.

use std::collections::HashSet;

use deltastore_format::{BucketId, Sequence};

use crate::object::condition::{EtagPattern, WriteConditions};
use crate::object::content::commit;
use crate::object::error::ObjectError;
use crate::object::identity::VersionId;
use crate::object::name::check_key;
use crate::object::{MAX_PAGE, Objects, write};
use crate::store::{Index, VersionRow};
use crate::store::{Touch, Transaction};

/// A DeleteObject.
#[derive(Clone, Debug, Default)]
pub struct DeleteInput {
    pub bucket: String,
    pub key: DeleteKey,
}

/// One key to delete.
#[derive(Clone, Debug, Default)]
pub struct DeleteKey {
    pub key: String,
    pub version_id: Option<String>,
    /// Deletes only if the current version has such an ETag.
    pub if_match: Option<EtagPattern>,
}

type Outcomes = Vec<Result<(), ObjectError>>;

impl Objects {
    /// Deletes a key; one that does not exist is no error unless there is a condition.
    ///
    /// # Errors
    /// `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey` for a condition on a key that does not exist.
    pub async fn delete_object(&self, input: DeleteInput) -> Result<(), ObjectError> {
        let outcomes = self.delete_objects(&input.bucket, vec![input.key]).await?;
        outcomes.into_iter().collect()
    }

    /// Deletes up to 1,000 keys in one commit; the answers are in the order of `keys`.
    ///
    /// # Errors
    /// `NoSuchBucket`; `MalformedXml` for no keys or too many; those of [`Objects::delete_object`] by key.
    pub async fn delete_objects(&self, bucket: &str, keys: Vec<DeleteKey>) -> Result<Outcomes, ObjectError> {
        if keys.is_empty() || keys.len() > MAX_PAGE {
            return Err(ObjectError::MalformedXml(format!(
                "{} keys to delete, 1 to {MAX_PAGE} are allowed",
                keys.len()
            )));
        }
        let bucket = self.bucket_id(bucket)?;
        let touches = keys.iter().map(|key| Touch::Key(bucket, key.key.clone())).collect();
        Ok(commit(&self.store, touches, Vec::new(), move |tx| delete_all(tx, bucket, &keys)).await?)
    }
}

fn delete_all(tx: &mut Transaction<'_>, bucket: BucketId, keys: &[DeleteKey]) -> Result<Outcomes, ObjectError> {
    write::check_bucket(tx.index(), bucket)?;
    // The index does not show what this commit removes: a key that stands twice must not be removed twice.
    let mut removed: HashSet<Sequence> = HashSet::new();
    let mut delete = |key| {
        if let Some(row) = find(tx.index(), bucket, key)?
            && removed.insert(row.put.version)
        {
            write::remove_version(tx, &row);
        }
        Ok(())
    };
    Ok(keys.iter().map(&mut delete).collect())
}

/// The version to remove, if there is one.
fn find(index: &Index, bucket: BucketId, key: &DeleteKey) -> Result<Option<VersionRow>, ObjectError> {
    check_key(&key.key)?;
    if key.if_match.is_some() {
        let conditions = WriteConditions { if_match: key.if_match.clone(), if_none_match: None };
        let current = write::current(index, bucket, &key.key)?;
        conditions.check(&key.key, current.as_ref().map(|row| &row.put))?;
    }
    match key.version_id.as_deref().map(VersionId::parse).transpose()? {
        None | Some(VersionId::Null) => write::null_version(index, bucket, &key.key),
        Some(VersionId::Sequence(sequence)) => {
            Ok(index.version(bucket, &key.key, sequence)?.filter(|row| !row.put.null_version))
        }
    }
}
