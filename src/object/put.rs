//! PutObject.

use deltastore_format::{ChecksumAlgorithm, Metadata, VersionPut};

use crate::object::Objects;
use crate::object::body::{Body, Expect, Promises};
use crate::object::condition::WriteConditions;
use crate::object::content::{Commit, StoredBody, store_body};
use crate::object::digest::Digests;
use crate::object::error::ObjectError;
use crate::object::name::check_key;
use crate::object::{metadata, write};
use crate::store::{Space, Touch, Transaction};

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
    ///
    /// # Errors
    /// `NoSuchBucket`, `KeyTooLong`, `InvalidArgument`, `MetadataTooLarge`, `InvalidTag`; `PreconditionFailed` and
    /// `NoSuchKey` of its conditions; `InvalidDigest`, `EntityTooLarge`, `IncompleteBody`, `BadDigest`,
    /// `ContentSha256Mismatch`, `InvalidRequest` of its body, and the body's own; `StorageFull`, `ReadOnly`.
    pub async fn put_object(&self, input: PutInput) -> Result<VersionPut, ObjectError> {
        let PutInput { bucket, key, body, expect, metadata, conditions } = input;
        check_key(&key)?;
        metadata::check(&metadata)?;
        let promises = Promises::new(expect, ChecksumAlgorithm::Crc64Nvme)?;
        let bucket = self.bucket_id(&bucket)?;
        if !conditions.is_empty() {
            let current = write::current(self.store.index(), bucket, &key)?;
            conditions.check(&key, current.as_ref().map(|row| &row.put))?;
        }
        let body = promises.bound(body);
        let (space, length) = (Space::of(bucket, &key), promises.length());
        let digests = promises.digests();
        let commit = move |stored: StoredBody<Digests>| {
            let StoredBody { content, digest, .. } = stored;
            let found = digest.finish();
            let etag = hex::encode(found.md5);
            let checksum = promises.verify(found)?;
            let put = VersionPut {
                bucket,
                key: key.clone(),
                version: write::UNNUMBERED,
                null_version: true,
                delete_marker: false,
                modified_ms: 0,
                size: content.size(),
                etag,
                metadata,
                checksum: Some(checksum.stored(false)),
                parts: Vec::new(),
                storage_type: content.storage_type(),
                stored_bytes: content.stored_bytes(),
                optimized: false,
                upload: None,
                recipe: content.recipe().clone(),
            };
            let evaluate = Box::new(move |tx: &mut Transaction<'_>| write::put_version(tx, &conditions, put));
            Ok(Commit { touches: vec![Touch::Key(bucket, key)], content, evaluate })
        };
        store_body((&self.store, &self.budget, &self.md5s), space, length, body, digests, commit).await
    }
}
