//! Which records can be read, as far as this process knows: verified lately, or damaged.
//!
//! Purpose: a write is acknowledged only if it can be read back, also on a store that has damage. So what a write links
//! to is verified first (`fetch/verify.rs`), and this remembers what needs no second look.
//!
//! Invariants
//! - *Verified* is said of a hash at one position, for a bounded time: never of another record of the same hash.
//! - What could not be read is not verified, whatever was known of it before; what was read is not damaged any more.
//! - Both sets are bounded, and both may forget: then a record is read again.
//!
//! Failure cases: none of its own. A clock that goes back makes records unverified.

mod queue;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use deltastore_format::{Hash, Position};
use deltastore_segment::vfs::Clock;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use serde::Serialize;

pub use queue::Unverified;

/// Records remembered as verified, about 5 MB.
const VERIFIED: usize = 64 << 10;
/// Damaged blobs remembered by name; more are counted.
const DAMAGED: usize = 64 << 10;

/// See the module; one a store.
pub struct Soundness {
    clock: Arc<dyn Clock>,
    max_age_ms: u64,
    verified: Cache<Hash, Seen>,
    damaged: Mutex<HashMap<Hash, Position>>,
    /// Length of `damaged`, to be read without its lock.
    known: AtomicUsize,
    healed: AtomicU64,
}

/// A record that was read or written whole.
#[derive(Clone, Copy)]
struct Seen {
    position: Position,
    at_ms: u64,
}

/// What is known of damage to windows, nodes and members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DamageCounts {
    /// Blobs whose record cannot be read and was not replaced yet, as far as it was met.
    pub known_blobs: u64,
    /// Blobs whose damaged record was replaced since start.
    pub healed_blobs: u64,
    /// Reads that met damage since start.
    pub reads: u64,
    /// Stretches of the log that could not be read at start.
    pub log_ranges: u64,
}

impl Soundness {
    /// Records count as verified for `max_age_ms`; 0 for never.
    pub fn new(clock: Arc<dyn Clock>, max_age_ms: u64) -> Self {
        Self {
            clock,
            max_age_ms,
            verified: Cache::new(VERIFIED),
            damaged: Mutex::default(),
            known: AtomicUsize::new(0),
            healed: AtomicU64::new(0),
        }
    }

    /// The record was read or written whole just now.
    pub fn verified(&self, hash: &Hash, position: Position) {
        if self.max_age_ms > 0 {
            self.verified.insert(*hash, Seen { position, at_ms: self.clock.now_ms() });
        }
        if self.is_damaged(hash, position) {
            self.forget(hash);
        }
    }

    pub fn is_verified(&self, hash: &Hash, position: Position) -> bool {
        let age = |seen: Seen| self.clock.now_ms().checked_sub(seen.at_ms);
        self.max_age_ms > 0
            && self
                .verified
                .get(hash)
                .is_some_and(|seen| seen.position == position && age(seen).is_some_and(|age| age < self.max_age_ms))
    }

    /// The record could not be read; true when that is news.
    pub fn damaged(&self, hash: &Hash, position: Position) -> bool {
        self.verified.remove(hash);
        let mut damaged = self.damaged.lock();
        if damaged.len() >= DAMAGED && !damaged.contains_key(hash) {
            return false;
        }
        let news = damaged.insert(*hash, position) != Some(position);
        self.known.store(damaged.len(), Ordering::Release);
        news
    }

    pub fn is_damaged(&self, hash: &Hash, position: Position) -> bool {
        self.known.load(Ordering::Acquire) > 0 && self.damaged.lock().get(hash) == Some(&position)
    }

    /// Another record took the place of the damaged one.
    pub fn healed(&self, hash: &Hash) {
        self.healed.fetch_add(1, Ordering::Relaxed);
        self.forget(hash);
        tracing::info!(%hash, "a damaged blob was written anew: everything that uses it can be read again");
    }

    /// Blobs known to be damaged, and those healed since start.
    pub fn counts(&self) -> (u64, u64) {
        (self.known.load(Ordering::Acquire) as u64, self.healed.load(Ordering::Relaxed))
    }

    fn forget(&self, hash: &Hash) {
        let mut damaged = self.damaged.lock();
        damaged.remove(hash);
        self.known.store(damaged.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use deltastore_format::SegmentId;

    use super::*;
    use deltastore_segment::vfs::SimClock;

    const HASH: Hash = Hash([7; 32]);

    fn at(offset: u64) -> Position {
        Position { segment: SegmentId(1), offset }
    }

    #[test]
    fn verified_is_said_of_one_position_for_a_time() {
        let clock = Arc::new(SimClock::new(1_000));
        let known = Soundness::new(Arc::clone(&clock) as Arc<dyn Clock>, 500);
        assert!(!known.is_verified(&HASH, at(64)));
        known.verified(&HASH, at(64));
        assert!(known.is_verified(&HASH, at(64)));
        assert!(!known.is_verified(&HASH, at(128)), "another record of the same hash");
        clock.advance(499);
        assert!(known.is_verified(&HASH, at(64)));
        clock.advance(1);
        assert!(!known.is_verified(&HASH, at(64)));
        let never = Soundness::new(clock, 0);
        never.verified(&HASH, at(64));
        assert!(!never.is_verified(&HASH, at(64)));
    }

    #[test]
    fn what_could_not_be_read_is_not_verified_and_what_was_read_is_not_damaged() {
        let known = Soundness::new(Arc::new(SimClock::new(1_000)), 500);
        known.verified(&HASH, at(64));
        assert!(known.damaged(&HASH, at(64)), "news");
        assert!(!known.damaged(&HASH, at(64)), "no news");
        assert!(known.is_damaged(&HASH, at(64)) && !known.is_verified(&HASH, at(64)));
        assert!(!known.is_damaged(&HASH, at(128)), "another record of the same hash");
        known.verified(&HASH, at(64));
        assert!(!known.is_damaged(&HASH, at(64)));
        assert_eq!(known.counts(), (0, 0));
        known.damaged(&HASH, at(64));
        known.healed(&HASH);
        assert_eq!(known.counts(), (0, 1));
    }
}
