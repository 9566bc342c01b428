//! Pins: what running writes are about to reference, and windows that are in the log but not yet in the index.
//!
//! Purpose: garbage collection must never remove a window that a concurrent write counts on. A writer pins a hash
//! *before* it looks it up; the collector dooms a hash under the same lock, which fails while it is pinned.
//!
//! Invariants
//! - A doomed hash cannot be pinned: the writer then writes the window again.
//! - A *fresh* blob (appended, in no index yet) is known here until a commit that places it is applied or its
//!   last pin is gone. Its segment is not compacted meanwhile.
//!
//! Locks are per shard and held for map operations only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deltastore_format::{Hash, SegmentId};
use parking_lot::Mutex;

use super::blob::AppendedBlob;
use crate::invariants::invariant;

const SHARDS: usize = 32;

#[derive(Default)]
struct State {
    pins: u32,
    /// Several writers may append the same blob, each in a form of its own.
    fresh: Vec<Arc<AppendedBlob>>,
    doomed: bool,
}

/// The registry; one a store.
#[derive(Default)]
pub struct Pins {
    /// Blobs that were appended and then given up, so that their records are garbage.
    abandoned: AtomicU64,
    shards: [Mutex<HashMap<Hash, State>>; SHARDS],
}

/// Keeps one hash from being collected until dropped.
pub struct Pin {
    pins: Arc<Pins>,
    hash: Hash,
}

impl Pins {
    fn shard(&self, hash: &Hash) -> &Mutex<HashMap<Hash, State>> {
        &self.shards[hash.0[0] as usize % SHARDS]
    }

    /// Pins a hash; `None` when it is being collected. The placing is there if the blob is appended but not yet
    /// indexed.
    pub fn pin(self: &Arc<Self>, hash: Hash) -> Option<(Pin, Option<Arc<AppendedBlob>>)> {
        let mut shard = self.shard(&hash).lock();
        let state = shard.entry(hash).or_default();
        if state.doomed {
            return None;
        }
        state.pins += 1;
        let fresh = best(&state.fresh);
        drop(shard);
        Some((Pin { pins: Arc::clone(self), hash }, fresh))
    }

    /// Pins a hash, waiting out a collection of it that is under way.
    pub fn pin_waiting(self: &Arc<Self>, hash: Hash) -> (Pin, Option<Arc<AppendedBlob>>) {
        loop {
            if let Some(pinned) = self.pin(hash) {
                return pinned;
            }
            // The collector holds a doomed hash for one index write.
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }

    /// Makes an appended blob known before its commit. Does nothing unless it is pinned.
    pub fn set_fresh(&self, placing: &Arc<AppendedBlob>) {
        if let Some(state) = self.shard(&placing.hash).lock().get_mut(&placing.hash) {
            let position = placing.row.position;
            if state.fresh.iter().all(|known| known.row.position != position) {
                state.fresh.push(Arc::clone(placing));
            }
        }
    }

    /// The blob is in the index now, in this form or another; nothing counts on this form's record any more unless the
    /// index does.
    pub fn clear_fresh(&self, placing: &AppendedBlob) {
        let mut shard = self.shard(&placing.hash).lock();
        if let Some(state) = shard.get_mut(&placing.hash) {
            state.fresh.retain(|known| known.row.position != placing.row.position);
            if state.pins == 0 && !state.doomed {
                shard.remove(&placing.hash);
            }
        }
    }

    /// A blob that is appended but not yet indexed.
    pub fn fresh(&self, hash: &Hash) -> Option<Arc<AppendedBlob>> {
        self.shard(hash).lock().get(hash).and_then(|state| best(&state.fresh))
    }

    /// Whether this very form is appended but not yet indexed.
    pub fn is_fresh(&self, placing: &AppendedBlob) -> bool {
        self.shard(&placing.hash)
            .lock()
            .get(&placing.hash)
            .is_some_and(|state| state.fresh.iter().any(|known| known.row.position == placing.row.position))
    }

    /// True when a blob that no commit has placed yet lies in `segment`.
    pub fn has_fresh_in(&self, segment: SegmentId) -> bool {
        self.shards.iter().any(|shard| {
            shard.lock().values().any(|state| state.fresh.iter().any(|placing| placing.row.position.segment == segment))
        })
    }

    /// How many blobs were appended and then given up since start.
    pub fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Bars new pins; false when the hash is pinned or fresh.
    pub fn doom(&self, hash: &Hash) -> bool {
        let mut shard = self.shard(hash).lock();
        let state = shard.entry(*hash).or_default();
        if state.pins > 0 || !state.fresh.is_empty() {
            return false;
        }
        state.doomed = true;
        true
    }

    /// The doomed blob has left the index: the hash may be written again.
    pub fn undoom(&self, hash: &Hash) {
        let state = self.shard(hash).lock().remove(hash);
        invariant!(state.is_some_and(|state| state.doomed && state.pins == 0), "{hash} is pinned and collected");
    }
}

/// An optimized form, which will stay, before one that is not; then the first, which no later one can be a reference
/// of.
fn best(fresh: &[Arc<AppendedBlob>]) -> Option<Arc<AppendedBlob>> {
    fresh.iter().find(|placing| placing.row.optimized).or(fresh.first()).cloned()
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut shard = self.pins.shard(&self.hash).lock();
        let pins = shard.get(&self.hash).map_or(0, |state| state.pins);
        invariant!(pins > 0, "{} is given up once more than it was pinned", self.hash);
        if let Some(state) = shard.get_mut(&self.hash) {
            state.pins -= 1;
            if state.pins == 0 {
                self.pins.abandoned.fetch_add(state.fresh.len() as u64, Ordering::Relaxed);
                shard.remove(&self.hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use deltastore_format::{Codec, PlacedKind, Position};

    use super::*;
    use crate::index::BlobRow;
    use crate::store::blob::Space;

    #[test]
    fn a_pinned_hash_cannot_be_doomed_and_a_doomed_one_cannot_be_pinned() {
        let pins = Arc::new(Pins::default());
        let hash = Hash([7; 32]);
        let (pin, fresh) = pins.pin(hash).expect("not doomed");
        assert!(fresh.is_none());
        assert!(!pins.doom(&hash));
        drop(pin);
        assert!(pins.doom(&hash));
        assert!(pins.pin(hash).is_none());
        pins.undoom(&hash);
        assert!(pins.pin(hash).is_some());
    }

    #[test]
    fn several_forms_of_a_blob_are_known_until_each_is_cleared() {
        let placing = |segment, optimized| {
            let position = Position { segment: SegmentId(segment), offset: 64 };
            let row = BlobRow {
                kind: PlacedKind::Window,
                position,
                record_len: 100,
                raw_len: 10,
                codec: Codec::Raw,
                depth: 0,
                optimized,
                references: Vec::new(),
            };
            let (links, features, space) = (Vec::new(), Vec::new(), Space::default());
            Arc::new(AppendedBlob { hash: Hash([7; 32]), row, links, features, space, heals: false })
        };
        let pins = Arc::new(Pins::default());
        let (hot, optimized) = (placing(1, false), placing(2, true));
        let (pin, _) = pins.pin(hot.hash).expect("not doomed");
        pins.set_fresh(&hot);
        pins.set_fresh(&optimized);
        assert_eq!(pins.fresh(&hot.hash).expect("appended").row, optimized.row);
        pins.clear_fresh(&optimized);
        assert_eq!(pins.fresh(&hot.hash).expect("appended").row, hot.row);
        assert!(pins.has_fresh_in(SegmentId(1)) && !pins.has_fresh_in(SegmentId(2)));
        drop(pin);
        assert!(pins.fresh(&hot.hash).is_none());
    }

    #[cfg(feature = "invariants")]
    #[test]
    #[should_panic(expected = "is pinned and collected")]
    fn a_pinned_hash_is_collected() {
        let pins = Arc::new(Pins::default());
        let pin = pins.pin(Hash([7; 32]));
        std::mem::forget(pin);
        pins.undoom(&Hash([7; 32]));
    }

    #[cfg(feature = "invariants")]
    #[test]
    #[should_panic(expected = "is given up once more than it was pinned")]
    fn a_pin_is_given_up_twice() {
        let pins = Arc::new(Pins::default());
        let pin = pins.pin(Hash([7; 32]));
        drop(Pin { pins: Arc::clone(&pins), hash: Hash([7; 32]) });
        drop(pin);
    }
}
