//! Reading blobs: from the cache or from a segment, decoded and verified.
//!
//! Invariants
//! - A window's SHA-256 is checked after decoding and before anyone sees its bytes; the cache holds only such windows.
//! - A blob that compaction moves between lookup and read is looked up again; an open file stays readable after its unlink.
//!
//! Failure cases: damage names file, offset, expected and found, is counted, and concerns only what needs the blob.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use deltastore_format::{Entry, Hash, Node, NodePayload, PlacedKind, Position, WindowHead};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::bugs::{Bug, Bugs};
use super::error::StoreError;
use super::pins::Pins;
use crate::delta::Decoder;
use crate::index::{BlobRow, Index};
use crate::segment::{DiskCache, Readers, Record};

/// Times a blob is looked up again because its segment went away or another record took its place.
const TRIES: usize = 4;
/// References of references of …; deeper than any writer makes them.
pub const MAX_DEPTH: u8 = 16;

#[derive(Clone)]
struct ByLength;

impl Weighter<Hash, Bytes> for ByLength {
    fn weight(&self, _: &Hash, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + 96
    }
}

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

/// Whether what was read goes into the cache on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    No,
    /// If it can be written at once.
    #[default]
    IfQuick,
    /// Whatever it takes.
    Yes,
}

/// All blobs of a store.
pub struct Blobs {
    index: Index,
    pins: Arc<Pins>,
    readers: Readers,
    cache: Cache<Hash, Bytes, ByLength>,
    disk: Option<DiskCache>,
    damaged: AtomicU64,
    bugs: Bugs,
}

impl Blobs {
    pub fn new(
        index: Index,
        pins: Arc<Pins>,
        readers: Readers,
        cache_bytes: u64,
        disk: Option<DiskCache>,
        bugs: Bugs,
    ) -> Self {
        let windows = usize::try_from(cache_bytes / (256 << 10)).unwrap_or(usize::MAX).max(64);
        let cache = Cache::with_weighter(windows, cache_bytes, ByLength);
        Self { index, pins, readers, cache, disk, damaged: AtomicU64::new(0), bugs }
    }

    /// Open segment files.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// How often damage was met since start.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// A window that is in memory.
    pub fn cached(&self, hash: &Hash) -> Option<Bytes> {
        self.cache.get(hash)
    }

    /// Where a blob lies.
    pub fn row(&self, hash: &Hash) -> Result<BlobRow, StoreError> {
        if let Some(row) = self.index.blob(hash)? {
            return Ok(row);
        }
        self.pins.fresh(hash).map(|placing| placing.row.clone()).ok_or(StoreError::Missing { hash: *hash })
    }

    /// A window's plain bytes, verified; if it is dear to decode, `keep` says whether it is kept on disk.
    pub fn window(&self, hash: &Hash, decoder: &mut Decoder, keep: Keep) -> Result<Bytes, StoreError> {
        self.window_at(hash, decoder, MAX_DEPTH, keep).inspect_err(|error| self.count(error))
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

    /// The bytes that a member re-creates, verified.
    pub fn member(&self, hash: &Hash, decoder: &mut Decoder, keep: Keep) -> Result<Bytes, StoreError> {
        if let Some(bytes) = self.cache.get(hash).filter(|_| keep != Keep::Yes) {
            return Ok(bytes);
        }
        let bytes = self.recreate(hash, decoder, keep).inspect_err(|error| self.count(error))?;
        self.cache.insert(*hash, bytes.clone());
        Ok(bytes)
    }

    fn recreate(&self, hash: &Hash, decoder: &mut Decoder, keep: Keep) -> Result<Bytes, StoreError> {
        let (position, payload) = self.read_payload(hash)?;
        let NodePayload::Member(member) = payload else { return Err(StoreError::BadNode { hash: *hash }) };
        if let Some(bytes) = self.kept_on_disk(&member.digest) {
            return Ok(bytes);
        }
        let program = self.slices(&member.program, decoder)?;
        let view = self.slices(&member.view, decoder)?;
        let bytes = deltastore_members::recreate(&program, &view, member.len as usize)
            .map_err(|error| StoreError::damaged(position, "a member that can be re-created", error))?;
        let found = Hash(Sha256::digest(&bytes).into());
        if found != member.digest && !self.bugs.has(Bug::SkipVerification) && !self.bugs.has(Bug::SkipMemberDigest) {
            return Err(StoreError::damaged(position, format!("member with SHA-256 {}", member.digest), found));
        }
        let bytes = Bytes::from(bytes);
        self.keep_on_disk(member.digest, &bytes, keep);
        Ok(bytes)
    }

    fn keep_on_disk(&self, digest: Hash, bytes: &Bytes, keep: Keep) {
        if let (Some(disk), Keep::IfQuick | Keep::Yes) = (&self.disk, keep) {
            disk.put(digest, bytes, keep == Keep::Yes);
        }
    }

    /// What the cache on disk holds under a SHA-256, verified.
    fn kept_on_disk(&self, digest: &Hash) -> Option<Bytes> {
        let disk = self.disk.as_ref()?;
        let bytes = disk.get(digest)?;
        if Hash(Sha256::digest(&bytes).into()) != *digest {
            tracing::warn!(%digest, "a damaged entry of the cache was dropped");
            disk.forget(digest);
            return None;
        }
        Some(bytes)
    }

    fn slices(&self, entries: &[Entry], decoder: &mut Decoder) -> Result<Bytes, StoreError> {
        let mut all = Vec::new();
        for entry in entries {
            let window = self.window_at(&entry.hash, decoder, MAX_DEPTH, Keep::No)?;
            let slice = slice_of(&window, entry)?;
            if entries.len() == 1 {
                return Ok(slice);
            }
            all.extend_from_slice(&slice);
        }
        Ok(all.into())
    }

    fn count(&self, error: &StoreError) {
        if error.is_damage() {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn window_at(&self, hash: &Hash, decoder: &mut Decoder, depth: u8, keep: Keep) -> Result<Bytes, StoreError> {
        if let Some(bytes) = self.cache.get(hash) {
            if keep == Keep::Yes && self.disk.is_some() && !self.row(hash)?.references.is_empty() {
                self.keep_on_disk(*hash, &bytes, keep);
            }
            return Ok(bytes);
        }
        if let Some(bytes) = self.kept_on_disk(hash) {
            self.cache.insert(*hash, bytes.clone());
            return Ok(bytes);
        }
        let mut tries = TRIES;
        loop {
            let (row, record) = self.record(hash, PlacedKind::Window)?;
            let error = match self.decode(hash, row.position, &record, decoder, depth) {
                Ok(bytes) => {
                    self.cache.insert(*hash, bytes.clone());
                    if !row.references.is_empty() {
                        self.keep_on_disk(*hash, &bytes, keep);
                    }
                    return Ok(bytes);
                }
                Err(error) => error,
            };
            tries -= 1;
            // The optimizer may have put another record in this one's place, whose references were collected then.
            if tries > 0 && error.is_damage() && self.row(hash)?.position != row.position {
                continue;
            }
            // A damaged head may blame what it seems to refer to: the record's own checksum goes first.
            return Err(match record.header.check_payload(&record.payload) {
                Err(damage) if error.is_damage() => StoreError::undecodable(row.position, "window record", &damage),
                _ => error,
            });
        }
    }

    fn decode(
        &self,
        hash: &Hash,
        position: Position,
        record: &Record,
        decoder: &mut Decoder,
        depth: u8,
    ) -> Result<Bytes, StoreError> {
        let (head, head_len) = WindowHead::decode(&record.payload)
            .map_err(|error| StoreError::undecodable(position, "window head", &error))?;
        if depth == 0 {
            return Err(StoreError::damaged(position, "references of bounded depth", "a deeper chain"));
        }
        let references = head
            .references
            .iter()
            .map(|reference| self.window_at(reference, decoder, depth - 1, Keep::No))
            .collect::<Result<Vec<_>, _>>()?;
        let encoded = record.payload.slice(head_len..);
        let bytes =
            decoder.decode(&head, &encoded, &references).map_err(|error| StoreError::delta(position, &error))?;
        if !self.bugs.has(Bug::SkipVerification) {
            let found = Hash(Sha256::digest(&bytes).into());
            if found != *hash {
                return Err(StoreError::damaged(position, format!("SHA-256 {hash}"), found));
            }
        }
        Ok(bytes)
    }

    fn read_payload(&self, hash: &Hash) -> Result<(Position, NodePayload), StoreError> {
        let (row, record) = self.record(hash, PlacedKind::Node)?;
        let found = Hash(Sha256::digest(&record.payload).into());
        if found != *hash {
            return Err(StoreError::damaged(row.position, format!("SHA-256 {hash}"), found));
        }
        let payload = NodePayload::decode(&record.payload)
            .map_err(|error| StoreError::undecodable(row.position, "recipe node", &error))?;
        Ok((row.position, payload))
    }

    /// The record of a blob; its payload is not verified yet.
    fn record(&self, hash: &Hash, kind: PlacedKind) -> Result<(BlobRow, Record), StoreError> {
        let mut row = self.row(hash)?;
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
                        return Err(error.into());
                    }
                    row = again;
                }
            }
        }
        Err(StoreError::Missing { hash: *hash })
    }
}
