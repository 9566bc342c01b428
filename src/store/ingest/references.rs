//! Which stored windows a window may be encoded against.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deltastore_format::Hash;

use super::EncodeOptions;
use crate::delta::{Candidate, Decoder, Nearness, Reference, References};
use crate::index::{BlobRow, Index, optimized};
use crate::store::blob::Space;
use crate::store::bugs::{Bug, Bugs};
use crate::store::fetch::{Blobs, CachePolicy};
use crate::store::pins::{Pin, Pins};

/// The store as the encoder sees it: similar windows, nearest first.
pub(super) struct ReferenceSource<'a> {
    pub(super) index: &'a Index,
    pub(super) blobs: &'a Blobs,
    pub(super) held: &'a Arc<Pins>,
    pub(super) bugs: Bugs,
    pub(super) space: Space,
    pub(super) options: &'a EncodeOptions<'a>,
    pub(super) decoder: RefCell<&'a mut Decoder>,
    pub(super) pins: RefCell<HashMap<Hash, Pin>>,
}

impl References for ReferenceSource<'_> {
    fn candidates(&self, features: &[u64]) -> Vec<Candidate> {
        let index = self.index;
        let only_optimized = self.options.optimized && !self.bugs.has(Bug::ColdReferencesHot);
        let rows = if only_optimized { index.sketches(&optimized(features)) } else { index.sketches(features) };
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
        if let Some(own) = self.options.own {
            own.find(features, share);
        }
        found.into_values().filter(|candidate| !self.options.bars(&candidate.hash)).collect()
    }

    fn load(&self, hash: &Hash) -> Option<Reference> {
        // Pinned first: from here on it cannot be collected.
        let (pin, fresh) = self.held.pin(*hash)?;
        let own = fresh.filter(|_| self.options.has_own(hash)).map(|placing| placing.row.clone());
        let row = own.or(self.index.blob(hash).ok()?)?;
        if self.options.optimized && !row.optimized && !self.bugs.has(Bug::ColdReferencesHot) {
            return None;
        }
        let cost = self.cost(*hash, &row)?;
        let bytes = self
            .blobs
            .window(hash, &mut self.decoder.borrow_mut(), CachePolicy::No)
            .inspect_err(|error| tracing::warn!(%hash, %error, "reference left out"))
            .ok()?;
        // Its bytes may come from a cache, which proves nothing about its record.
        if !self.bugs.has(Bug::ReferenceWithoutVerification) && !self.blobs.is_sound(hash, &row).ok()? {
            return None;
        }
        self.pins.borrow_mut().insert(*hash, pin);
        Some(Reference { hash: *hash, bytes, depth: row.depth, cost })
    }
}

impl ReferenceSource<'_> {
    /// Plain bytes of a window and of all that it is encoded against, directly or not, each once; nothing if some of
    /// that is barred.
    fn cost(&self, hash: Hash, row: &BlobRow) -> Option<u64> {
        let mut seen = HashSet::from([hash]);
        let mut cost = u64::from(row.raw_len);
        let mut open = row.references.clone();
        while let Some(hash) = open.pop() {
            if self.options.bars(&hash) && !self.bugs.has(Bug::RotateIntoCircle) {
                return None;
            }
            if seen.insert(hash) {
                let row = self.blobs.row(&hash).ok()?;
                cost += u64::from(row.raw_len);
                open.extend(row.references);
            }
        }
        Some(cost)
    }
}
