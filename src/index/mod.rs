//! The index: what the segments say, arranged for look-ups and listings.
//!
//! It is derived: everything in it can be rebuilt from the segments. Invariants:
//! - one writer (the store's sync thread) stages a [`Batch`] and writes it whole; each batch stages the log position it
//!   covers, so that after a crash the rows and [`Index::applied`] are of the same moment;
//! - it never knows what the log could lose: the log is synced first;
//! - reads go on during writes and see each batch whole.
//!
//! Failure cases: see [`IndexError`]; a row that cannot be decoded fails the call that read it and names its key.

mod blobs;
mod buckets;
#[cfg(feature = "rocksdb")]
mod derived;
mod documents;
mod engine;
mod error;
mod family;
mod keys;
mod listing;
mod memory;
mod meta;
mod objects;
mod parity;
mod parts;
#[cfg(feature = "rocksdb")]
mod rocks;
mod rows;
mod segments;
mod settings;
mod sketches;
mod table;
#[cfg(test)]
#[cfg(feature = "rocksdb")]
mod tests;
mod upgrade;
mod uploads;
mod wire;
#[cfg(not(feature = "rocksdb"))]
mod without_rocks;

pub use blobs::BlobRow;
pub use buckets::BucketRow;
#[cfg(feature = "rocksdb")]
pub use derived::open_derived;
pub use documents::DocumentRow;
pub use engine::{Batch, Counter, Engine, Mutation, Pair, Scan};
pub use error::IndexError;
pub use family::Family;
pub use listing::{After, ListEntry, ListPage, ListQuery};
pub use memory::MemEngine;
pub use meta::{Hidden, INDEX_VERSION};
pub use objects::VersionRow;
pub use parity::ParityRow;
pub use parts::PartRow;
#[cfg(feature = "rocksdb")]
pub use rocks::RocksEngine;
pub use rows::Rows;
pub use settings::RocksSettings;
pub use sketches::{MAX_SKETCH_ENTRIES, SketchEntry, optimized};
pub use table::{EachKind, Row, Table, Visit, each_kind, visit};
pub use uploads::UploadRow;
#[cfg(not(feature = "rocksdb"))]
pub use without_rocks::open_derived;

use deltastore_format::DecodeError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::invariants::invariant;

/// Typed tables over an engine. Getters return what was written; `stage_*` methods add to a batch. Clones share the
/// engine.
#[derive(Clone)]
pub struct Index {
    engine: Arc<dyn Engine>,
    bucket_changes: Arc<AtomicU64>,
}

impl Index {
    /// Checks the version; marks an empty engine with this build's.
    ///
    /// # Errors
    /// [`IndexError::VersionNewer`], [`IndexError::Damaged`] when there are rows but no version, and the engine's.
    pub fn open(engine: Arc<dyn Engine>) -> Result<Self, IndexError> {
        let index = Index { engine, bucket_changes: Arc::default() };
        index.check_version()?;
        Ok(index)
    }

    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Makes a batch visible, whole; durable after [`Index::flush`].
    pub fn write(&self, batch: Batch) -> Result<(), IndexError> {
        let changes_buckets = batch.touches(Family::Buckets);
        let written = self.write_checked(batch);
        if changes_buckets {
            // After it can be seen; also after a failure, which may have left it to be seen.
            self.bucket_changes.fetch_add(1, Ordering::Release);
        }
        written
    }

    /// With the feature `invariants`, no counter may be negative after the batch.
    fn write_checked(&self, batch: Batch) -> Result<(), IndexError> {
        if !cfg!(feature = "invariants") {
            return self.engine.write(batch);
        }
        let counters = [Counter::Links, Counter::Segments];
        let changed = counters.map(|counter| batch.added_to(counter).map(<[u8]>::to_vec).collect::<Vec<_>>());
        self.engine.write(batch)?;
        for (counter, keys) in counters.into_iter().zip(changed) {
            for key in keys {
                let count = self.read(counter.family(), &key, wire::counter)?.unwrap_or(0);
                let holds = count >= 0 || counter == Counter::Segments && self.has_drifted()?;
                invariant!(holds, "the counter {counter:?} of {} is {count}", hex::encode(key));
            }
        }
        Ok(())
    }

    /// The number of batches that changed buckets. A row of a bucket that was read after this number was is the newest
    /// as long as the number stays.
    pub fn bucket_changes(&self) -> u64 {
        self.bucket_changes.load(Ordering::Acquire)
    }

    /// When it returns, everything written before survives a crash.
    pub fn flush(&self) -> Result<(), IndexError> {
        self.engine.flush()
    }

    /// Flushes before the process ends. Reads go on.
    pub fn end(&self) -> Result<(), IndexError> {
        self.engine.end()
    }

    fn read<R>(
        &self,
        family: Family,
        key: &[u8],
        decode: fn(&[u8]) -> Result<R, DecodeError>,
    ) -> Result<Option<R>, IndexError> {
        self.engine
            .get(family, key)?
            .map(|value| decode(&value).map_err(|source| IndexError::corrupt(family, key, source)))
            .transpose()
    }
}
