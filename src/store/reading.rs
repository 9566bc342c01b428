//! Reading what is stored: windows, members and recipe nodes by name, pinned while they are read.

use bytes::Bytes;
use deltastore_format::{Entry, EntryKind, Hash, Recipe};

use super::bugs::Bug;
use super::fetch::CachePolicy;
use super::pins::Pin;
use super::{Store, StoreError, Walk, Worker, slice_of};

/// Windows and members shorter than this are not kept on disk when they are uploaded.
const KEPT_BYTES: usize = 64 << 10;

/// Holds what is being read; dropped when the reading ends.
pub struct ReadPins {
    _pins: Vec<Pin>,
}

impl Store {
    /// The slice that an entry of a recipe names, which must not be a node; verified.
    ///
    /// # Errors
    /// As [`Store::window`].
    pub fn bytes_of(&self, entry: &Entry, worker: &mut Worker) -> Result<Bytes, StoreError> {
        let whole = match entry.kind {
            EntryKind::Member => self.member(&entry.hash, worker)?,
            EntryKind::Window | EntryKind::Node => self.window(&entry.hash, worker)?,
        };
        slice_of(&whole, entry)
    }

    /// Keeps what a recipe names from being collected while it is read; none when some of it is being collected right
    /// now.
    ///
    /// The recipe may be out of date: only if what has it is seen to have it still, *after* this, all of it is there.
    pub fn pin_recipe(&self, recipe: &Recipe) -> Option<ReadPins> {
        if self.bugs().has(Bug::SkipReadPins) {
            return Some(ReadPins { _pins: Vec::new() });
        }
        let pins = recipe.entries.iter().map(|entry| Some(self.pins().pin(entry.hash)?.0)).collect::<Option<_>>()?;
        Some(ReadPins { _pins: pins })
    }

    /// A window's plain bytes, verified; on the read pool.
    ///
    /// # Errors
    /// [`StoreError::Missing`] and [`StoreError::Damaged`] concern this window only.
    pub fn window(&self, hash: &Hash, worker: &mut Worker) -> Result<Bytes, StoreError> {
        self.blobs().window(hash, &mut worker.decoder, worker.cache)
    }

    /// The bytes that a member re-creates, verified; on the read pool.
    ///
    /// # Errors
    /// As [`Store::window`].
    pub fn member(&self, hash: &Hash, worker: &mut Worker) -> Result<Bytes, StoreError> {
        self.blobs().member(hash, &mut worker.decoder, worker.cache)
    }

    /// A window, or a member's bytes, that is in memory already.
    pub fn cached(&self, hash: &Hash) -> Option<Bytes> {
        self.blobs().cached(hash)
    }

    /// Keeps an upload's bytes in the cache on disk, if that can be done at once: the newest version is read soon.
    /// Small ones are quick to make again.
    pub fn keep(&self, hash: Hash, bytes: &Bytes) {
        if bytes.len() >= KEPT_BYTES {
            self.blobs().keep_on_disk(hash, bytes, CachePolicy::IfQuick);
        }
    }

    /// The next window slice of a walk; on the read pool.
    ///
    /// # Errors
    /// As [`Store::window`], for recipe nodes.
    pub fn step(&self, walk: &mut Walk) -> Result<Option<Entry>, StoreError> {
        walk.next(|hash| self.blobs().node(hash))
    }
}
