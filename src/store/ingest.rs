//! From cut windows to content: hash, deduplicate, choose references, encode.
//!
//! Invariants: a hash is pinned before it is looked up, and the pin lives until the commit is applied; so are the
//! references that an encoded window uses, also those of a window that another upload encoded and may never commit. All of this runs on the encode pool and waits for nothing.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deltastore_format::{Codec, Entry, EntryKind, Hash, PlacedKind, Position, WindowHead, record};
use sha2::{Digest, Sha256};

use super::blob::{Blob, Placing, Space};
use super::bugs::Bug;
use super::error::StoreError;
use super::pins::Pin;
use super::pool::Worker;
use super::{Inner, Store};
use crate::delta::{Candidate, CutWindow, Decoder, Nearness, Reference, References};
use crate::index::BlobRow;

/// A window on its way into content.
pub struct Prepared {
    pub entry: Entry,
    pub pins: Vec<Pin>,
    pub codec: Codec,
    pub state: State,
}

/// Whether the window's record exists.
pub enum State {
    /// In the index: linking it is all.
    Linked,
    /// In the log, by another upload that has not committed yet.
    Fresh(Arc<Placing>),
    /// In the log, appended by this upload.
    Appended(Arc<Placing>),
    /// To be appended.
    New(Blob),
}

impl Store {
    /// Prepares one window.
    ///
    /// # Errors
    /// When the index or a segment cannot be read; a damaged reference is left out, not an error.
    pub fn prepare(&self, worker: &mut Worker, space: Space, cut: CutWindow) -> Result<Prepared, StoreError> {
        let hash = Hash(Sha256::digest(&cut.bytes).into());
        let entry = Entry { kind: EntryKind::Window, hash, skip: 0, len: cut.bytes.len() as u64 };
        let (pin, fresh) = self.inner().pin(hash);
        let mut pins = if self.inner().bugs.has(Bug::DeduplicateWithoutPin) { Vec::new() } else { vec![pin] };
        if let Some(placing) = fresh
            && let Some(references) = self.pin_known(&placing.links)?
        {
            pins.extend(references);
            return Ok(Prepared { entry, pins, codec: placing.row.codec, state: State::Fresh(placing) });
        }
        if let Some(row) = self.inner().index.blob(&hash)? {
            return Ok(Prepared { entry, pins, codec: row.codec, state: State::Linked });
        }
        Ok(self.encode(worker, space, cut, entry, pins))
    }

    /// Pins for all of them, or nothing when one is in the index no more.
    fn pin_known(&self, hashes: &[Hash]) -> Result<Option<Vec<Pin>>, StoreError> {
        if self.inner().bugs.has(Bug::FreshWithoutReferences) {
            return Ok(Some(Vec::new()));
        }
        let mut pins = Vec::with_capacity(hashes.len());
        for hash in hashes {
            let (pin, _) = self.inner().pin(*hash);
            if self.inner().index.blob(hash)?.is_none() {
                return Ok(None);
            }
            pins.push(pin);
        }
        Ok(Some(pins))
    }

    fn encode(&self, worker: &mut Worker, space: Space, cut: CutWindow, entry: Entry, mut pins: Vec<Pin>) -> Prepared {
        let near =
            Near { inner: self.inner(), space, decoder: RefCell::new(&mut worker.decoder), pins: RefCell::default() };
        let encoded = worker.encoder.encode(&cut.bytes, &cut.features, &near, &self.inner().settings.effort);
        let mut reference_pins = near.pins.into_inner();
        pins.extend(encoded.references.iter().filter_map(|hash| reference_pins.remove(hash)));
        let head = WindowHead {
            hash: entry.hash,
            codec: encoded.codec,
            depth: encoded.depth,
            raw_len: u32::try_from(cut.bytes.len()).unwrap_or(u32::MAX),
            encoded_len: u32::try_from(encoded.bytes.len()).unwrap_or(u32::MAX),
            references: encoded.references.clone(),
            features: cut.features.clone(),
        };
        let mut head_bytes = Vec::new();
        head.encode(&mut head_bytes);
        let payload = head_bytes.len() + encoded.bytes.len();
        let row = BlobRow {
            kind: PlacedKind::Window,
            position: Position::default(),
            record_len: record::record_len(u32::try_from(payload).unwrap_or(u32::MAX)),
            raw_len: head.raw_len,
            codec: head.codec,
            depth: head.depth,
            references: encoded.references.clone(),
        };
        // A window that is as deep as allowed can be nobody's reference: it stays out of the sketches.
        let features = if head.depth < self.inner().settings.effort.max_depth { cut.features } else { Vec::new() };
        let blob = Blob {
            hash: entry.hash,
            row,
            head: head_bytes,
            body: encoded.bytes,
            links: encoded.references,
            features,
            space,
        };
        Prepared { entry, pins, codec: head.codec, state: State::New(blob) }
    }
}

/// The store as the encoder sees it: similar windows, nearest first.
struct Near<'a> {
    inner: &'a Arc<Inner>,
    space: Space,
    decoder: RefCell<&'a mut Decoder>,
    pins: RefCell<HashMap<Hash, Pin>>,
}

impl References for Near<'_> {
    fn candidates(&self, features: &[u64]) -> Vec<Candidate> {
        let rows = match self.inner.index.sketches(features) {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "sketches cannot be read; storing without references");
                return Vec::new();
            }
        };
        let mut found: HashMap<Hash, Candidate> = HashMap::new();
        for (bit, entry) in
            rows.into_iter().enumerate().flat_map(|(bit, row)| row.into_iter().map(move |entry| (bit, entry)))
        {
            let nearness = match (entry.bucket == self.space.bucket, entry.space == self.space.deltaspace) {
                (true, true) => Nearness::Deltaspace,
                (true, false) => Nearness::Bucket,
                _ => Nearness::Store,
            };
            let candidate = found.entry(entry.hash).or_insert(Candidate {
                hash: entry.hash,
                shared: 0,
                nearness,
                depth: entry.depth,
                raw_len: entry.raw_len,
            });
            candidate.shared |= 1u64.checked_shl(bit as u32).unwrap_or(0);
        }
        found.into_values().collect()
    }

    fn load(&self, hash: &Hash) -> Option<Reference> {
        // Pinned first: from here on it cannot be collected.
        let (pin, _) = self.inner.pins.pin(*hash)?;
        let row = self.inner.index.blob(hash).ok()??;
        let bytes = self
            .inner
            .blobs
            .window(hash, &mut self.decoder.borrow_mut())
            .inspect_err(|error| tracing::warn!(%hash, %error, "reference left out"))
            .ok()?;
        self.pins.borrow_mut().insert(*hash, pin);
        let cost = self.cost(*hash, &row)?;
        Some(Reference { hash: *hash, bytes, depth: row.depth, cost })
    }
}

impl Near<'_> {
    /// Plain bytes that reading a window decodes: its own, and those of each window that it is encoded against, once.
    fn cost(&self, hash: Hash, row: &BlobRow) -> Option<u64> {
        let mut seen = HashSet::from([hash]);
        let mut cost = u64::from(row.raw_len);
        let mut left = row.references.clone();
        while let Some(next) = left.pop() {
            if seen.insert(next) {
                let row = self.inner.blobs.row(&next).ok()?;
                cost += u64::from(row.raw_len);
                left.extend(row.references);
            }
        }
        Some(cost)
    }
}
