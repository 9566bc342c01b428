//! A batch on its way through the sync thread.

use std::sync::Arc;

use deltastore_format::{Commit, Hash, Op, Position};

use super::message::{Answer, Callback};
use crate::index::{BlobRow, IndexError, ParityRow};
use crate::segment::vfs::VfsFile;
use crate::store::blob::AppendedBlob;
use crate::store::content::Content;
use crate::store::error::StoreError;

/// One appended commit and what has to happen once it is durable.
pub struct Staged {
    pub commit: Commit,
    pub position: Position,
    pub record_len: u64,
    pub placings: Vec<Arc<AppendedBlob>>,
    /// Held until the commit is applied: they pin what it refers to.
    pub contents: Vec<Content>,
    pub done: Callback<Answer>,
}

impl Staged {
    pub fn places(&self, hash: &Hash) -> bool {
        self.placings.iter().any(|placing| placing.hash == *hash)
    }
}

/// What changes where things lie, and nothing that clients see.
pub struct StagedMove {
    /// Copies, with the places that they were copied from.
    pub blobs: Vec<(Hash, Position, BlobRow)>,
    /// Parity, new or moved, and that which goes.
    pub parity: Vec<(Hash, Option<ParityRow>)>,
    /// Another form of an optimized window.
    pub rotated: Option<Arc<AppendedBlob>>,
    /// Copied operations.
    pub commit: Option<(Commit, Position, u64)>,
    pub bytes: u64,
    pub done: Callback<Result<u64, StoreError>>,
}

impl StagedMove {
    /// One that changes nothing.
    pub fn new(done: Callback<Result<u64, StoreError>>) -> Self {
        Self { blobs: Vec::new(), parity: Vec::new(), rotated: None, commit: None, bytes: 0, done }
    }
}

impl Batch {
    /// Answers those who wait that it cannot be done now; what it pins stays pinned.
    pub fn refuse(&mut self, error: &IndexError) {
        self.commits.iter_mut().for_each(|staged| staged.done.take().call(Answer::NotNow(error.clone())));
        self.moves.iter_mut().for_each(|staged| staged.done.take().call(Err(error.clone().into())));
    }

    /// True when there may be something to collect once it is applied: a removal, or another form of what there is.
    pub fn makes_garbage(&self) -> bool {
        self.commits.iter().any(|staged| staged.commit.relocated || staged.commit.ops.iter().any(Op::is_removal))
            || self.moves.iter().any(|staged| staged.rotated.is_some())
    }
}

/// Everything one sync covers.
#[derive(Default)]
pub struct Batch {
    /// Files with bytes that no sync has covered yet.
    pub files: Vec<Arc<dyn VfsFile>>,
    /// A segment was begun since the last sync.
    pub new_file: bool,
    pub commits: Vec<Staged>,
    pub moves: Vec<StagedMove>,
    /// End of the log when the batch was made.
    pub end: Position,
    /// The next sequence number to hand out.
    pub next_sequence: u64,
}
