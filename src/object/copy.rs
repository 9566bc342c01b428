//! CopyObject.
//!
//! A copy shows its source as it is at the moment of the commit: the commit checks that the source version is still
//! there, else the copy starts over. So a touch (a copy onto itself) never brings back what another writer just
//! replaced.

use std::ops::Range;

use deltastore_format::{Checksum, ChecksumAlgorithm, Metadata, VersionPut};
use futures::StreamExt;

use crate::object::condition::{ReadConditions, WriteConditions};
use crate::object::content::{Digest as _, commit, concat, run};
use crate::object::digest::{Digests, Found};
use crate::object::error::ObjectError;
use crate::object::name::check_key;
use crate::object::{Objects, metadata, write};
use crate::store::{Touch, Worker};

/// How often a copy starts over when its source changes.
const ATTEMPTS: usize = 8;

/// What is copied.
#[derive(Clone, Debug, Default)]
pub struct CopySource {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    /// `x-amz-copy-source-if-*`
    pub conditions: ReadConditions,
}

/// Where the copy's headers and user metadata come from.
#[derive(Clone, Debug)]
pub enum MetadataDirective {
    Copy,
    /// `headers` and `user` replace the source's; `tags` is ignored.
    Replace(Metadata),
}

/// Where the copy's tags come from.
#[derive(Clone, Debug)]
pub enum TaggingDirective {
    Copy,
    Replace(Vec<(String, String)>),
}

/// A CopyObject.
pub struct CopyInput {
    pub source: CopySource,
    pub bucket: String,
    pub key: String,
    pub metadata: MetadataDirective,
    pub tagging: TaggingDirective,
    /// Replaces the source's even when its metadata is copied.
    pub storage_class: Option<String>,
    /// Never copied from the source.
    pub website_redirect: Option<String>,
    /// Checksum to keep with the copy; another algorithm than the source's is computed by reading it.
    pub checksum: Option<ChecksumAlgorithm>,
    pub conditions: WriteConditions,
}

impl Objects {
    /// Copies by recipe, moving no data. The copy keeps the source's ETag, checksum and parts.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; `PreconditionFailed` of the source or the destination;
    /// `InvalidRequest` for a copy onto itself that changes nothing; `MetadataTooLarge`, `InvalidTag`,
    /// `OperationAborted`, `StorageFull`, `ReadOnly`.
    pub async fn copy_object(&self, input: CopyInput) -> Result<VersionPut, ObjectError> {
        check_key(&input.key)?;
        let bucket = self.bucket_id(&input.bucket)?;
        for _ in 0..ATTEMPTS {
            let source = self.find_source(&input.source)?;
            let onto_itself = source.bucket == bucket && source.key == input.key;
            if onto_itself && input.source.version_id.is_none() && !changes_something(&input) {
                return Err(ObjectError::InvalidRequest(
                    "this copy request is illegal because it is trying to copy an object to itself without changing the \
                     object's metadata, storage class, website redirect location or encryption attributes"
                        .into(),
                ));
            }
            let metadata = copied_metadata(&input, &source);
            metadata::check(&metadata)?;
            let checksum = self.copied_checksum(&input, &source).await?;
            let (key, upload) = (input.key.clone(), None);
            let put = VersionPut { bucket, key, metadata, checksum, upload, ..source.clone() };
            let rewritten = self.store.is_to_be_rewritten(source.version);
            if let Some(put) = self.commit_copy(source, onto_itself, put, input.conditions.clone()).await? {
                if rewritten {
                    self.store.rewrite_soon(&put);
                }
                return Ok(put);
            }
        }
        Err(ObjectError::OperationAborted)
    }

    /// The version that a copy reads.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `PreconditionFailed`; `InvalidRequest` for a delete marker.
    pub(super) fn find_source(&self, source: &CopySource) -> Result<VersionPut, ObjectError> {
        let row = self.find_version(&source.bucket, &source.key, source.version_id.as_deref());
        let row = row.map_err(|error| match error {
            ObjectError::MethodNotAllowed => {
                ObjectError::InvalidRequest("the source of a copy request may not be a delete marker".into())
            }
            other => other,
        })?;
        source.conditions.check_source(&row.put)?;
        Ok(row.put)
    }

    /// None if the source is gone or was stored anew meanwhile.
    async fn commit_copy(
        &self,
        source: VersionPut,
        onto_itself: bool,
        mut put: VersionPut,
        conditions: WriteConditions,
    ) -> Result<Option<VersionPut>, ObjectError> {
        let content = match concat(&self.store, vec![(source.recipe.clone(), 0..source.size)]).await {
            Ok(content) => content,
            Err(_) if self.is_changed(&source)? => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        put.recipe = content.recipe().clone();
        // What a touched object added to the segments stays its own.
        put.stored_bytes = content.stored_bytes() + if onto_itself { source.stored_bytes } else { 0 };
        let mut touches = vec![Touch::Key(put.bucket, put.key.clone())];
        if !onto_itself {
            touches.push(Touch::Key(source.bucket, source.key.clone()));
        }
        let committed = commit(&self.store, touches, vec![content], move |tx| {
            if tx.index().version(source.bucket, &source.key, source.version)?.is_none() {
                return Ok(None);
            }
            write::put_version(tx, &conditions, put).map(Some)
        });
        Ok(committed.await?)
    }

    async fn copied_checksum(&self, input: &CopyInput, source: &VersionPut) -> Result<Option<Checksum>, ObjectError> {
        match (input.checksum, &source.checksum) {
            (None, known) => Ok(known.clone()),
            (Some(wanted), Some(known)) if known.algorithm == wanted => Ok(Some(known.clone())),
            (Some(wanted), _) => {
                let digests = Digests::new(wanted);
                let found = self.read_digests(source, 0..source.size, digests).await?;
                Ok(Some(found.checksum.stored(false)))
            }
        }
    }

    /// Digests of stored bytes, by reading them.
    ///
    /// # Errors
    /// `OperationAborted` when the version is gone.
    pub(super) async fn read_digests(
        &self,
        source: &VersionPut,
        range: Range<u64>,
        mut digests: Digests,
    ) -> Result<Found, ObjectError> {
        let mut body = self.open_body(source, range)?.ok_or(ObjectError::OperationAborted)?;
        while let Some(bytes) = body.next().await {
            let bytes = bytes?;
            let update = move |_: &mut Worker| {
                digests.update(&bytes);
                digests
            };
            digests = run(&self.store, update).await?;
        }
        Ok(digests.finish())
    }
}

fn changes_something(input: &CopyInput) -> bool {
    matches!(input.metadata, MetadataDirective::Replace(_))
        || input.storage_class.is_some()
        || input.website_redirect.is_some()
}

fn copied_metadata(input: &CopyInput, source: &VersionPut) -> Metadata {
    let mut metadata = match &input.metadata {
        MetadataDirective::Copy => source.metadata.clone(),
        MetadataDirective::Replace(replaced) => replaced.clone(),
    };
    metadata.tags = match &input.tagging {
        TaggingDirective::Copy => source.metadata.tags.clone(),
        TaggingDirective::Replace(tags) => tags.clone(),
    };
    // A request that names no storage class asks for the standard one.
    metadata::set_header(&mut metadata, metadata::STORAGE_CLASS, input.storage_class.clone());
    metadata::set_header(&mut metadata, metadata::WEBSITE_REDIRECT, input.website_redirect.clone());
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::write::tests::version;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn input(metadata: MetadataDirective, tagging: TaggingDirective) -> CopyInput {
        CopyInput {
            source: CopySource::default(),
            bucket: "b".into(),
            key: "k".into(),
            metadata,
            tagging,
            storage_class: None,
            website_redirect: None,
            checksum: None,
            conditions: WriteConditions::default(),
        }
    }

    #[test]
    fn directives() {
        let mut source = version("k");
        source.metadata = Metadata {
            headers: pairs(&[("content-type", "a"), (metadata::STORAGE_CLASS, "X"), (metadata::WEBSITE_REDIRECT, "/")]),
            user: pairs(&[("u", "1")]),
            tags: pairs(&[("t", "1")]),
        };
        let copied = copied_metadata(&input(MetadataDirective::Copy, TaggingDirective::Copy), &source);
        assert_eq!(copied.headers, pairs(&[("content-type", "a")]));
        assert_eq!((copied.user, copied.tags), (pairs(&[("u", "1")]), pairs(&[("t", "1")])));

        let new = Metadata { headers: pairs(&[("expires", "b")]), ..Metadata::default() };
        let mut replace = input(MetadataDirective::Replace(new), TaggingDirective::Replace(pairs(&[("t", "2")])));
        assert!(changes_something(&replace));
        replace.storage_class = Some("GLACIER".into());
        let replaced = copied_metadata(&replace, &source);
        assert_eq!(replaced.headers, pairs(&[("expires", "b"), (metadata::STORAGE_CLASS, "GLACIER")]));
        assert_eq!((replaced.user, replaced.tags), (vec![], pairs(&[("t", "2")])));
        assert!(!changes_something(&input(MetadataDirective::Copy, TaggingDirective::Replace(vec![]))));
    }
}
