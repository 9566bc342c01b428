//! How an object is rewritten.

use super::Policy;
use crate::delta::{CutSettings, Effort};
use crate::store::ingest::Chunker;
use crate::store::{Settings, Space, Store};

/// What a new form is to be.
pub struct Form {
    pub effort: Effort,
    cut: CutSettings,
    /// Of optimized windows, by re-encode mode; the version counts as optimized then. Otherwise it is as a PUT would
    /// have stored it.
    pub optimized: bool,
}

impl Form {
    /// The optimizer's.
    pub fn of(policy: Policy, settings: &Settings) -> Self {
        Self { effort: policy.effort(), cut: policy.cut(settings), optimized: true }
    }

    /// What a PUT makes.
    pub fn inline(settings: &Settings) -> Self {
        Self { effort: settings.effort, cut: settings.cut, optimized: false }
    }

    /// What the object, of `len` bytes, goes through first.
    pub fn chunker(&self, store: &Store, space: Space, len: u64) -> Chunker {
        if self.optimized { store.optimizing_chunker(self.cut, space, len) } else { store.chunker() }
    }
}
