//! S3 semantics without HTTP: buckets, objects, conditions, checksums, listings and multipart uploads.
//!
//! [`Objects`] is a handle to clone. Its methods take plain values and give [`ObjectError`]s that map one to one to S3
//! error codes; who may call what is decided above.
//!
//! Invariants:
//! - Whatever a request promises about its body (length, MD5, checksum) is verified before the commit; a body
//!   that fails leaves nothing behind.
//! - Conditions on what is stored are decided inside the commit, so between two writers exactly one wins. They are also
//!   tried before a body is read, only to fail early.
//! - Copies and multipart completes write recipes, never data.
//!
//! Failure cases: a full disk refuses what adds bytes and lets deletes pass; after a failed sync every write is
//! refused.

mod attributes;
mod body;
mod bucket;
pub mod checksum;
mod complete;
pub mod condition;
pub mod content;
mod copy;
mod delete;
mod digest;
mod error;
mod expire;
mod get;
mod identity;
mod inspect;
mod list;
mod metadata;
mod name;
mod part;
mod put;
mod range;
mod token;
mod truncated_uploads;
mod upload;
mod write;

use deltastore_format::BucketId;

use bucket::Buckets;
use content::{Budget, Md5Queue};
use truncated_uploads::TruncatedUploads;

use crate::store::Store;

pub use attributes::{AttributesInput, AttributesOutput};
pub use body::{Body, Expect, ExpectChecksum};
pub use bucket::{Bucket, BucketSettings, policy_of};
pub use checksum::ChecksumValue;
pub use complete::{CompleteInput, CompletedPart};
pub use condition::{EtagPattern, RangeCondition, ReadConditions, WriteConditions};
pub use copy::{CopyInput, CopySource, MetadataDirective, TaggingDirective};
pub use delete::{DeleteInput, DeleteKey};
pub use digest::ChecksumDigest;
pub use error::ObjectError;
pub use expire::{ExpiryLooks, UploadExpiry};
pub use get::{GetInput, GetOutput, HeadOutput};
pub use identity::{VersionId, format_upload_id, parse_upload_id};
pub use inspect::{Inspected, storage_type_name};
pub use list::{ListInput, ListOutput};
pub use metadata::{MAX_TAGS, MAX_USER_METADATA, STORAGE_CLASS, WEBSITE_REDIRECT, parse_tags};
pub use name::{MAX_KEY_LEN, check_bucket_name, check_key};
pub use part::{ListPartsInput, ListPartsOutput, UploadPartCopyInput, UploadPartInput, UploadedPart};
pub use put::PutInput;
pub use range::ByteRange;
pub use upload::{CreateUploadInput, ListUploadsInput, ListUploadsOutput};

/// Largest object, in bytes.
pub const MAX_OBJECT_SIZE: u64 = 5 << 40;
/// Largest body of one PUT or part, in bytes.
pub const MAX_BODY_SIZE: u64 = 5 << 30;
/// Smallest part, unless it is the last, in bytes.
pub const MIN_PART_SIZE: u64 = 5 << 20;
/// Highest part number.
pub const MAX_PARTS: u16 = 10_000;
/// Most entries of one page of any listing, and most keys of one DeleteObjects.
pub const MAX_PAGE: usize = 1000;

/// The S3 operations over one store.
#[derive(Clone)]
pub struct Objects {
    store: Store,
    budget: Budget,
    md5s: Md5Queue,
    truncated: TruncatedUploads,
    min_part: u64,
    buckets: Buckets,
}

impl Objects {
    /// Clones share one memory budget; two made from one store would each have their own.
    pub fn new(store: Store) -> Self {
        Objects {
            budget: Budget::new(&store),
            md5s: Md5Queue::default(),
            store,
            truncated: TruncatedUploads::default(),
            min_part: MIN_PART_SIZE,
            buckets: Buckets::default(),
        }
    }

    /// The same, but a part that is not the last need only have so many bytes.
    #[must_use]
    pub fn with_min_part(self, bytes: u64) -> Self {
        Objects { min_part: bytes, ..self }
    }

    /// The store below, for health, statistics and administration.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Do uploads wait for memory that none of those who have it gives back?
    pub fn uploads_are_stuck(&self) -> bool {
        self.budget.uploads_are_stuck()
    }

    /// Is little memory left for answers?
    pub fn reads_are_tight(&self) -> bool {
        self.budget.reads_are_tight()
    }

    /// The bucket's identity now; it may be gone when a commit runs, which checks again.
    fn bucket_id(&self, name: &str) -> Result<BucketId, ObjectError> {
        Ok(self.bucket(name)?.id)
    }

    /// Runs what reads more than a few rows apart from the network threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Objects) -> Result<T, ObjectError> + Send + 'static,
    ) -> Result<T, ObjectError> {
        let objects = self.clone();
        content::run_read(&self.store, move |_| work(&objects)).await?
    }
}
