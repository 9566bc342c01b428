//! What the log threads are asked and told.

use std::sync::Arc;

use bytes::Bytes;
use deltastore_format::{Hash, Op, PlacedKind, Position, SegmentId};

use crate::index::IndexError;
use crate::store::blob::{AppendedBlob, Blob};
use crate::store::content::Content;
use crate::store::error::StoreError;
use crate::store::transaction::{Touch, Transaction};

/// Called once with the answer, on a log thread: must not block.
pub struct Callback<T>(Box<dyn FnOnce(T) + Send>);

impl<T> Callback<T> {
    pub fn new(call: impl FnOnce(T) + Send + 'static) -> Self {
        Self(Box::new(call))
    }

    pub fn call(self, value: T) {
        (self.0)(value);
    }

    /// Takes it out, so that who has it calls nobody any more.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self(Box::new(|_| ())))
    }
}

/// How a transaction ended.
pub enum Answer {
    Committed,
    Refused,
    Full,
    /// The index takes nothing now: what became of a commit that was under way is seen later.
    NotNow(IndexError),
    ReadOnly(String),
}

/// A transaction that waits for its turn.
pub struct CommitRequest {
    pub touches: Vec<Touch>,
    pub contents: Vec<Content>,
    /// Runs the caller's closure; false when it refuses.
    pub evaluate: Box<dyn FnOnce(&mut Transaction<'_>) -> bool + Send>,
    pub done: Callback<Answer>,
}

/// A live blob to copy out of a segment, as its record's payload.
pub struct Moved {
    pub kind: PlacedKind,
    pub hash: Hash,
    pub from: Position,
    pub payload: Bytes,
}

/// Parity that a blob is given or loses.
pub struct Protection {
    pub hash: Hash,
    pub change: ParityChange,
}

/// What becomes of a blob's parity.
pub enum ParityChange {
    /// An encoded parity record, for the payload that lies there.
    Give { of: Position, payload: Bytes },
    /// That which lies there goes.
    Take(Position),
}

/// Live parity to copy out of a segment.
pub struct MovedParity {
    pub hash: Hash,
    pub from: Position,
    pub payload: Bytes,
}

/// Live content of a segment, or a slice of it.
pub struct Relocation {
    pub segment: SegmentId,
    pub blobs: Vec<Moved>,
    pub parity: Vec<MovedParity>,
    /// Operations of commit records, with the position they were read at.
    pub ops: Vec<(Position, Op)>,
}

/// A blob without links, and the blobs it links to.
pub struct Collect {
    pub hash: Hash,
    pub position: Position,
    pub record_len: u64,
    pub links: Vec<Hash>,
}

/// Work that needs the exact index: it waits until no batch is under way.
pub enum Work {
    Commit(CommitRequest),
    Relocate(Relocation, Callback<Result<u64, StoreError>>),
    Rotate(Box<Blob>, Callback<Result<u64, StoreError>>),
    Protect(Vec<Protection>, Callback<Result<u64, StoreError>>),
    Collect(Vec<Collect>, Callback<Result<u64, StoreError>>),
    Seal(Callback<Result<u64, StoreError>>),
    Cover(Callback<Result<u64, StoreError>>),
}

impl Work {
    /// Answers that it cannot be done now.
    pub fn refuse(self, error: &IndexError) {
        match self {
            Work::Commit(request) => request.done.call(Answer::NotNow(error.clone())),
            Work::Relocate(_, done)
            | Work::Rotate(_, done)
            | Work::Protect(_, done)
            | Work::Collect(_, done)
            | Work::Seal(done)
            | Work::Cover(done) => {
                done.call(Err(error.clone().into()));
            }
        }
    }
}

/// A message to the log thread.
pub enum Message {
    Append {
        blobs: Vec<Blob>,
        done: Callback<Result<Vec<Arc<AppendedBlob>>, StoreError>>,
    },
    Work(Work),
    /// The sync thread has finished a batch; everything before the position is durable.
    Synced(Result<Position, String>),
    /// The sync thread has waited for the index in vain for a while: what waits is refused until it has finished.
    Stalled(IndexError),
    Close,
}
