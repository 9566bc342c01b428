//! Buckets in memory: nearly every request names one, and its row is read and decoded only after some bucket changed.
//!
//! Invariant: once a change of a bucket is acknowledged, nobody gets the bucket as it was before. The index counts the
//! batches that change buckets, after each is visible and before it is acknowledged. What is kept here counts only as
//! long as that number is the one of before its row was read.

use std::collections::HashMap;
use std::sync::Arc;

use deltastore_format::{BucketId, BucketPut};
use parking_lot::RwLock;

use super::settings::BucketSettings;
use crate::store::{Index, IndexError};

/// Buckets that are kept; more push out all others.
const MAX_KNOWN: usize = 10_000;

/// A bucket, as it was at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub id: BucketId,
    pub name: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    pub settings: BucketSettings,
}

impl From<BucketPut> for Bucket {
    fn from(put: BucketPut) -> Self {
        let settings = BucketSettings::of(&put.settings);
        Bucket { id: put.bucket, name: put.name, created_ms: put.created_ms, settings }
    }
}

/// See the module; clones share it.
#[derive(Clone, Default)]
pub struct Buckets(Arc<RwLock<HashMap<String, Known>>>);

struct Known {
    /// The index's number before the row was read.
    changes: u64,
    bucket: Arc<Bucket>,
}

impl Buckets {
    /// The bucket of a name, if there is one.
    pub fn find(&self, index: &Index, name: &str) -> Result<Option<Arc<Bucket>>, IndexError> {
        // Before the row is read: else a change in between would go unseen.
        let changes = index.bucket_changes();
        if let Some(known) = self.0.read().get(name).filter(|known| known.changes == changes) {
            return Ok(Some(Arc::clone(&known.bucket)));
        }
        let Some(row) = index.bucket(name)? else {
            self.0.write().remove(name);
            return Ok(None);
        };
        let bucket = Arc::new(Bucket::from(row.put));
        let mut known = self.0.write();
        if known.len() >= MAX_KNOWN && !known.contains_key(name) {
            known.clear();
        }
        known.insert(name.to_owned(), Known { changes, bucket: Arc::clone(&bucket) });
        Ok(Some(bucket))
    }
}
