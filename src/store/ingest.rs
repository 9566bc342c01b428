//! From cut windows to content: hash, deduplicate, choose references, encode.
//!
//! Invariants: a hash is pinned before it is looked up, and the pin lives until the commit is applied; so are the
//! references that an encoded window uses, also those of a window that another upload encoded and may never commit. All of this runs on the encode pool and waits for nothing.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deltastore_format::{Codec, Entry, EntryKind, Hash, PlacedKind, Position, WindowHead, record};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::blob::{Blob, Placing, Space};
use super::bugs::Bug;
use super::error::StoreError;
use super::fetch::Keep;
use super::pins::Pin;
use super::pool::Worker;
use super::{Inner, Store};
use crate::delta::{Candidate, CutWindow, Decoder, Effort, Nearness, Reference, References};
use crate::index::{BlobRow, cold};

/// How windows are to be encoded.
#[derive(Clone, Copy)]
pub struct Gear<'a> {
    pub effort: Effort,
    /// Windows of the same object, which no index knows yet; none where there is only one.
    pub own: Option<&'a OwnSketches>,
    /// For the optimizer: windows are cold, and only cold ones are their references.
    pub cold: bool,
}

impl Gear<'_> {
    fn has_own(&self, hash: &Hash) -> bool {
        self.own.is_some_and(|own| own.has(hash))
    }
}

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
    pub fn prepare(
        &self,
        worker: &mut Worker,
        space: Space,
        gear: &Gear<'_>,
        cut: CutWindow,
    ) -> Result<Prepared, StoreError> {
        let hash = Hash(Sha256::digest(&cut.bytes).into());
        let entry = Entry { kind: EntryKind::Window, hash, skip: 0, len: cut.bytes.len() as u64 };
        let (pin, fresh) = self.inner().pin(hash);
        let mut pins = if self.inner().bugs.has(Bug::DeduplicateWithoutPin) { Vec::new() } else { vec![pin] };
        if let Some(placing) = fresh
            && (placing.row.cold || !gear.cold)
            && let Some(references) = self.pin_known(&placing, gear)?
        {
            pins.extend(references);
            return Ok(Prepared { entry, pins, codec: placing.row.codec, state: State::Fresh(placing) });
        }
        if let Some(row) = self.inner().index.blob(&hash)?.filter(|row| row.cold || !gear.cold) {
            return Ok(Prepared { entry, pins, codec: row.codec, state: State::Linked });
        }
        Ok(self.encode(worker, space, gear, cut, entry, pins))
    }

    /// How a PUT encodes windows; `tokens`: those that are nothing but tokens of compressed members.
    pub fn inline_gear<'a>(&self, own: Option<&'a OwnSketches>, tokens: bool) -> Gear<'a> {
        Gear { effort: Effort { tokens, ..self.inner().settings.effort }, own, cold: false }
    }

    /// Pins for all that a window is encoded against, or nothing when one is not, or no more, in the index or of this object. The
    /// references of a cold window must be cold there: the optimizer that wrote it may never commit, and with it goes their cold form.
    /// What the index has instead may be encoded against this very window.
    fn pin_known(&self, window: &Placing, gear: &Gear<'_>) -> Result<Option<Vec<Pin>>, StoreError> {
        if self.inner().bugs.has(Bug::FreshWithoutReferences) {
            return Ok(Some(Vec::new()));
        }
        let cold = window.row.cold && !self.inner().bugs.has(Bug::FreshForgetsCold);
        let mut pins = Vec::with_capacity(window.links.len());
        for hash in &window.links {
            let (pin, _) = self.inner().pin(*hash);
            let own = gear.has_own(hash) && gear.cold == window.row.cold;
            if !own && self.inner().index.blob(hash)?.is_none_or(|row| cold && !row.cold) {
                return Ok(None);
            }
            pins.push(pin);
        }
        Ok(Some(pins))
    }

    fn encode(
        &self,
        worker: &mut Worker,
        space: Space,
        gear: &Gear<'_>,
        cut: CutWindow,
        entry: Entry,
        mut pins: Vec<Pin>,
    ) -> Prepared {
        let decoder = RefCell::new(&mut worker.decoder);
        let near = Near { inner: self.inner(), space, gear, decoder, pins: RefCell::default() };
        let encoded = worker.encoder.encode(&cut.bytes, &cut.features, &near, &gear.effort);
        let mut reference_pins = near.pins.into_inner();
        pins.extend(encoded.references.iter().filter_map(|hash| reference_pins.remove(hash)));
        // A window that is as deep as allowed can be nobody's reference: it stays out of the sketches.
        let features = if encoded.depth < gear.effort.max_depth { cut.features } else { Vec::new() };
        let head = WindowHead {
            hash: entry.hash,
            codec: encoded.codec,
            depth: encoded.depth,
            cold: gear.cold,
            raw_len: u32::try_from(cut.bytes.len()).unwrap_or(u32::MAX),
            encoded_len: u32::try_from(encoded.bytes.len()).unwrap_or(u32::MAX),
            references: encoded.references.clone(),
            features: features.clone(),
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
            cold: head.cold,
            references: encoded.references.clone(),
        };
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
    gear: &'a Gear<'a>,
    decoder: RefCell<&'a mut Decoder>,
    pins: RefCell<HashMap<Hash, Pin>>,
}

impl References for Near<'_> {
    fn candidates(&self, features: &[u64]) -> Vec<Candidate> {
        let index = &self.inner.index;
        let only_cold = self.gear.cold && !self.inner.bugs.has(Bug::ColdReferencesHot);
        let rows = if only_cold { index.sketches(&cold(features)) } else { index.sketches(features) };
        let rows = rows.unwrap_or_else(|error| {
            tracing::warn!(%error, "sketches cannot be read; storing without references");
            Vec::new()
        });
        let mut found: HashMap<Hash, Candidate> = HashMap::new();
        let mut share = |number: usize, candidate: Candidate| {
            found.entry(candidate.hash).or_insert(candidate).shared |= 1u64.checked_shl(number as u32).unwrap_or(0);
        };
        for (number, entries) in rows.into_iter().enumerate() {
            for entry in entries {
                let nearness = match (entry.bucket == self.space.bucket, entry.space == self.space.deltaspace) {
                    (true, true) => Nearness::Deltaspace,
                    (true, false) => Nearness::Bucket,
                    _ => Nearness::Store,
                };
                let (hash, depth, raw_len) = (entry.hash, entry.depth, entry.raw_len);
                share(number, Candidate { hash, shared: 0, nearness, depth, raw_len });
            }
        }
        if let Some(own) = self.gear.own {
            own.find(features, share);
        }
        found.into_values().collect()
    }

    fn load(&self, hash: &Hash) -> Option<Reference> {
        // Pinned first: from here on it cannot be collected.
        let (pin, fresh) = self.inner.pins.pin(*hash)?;
        let own = fresh.filter(|_| self.gear.has_own(hash)).map(|placing| placing.row.clone());
        let row = own.or(self.inner.index.blob(hash).ok()?)?;
        if self.gear.cold && !row.cold && !self.inner.bugs.has(Bug::ColdReferencesHot) {
            return None;
        }
        let bytes = self
            .inner
            .blobs
            .window(hash, &mut self.decoder.borrow_mut(), Keep::No)
            .inspect_err(|error| tracing::warn!(%hash, %error, "reference left out"))
            .ok()?;
        let cost = self.cost(*hash, &row)?;
        self.pins.borrow_mut().insert(*hash, pin);
        Some(Reference { hash: *hash, bytes, depth: row.depth, cost })
    }
}

impl Near<'_> {
    /// Plain bytes of a window and of all that it is encoded against, directly or not, each once.
    fn cost(&self, hash: Hash, row: &BlobRow) -> Option<u64> {
        let mut seen = HashSet::from([hash]);
        let mut cost = u64::from(row.raw_len);
        let mut open = row.references.clone();
        while let Some(hash) = open.pop() {
            if seen.insert(hash) {
                let row = self.inner.blobs.row(&hash).ok()?;
                cost += u64::from(row.raw_len);
                open.extend(row.references);
            }
        }
        Some(cost)
    }
}

/// Sketches of the windows of one object that is being written. They can be references before any index knows them.
pub struct OwnSketches {
    /// Windows as deep as this can be nobody's reference within the object.
    max_depth: u8,
    own: Mutex<Own>,
}

#[derive(Default)]
struct Own {
    windows: Vec<Candidate>,
    /// For each feature the first windows that had it, by their number counted from 1; 0 for none.
    features: HashMap<u64, [u32; 2]>,
}

impl OwnSketches {
    /// Features kept for one object, a few MB; what comes later in a long one is found through the index alone, once it is stored.
    const MOST: usize = 48 << 10;

    /// For windows encoded with this effort.
    pub fn new(effort: &Effort) -> Self {
        Self { max_depth: effort.max_own_depth, own: Mutex::default() }
    }

    /// Offers an appended window as a reference to those of the same object that come after it.
    pub fn appended(&self, window: &Placing) {
        let mut own = self.own.lock();
        let deep = window.row.depth >= self.max_depth;
        if deep || window.features.is_empty() || own.features.len() >= Self::MOST {
            return;
        }
        let (depth, raw_len) = (window.row.depth, window.row.raw_len);
        own.windows.push(Candidate { hash: window.hash, shared: 0, nearness: Nearness::Object, depth, raw_len });
        let number = u32::try_from(own.windows.len()).unwrap_or(0);
        for feature in &window.features {
            let windows = own.features.entry(*feature).or_default();
            if let Some(free) = windows.iter_mut().find(|window| **window == 0) {
                *free = number;
            }
        }
    }

    fn find(&self, features: &[u64], mut found: impl FnMut(usize, Candidate)) {
        let own = self.own.lock();
        for (number, feature) in features.iter().enumerate() {
            for window in own.features.get(feature).into_iter().flatten().filter(|window| **window > 0) {
                own.windows.get(*window as usize - 1).into_iter().for_each(|candidate| found(number, *candidate));
            }
        }
    }

    fn has(&self, hash: &Hash) -> bool {
        self.own.lock().windows.iter().any(|window| window.hash == *hash)
    }
}
