//! DeleteObject and DeleteObjects.

use crate::object::Objects;
use crate::object::condition::EtagPattern;
use crate::object::error::ObjectError;

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

impl Objects {
    /// Deletes a key; one that does not exist is no error unless there is a condition.
    ///
    /// # Errors
    /// `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey` for a condition on a key that does not exist.
    pub async fn delete_object(&self, _input: DeleteInput) -> Result<(), ObjectError> {
        unimplemented!()
    }

    /// Deletes up to 1,000 keys; the answers are in the order of `keys`.
    ///
    /// # Errors
    /// `NoSuchBucket`; `MalformedXml` for no keys or too many.
    pub async fn delete_objects(
        &self,
        _bucket: &str,
        _keys: Vec<DeleteKey>,
    ) -> Result<Vec<Result<(), ObjectError>>, ObjectError> {
        unimplemented!()
    }
}
