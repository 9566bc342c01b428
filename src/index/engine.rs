//! The ordered key-value store under the index.
//!
//! Invariants of every [`Engine`]:
//! - a batch is atomic over all families;
//! - after a crash the state is an exact earlier one: that after some batch, with every batch before it
//!   and none after it, and no earlier than the last [`Engine::flush`] that returned;
//! - a scan sees the state of the moment it was made.

use super::error::IndexError;
use super::family::Family;
use std::collections::HashMap;

/// The families whose values can be added to: an `i64`, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    Links,
    Segments,
}

impl Counter {
    pub fn family(self) -> Family {
        match self {
            Counter::Links => Family::Links,
            Counter::Segments => Family::Segments,
        }
    }
}

/// One change of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    Put {
        family: Family,
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Delete {
        family: Family,
        key: Vec<u8>,
    },
    /// Keys from `from` up to, not including, `to`.
    DeleteRange {
        family: Family,
        from: Vec<u8>,
        to: Vec<u8>,
    },
    MergeAdd {
        counter: Counter,
        key: Vec<u8>,
        delta: i64,
    },
}

/// Changes that become visible together, applied in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    mutations: Vec<Mutation>,
    /// Where the newest put of a sketch row is, because sketches are read, changed and written back.
    sketches: HashMap<Vec<u8>, usize>,
}

impl Batch {
    pub fn new() -> Self {
        Batch::default()
    }

    pub fn put(&mut self, family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        let key = key.into();
        if family == Family::Sketches {
            self.sketches.insert(key.clone(), self.mutations.len());
        }
        self.mutations.push(Mutation::Put { family, key, value: value.into() });
    }

    pub fn delete(&mut self, family: Family, key: impl Into<Vec<u8>>) {
        let key = key.into();
        if family == Family::Sketches {
            self.sketches.remove(&key);
        }
        self.mutations.push(Mutation::Delete { family, key });
    }

    /// Deletes keys from `from` up to, not including, `to`; nothing when `from` is not below `to`.
    pub fn delete_range(&mut self, family: Family, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) {
        let (from, to) = (from.into(), to.into());
        if from < to {
            self.mutations.push(Mutation::DeleteRange { family, from, to });
        }
    }

    /// Adds to a counter; an absent one counts as 0, one that reaches 0 stays.
    pub fn merge_add(&mut self, counter: Counter, key: impl Into<Vec<u8>>, delta: i64) {
        self.mutations.push(Mutation::MergeAdd { counter, key: key.into(), delta });
    }

    pub fn is_empty(&self) -> bool {
        self.mutations.is_empty()
    }

    /// Number of changes.
    pub fn len(&self) -> usize {
        self.mutations.len()
    }

    pub(super) fn mutations(&self) -> &[Mutation] {
        &self.mutations
    }

    /// Does it change a row of this family?
    pub(super) fn touches(&self, wanted: Family) -> bool {
        self.mutations.iter().any(|mutation| match mutation {
            Mutation::Put { family, .. } | Mutation::Delete { family, .. } | Mutation::DeleteRange { family, .. } => {
                *family == wanted
            }
            Mutation::MergeAdd { counter, .. } => counter.family() == wanted,
        })
    }

    /// Keys of a counter that this batch adds to, one for each time.
    pub(super) fn added_to(&self, wanted: Counter) -> impl Iterator<Item = &[u8]> {
        self.mutations.iter().filter_map(move |mutation| match mutation {
            Mutation::MergeAdd { counter, key, .. } if *counter == wanted => Some(key.as_slice()),
            _ => None,
        })
    }

    /// What this batch will leave in a sketch row, when it puts one; the put can be replaced in place.
    pub(super) fn staged_sketch(&mut self, key: &[u8]) -> Option<&mut Vec<u8>> {
        match self.mutations.get_mut(*self.sketches.get(key)?)? {
            Mutation::Put { value, .. } => Some(value),
            _ => None,
        }
    }
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Pairs in key order, as they were when the scan was made.
pub trait Scan: Iterator<Item = Result<Pair, IndexError>> {
    /// The next pair is the first with a key at or above `key`, within the scan's end. `key` must be above
    /// the last key returned.
    fn seek(&mut self, key: &[u8]);
}

/// See the module.
pub trait Engine: Send + Sync + 'static {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError>;

    /// One answer a key, in the order of `keys`.
    fn multi_get(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, IndexError>;

    /// Pairs with keys from `from` up to, not including, `to`.
    fn scan<'a>(&'a self, family: Family, from: &[u8], to: Option<&[u8]>) -> Box<dyn Scan + 'a>;

    /// Pairs whose keys are `prefix` and the eight bytes of a version after it. Cheap where there are none.
    fn scan_versions<'a>(&'a self, prefix: &[u8]) -> Box<dyn Scan + 'a>;

    /// Makes a batch visible; it is durable only after a flush.
    fn write(&self, batch: Batch) -> Result<(), IndexError>;

    /// When it returns, everything written before it was called survives a crash.
    fn flush(&self) -> Result<(), IndexError>;

    /// Its files are damaged, as some call found: the next start makes the index anew.
    fn is_damaged(&self) -> bool {
        false
    }

    /// Flushes, and leaves no work in the background: the process may end then, whoever still reads.
    fn end(&self) -> Result<(), IndexError> {
        self.flush()
    }
}
