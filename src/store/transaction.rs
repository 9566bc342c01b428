//! Transactions: closures that see the exact state and push operations, run at the log's quiescent points.

use std::collections::HashSet;

use deltastore_format::store::{BASE_VERSION, UPDATES_SINCE};
use deltastore_format::{BucketId, Durable, Op, Sequence, UploadId, VersionPut};

use super::bugs::Bugs;
use crate::index::{Index, IndexError, VersionRow};
use crate::invariants::invariant;

/// What a transaction reads and changes; two that share something never run in the same batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Touch {
    /// A bucket's name: creation and deletion.
    BucketName(String),
    /// Everything in a bucket.
    Bucket(BucketId),
    /// All versions of one key.
    Key(BucketId, String),
    /// A multipart upload and its parts, in a bucket.
    Upload(BucketId, UploadId),
    /// One part of an upload.
    Part(BucketId, UploadId, u16),
    /// A document, by scope and name.
    Document(String, String),
}

/// The view and the collected operations of one running transaction.
pub struct Transaction<'a> {
    index: &'a Index,
    sequence: &'a mut u64,
    now_ms: u64,
    bugs: Bugs,
    pub(super) ops: Vec<Op>,
    /// What is put are copies of what is there.
    pub(super) relocates: bool,
    /// The format version that the operations need.
    pub(super) format: u32,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(index: &'a Index, sequence: &'a mut u64, now_ms: u64, bugs: Bugs) -> Self {
        Self { index, sequence, now_ms, bugs, ops: Vec::new(), relocates: false, format: BASE_VERSION }
    }

    /// The state with every earlier transaction in it and no other.
    pub fn index(&self) -> &'a Index {
        self.index
    }

    /// A number that nothing else in the store has or will have.
    pub fn next_sequence(&mut self) -> Sequence {
        let next = *self.sequence;
        *self.sequence += 1;
        Sequence(next)
    }

    /// Time of the commit, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The planted bug, if any.
    pub fn bugs(&self) -> Bugs {
        self.bugs
    }

    /// Makes the commit one put of a version that exists, in another form.
    pub(super) fn replace(&mut self, put: Op) {
        self.ops = vec![put];
        self.relocates = true;
    }

    /// Puts another state of a version that is there, with other tags for example. It yields the same bytes.
    pub fn update_version(&mut self, row: &VersionRow, put: VersionPut) {
        invariant!(row.put.id() == put.id(), "an update of {:?} puts {:?}", row.put.id(), put.id());
        self.format = self.format.max(UPDATES_SINCE);
        self.push(Op::put(put, row.holders()));
    }

    /// Adds an operation to the commit.
    pub fn push(&mut self, op: Op) {
        self.format = self.format.max(op.since());
        self.ops.push(op);
    }
}

/// Why a transaction did not commit. In every case nothing of it is visible.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<E> {
    /// The closure's own error.
    #[error("refused")]
    Refused(E),
    #[error("disk is full")]
    Full,
    #[error("store is read-only: {0}")]
    ReadOnly(String),
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The store closed before the answer; whether it was committed is unknown to this caller.
    #[error("store is closing")]
    Closed,
}

/// Touches of the batch that is being built.
#[derive(Default)]
pub(super) struct TouchSet {
    touched: HashSet<Touch>,
    buckets: HashSet<BucketId>,
    /// Uploads of which parts are touched.
    uploads: HashSet<UploadId>,
}

impl TouchSet {
    /// Adds them all, or none and false if one conflicts.
    pub fn admit(&mut self, touches: &[Touch]) -> bool {
        if touches.iter().any(|touch| self.conflicts(touch)) {
            return false;
        }
        for touch in touches {
            self.buckets.extend(bucket_of(touch));
            if let Touch::Part(_, upload, _) = touch {
                self.uploads.insert(*upload);
            }
            self.touched.insert(touch.clone());
        }
        true
    }

    fn conflicts(&self, touch: &Touch) -> bool {
        let whole_bucket = |id: &BucketId| self.touched.contains(&Touch::Bucket(*id));
        self.touched.contains(touch)
            || match touch {
                Touch::Bucket(id) => self.buckets.contains(id),
                Touch::Key(id, _) => whole_bucket(id),
                Touch::Upload(id, upload) => whole_bucket(id) || self.uploads.contains(upload),
                Touch::Part(id, upload, _) => whole_bucket(id) || self.touched.contains(&Touch::Upload(*id, *upload)),
                Touch::BucketName(_) | Touch::Document(..) => false,
            }
    }
}

fn bucket_of(touch: &Touch) -> Option<BucketId> {
    match touch {
        Touch::Bucket(id) | Touch::Key(id, _) | Touch::Upload(id, _) | Touch::Part(id, ..) => Some(*id),
        Touch::BucketName(_) | Touch::Document(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_upload_conflict_with_the_upload_but_not_with_each_other() {
        let part = |number| Touch::Part(BucketId(1), UploadId(2), number);
        let upload = Touch::Upload(BucketId(1), UploadId(2));
        let mut set = TouchSet::default();
        assert!(set.admit(&[part(1)]));
        assert!(set.admit(&[part(2)]));
        assert!(!set.admit(&[part(2)]));
        assert!(!set.admit(std::slice::from_ref(&upload)));
        let mut set = TouchSet::default();
        assert!(set.admit(&[upload]));
        assert!(!set.admit(&[part(1)]));
    }

    #[test]
    fn a_bucket_conflicts_with_everything_in_it_both_ways() {
        let key = Touch::Key(BucketId(1), "a".into());
        let other = Touch::Key(BucketId(2), "a".into());
        let bucket = Touch::Bucket(BucketId(1));
        let mut set = TouchSet::default();
        assert!(set.admit(std::slice::from_ref(&key)));
        assert!(!set.admit(std::slice::from_ref(&key)));
        assert!(!set.admit(std::slice::from_ref(&bucket)));
        assert!(set.admit(&[other]));
        let mut set = TouchSet::default();
        assert!(set.admit(&[bucket]));
        assert!(!set.admit(&[key]));
    }
}
