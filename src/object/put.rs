//! PutObject.

use deltastore_format::{Metadata, VersionPut};

use crate::object::Objects;
use crate::object::body::{Body, Expect};
use crate::object::condition::WriteConditions;
use crate::object::error::ObjectError;

/// A PutObject.
pub struct PutInput {
    pub bucket: String,
    pub key: String,
    pub body: Body,
    pub expect: Expect,
    pub metadata: Metadata,
    pub conditions: WriteConditions,
}

impl Objects {
    /// Stores an object; once this returns it is durable and visible.
    pub async fn put_object(&self, _input: PutInput) -> Result<VersionPut, ObjectError> {
        unimplemented!()
    }
}
