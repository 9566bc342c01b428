//! Buckets: create, look up, list, delete.

use deltastore_format::BucketPut;

use crate::object::Objects;
use crate::object::error::ObjectError;

impl Objects {
    /// # Errors
    /// `InvalidBucketName`, `BucketAlreadyOwnedByYou`.
    pub async fn create_bucket(&self, _name: &str) -> Result<BucketPut, ObjectError> {
        unimplemented!()
    }

    /// # Errors
    /// `NoSuchBucket`
    pub fn head_bucket(&self, _name: &str) -> Result<BucketPut, ObjectError> {
        unimplemented!()
    }

    /// All buckets by name.
    pub fn list_buckets(&self) -> Result<Vec<BucketPut>, ObjectError> {
        unimplemented!()
    }

    /// Removes an empty bucket and its uploads in progress.
    ///
    /// # Errors
    /// `NoSuchBucket`, `BucketNotEmpty`.
    pub async fn delete_bucket(&self, _name: &str) -> Result<(), ObjectError> {
        unimplemented!()
    }
}
