//! Reading blobs: from the cache or from a segment, decoded and verified.
//!
//! Invariants
//! - A window's SHA-256 is checked after decoding and before anyone sees its bytes; the cache holds only such windows.
//! - A blob that compaction moves between lookup and read is looked up again; an open file stays readable after its
//!   unlink.
//! - What several readers want at once is decoded by one of them. Others wait for it, which is running and waits for
//!   nobody that waits for it: references and members lead in no circle.
//!
//! Failure cases: damage names file, offset, expected and found, is counted, and concerns only what needs the blob.

mod cache;
mod cached;
mod member;
mod mend;
mod parity;
mod verify;
mod window;

pub use cache::CachePolicy;
pub use parity::{from_parity, read_parity, repaired};
pub use verify::VerifyBudget;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use deltastore_format::{Entry, Hash, Node, NodePayload, PlacedKind, Position};
use deltastore_segment::{DiskCache, Readers, Record};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::bugs::Bugs;
use super::error::StoreError;
use super::pins::Pins;
use super::soundness::{DamageCounts, Soundness};
use crate::index::{BlobRow, Index};
use cache::InMemory;

/// Times a blob is looked up again because its segment went away or another record took its place.
const TRIES: usize = 4;
/// References of references of …; deeper than any writer makes them.
pub const MAX_DEPTH: u8 = 16;

/// The slice of a window, or of a member's bytes, that an entry names.
///
/// # Errors
/// [`StoreError::Missing`] when it reaches over the end.
pub fn slice_of(bytes: &Bytes, entry: &Entry) -> Result<Bytes, StoreError> {
    let slice = || {
        let from = usize::try_from(entry.skip).ok()?;
        let to = from.checked_add(usize::try_from(entry.len).ok()?)?;
        (to <= bytes.len()).then(|| bytes.slice(from..to))
    };
    slice().ok_or(StoreError::Missing { hash: entry.hash })
}

/// All blobs of a store.
pub struct Blobs {
    index: Index,
    pins: Arc<Pins>,
    readers: Readers,
    cache: InMemory,
    disk: Option<DiskCache>,
    damaged: AtomicU64,
    soundness: Arc<Soundness>,
    mended: AtomicU64,
    /// Damaged records that parity makes up for.
    mendable: Mutex<BTreeSet<Hash>>,
    bugs: Bugs,
}

impl Blobs {
    pub fn new(
        index: Index,
        pins: Arc<Pins>,
        readers: Readers,
        cache_bytes: u64,
        disk: Option<DiskCache>,
        soundness: Arc<Soundness>,
        bugs: Bugs,
    ) -> Self {
        let cache = cache::in_memory(cache_bytes);
        let (damaged, mended, mendable) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::default());
        Self { index, pins, readers, cache, disk, damaged, mended, mendable, soundness, bugs }
    }

    /// Open segment files.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// How often damage was met since start.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Gives the room of the cache on disk back.
    pub fn clear_disk_cache(&self) {
        if let Some(disk) = &self.disk {
            disk.clear();
        }
    }

    pub fn soundness(&self) -> &Arc<Soundness> {
        &self.soundness
    }

    /// What is known of damage; `log_ranges` is the caller's to fill.
    pub fn damage_counts(&self) -> DamageCounts {
        let (known_blobs, healed_blobs) = self.soundness.counts();
        DamageCounts { known_blobs, healed_blobs, reads: self.damaged(), log_ranges: 0 }
    }

    /// A window that is in memory.
    pub fn cached(&self, hash: &Hash) -> Option<Bytes> {
        self.cache.get(hash)
    }

    /// Where a blob lies.
    pub fn row(&self, hash: &Hash) -> Result<BlobRow, StoreError> {
        if let Some(row) = self.index.blob(hash)? {
            if self.soundness.is_damaged(hash, row.position)
                && let Some(placing) = self.pins.fresh(hash).filter(|placing| placing.heals)
            {
                // What takes its place is in the log, and soon in the index.
                return Ok(placing.row.clone());
            }
            return Ok(row);
        }
        if let Some(placing) = self.pins.fresh(hash) {
            return Ok(placing.row.clone());
        }
        // A commit may have placed it between the two looks: the index has it before it ceases to be fresh.
        self.index.blob(hash)?.ok_or(StoreError::Missing { hash: *hash })
    }

    /// Where the index has a blob, if it does.
    pub(in crate::store) fn indexed(&self, hash: &Hash) -> Result<Option<BlobRow>, StoreError> {
        Ok(self.index.blob(hash)?)
    }

    /// Whether a record that no index knows yet lies there.
    pub(in crate::store) fn fresh_at(&self, hash: &Hash, position: Position) -> bool {
        self.pins.fresh(hash).is_some_and(|placing| placing.row.position == position)
    }

    /// A list node of a recipe, verified.
    pub fn node(&self, hash: &Hash) -> Result<Node, StoreError> {
        match self.payload(hash)? {
            NodePayload::List(node) => Ok(node),
            NodePayload::Member(_) => Err(StoreError::BadNode { hash: *hash }),
        }
    }

    /// What a node record holds, verified.
    pub fn payload(&self, hash: &Hash) -> Result<NodePayload, StoreError> {
        Ok(self.read_payload(hash).inspect_err(|error| self.count(error))?.1)
    }

    fn read_payload(&self, hash: &Hash) -> Result<(Position, NodePayload), StoreError> {
        let error = match self.read_whole_payload(hash) {
            Ok(payload) => return Ok(payload),
            Err(error) => error,
        };
        let row = self.row(hash)?;
        match self.mended_record(hash, &row) {
            Some(record) => Ok((row.position, decoded(hash, &row, &record)?)),
            None => Err(error),
        }
    }

    fn read_whole_payload(&self, hash: &Hash) -> Result<(Position, NodePayload), StoreError> {
        let (row, record) = self.record(hash, PlacedKind::Node)?;
        let payload = decoded(hash, &row, &record).inspect_err(|error| self.note_damage(hash, row.position, error))?;
        self.soundness.verified(hash, row.position);
        Ok((row.position, payload))
    }

    /// The record of a blob; its payload is not verified yet.
    fn record(&self, hash: &Hash, kind: PlacedKind) -> Result<(BlobRow, Record), StoreError> {
        let row = self.row(hash)?;
        self.record_at(hash, row, kind)
    }

    /// As [`Blobs::record`], of a blob that was looked up.
    pub(in crate::store) fn record_at(
        &self,
        hash: &Hash,
        mut row: BlobRow,
        kind: PlacedKind,
    ) -> Result<(BlobRow, Record), StoreError> {
        for _ in 0..TRIES {
            if row.kind != kind {
                return Err(StoreError::damaged(row.position, format!("{kind:?}"), format!("{:?}", row.kind)));
            }
            let read =
                self.readers.get(row.position.segment).and_then(|file| file.read_unverified(row.position.offset));
            match read {
                Ok(record) => return Ok((row, record)),
                Err(error) => {
                    let again = self.row(hash)?;
                    if again.position == row.position {
                        let error = StoreError::from(error);
                        self.note_damage(hash, row.position, &error);
                        return Err(error);
                    }
                    row = again;
                }
            }
        }
        Err(StoreError::Missing { hash: *hash })
    }

    /// The record of a blob could not be read: it is known from now on, and named in the log once.
    pub(in crate::store) fn note_damage(&self, hash: &Hash, position: Position, error: &StoreError) {
        if error.is_damage() && self.soundness.damaged(hash, position) {
            tracing::error!(%hash, %position, %error, "a damaged blob");
        }
    }

    fn count(&self, error: &StoreError) {
        if error.is_damage() {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What a node's record holds, verified.
fn decoded(hash: &Hash, row: &BlobRow, record: &Record) -> Result<NodePayload, StoreError> {
    let found = Hash(Sha256::digest(&record.payload).into());
    if found != *hash {
        return Err(StoreError::damaged(row.position, format!("SHA-256 {hash}"), found));
    }
    NodePayload::decode(&record.payload).map_err(|error| StoreError::undecodable(row.position, "recipe node", &error))
}
