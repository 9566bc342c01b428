//! The collector of a running server: it collects once after a start, after deletions, and for as long as the disk is
//! full or a run left something behind.
//!
//! It also looks whether a full disk is full still, since writes that are refused are sent no more by a careful client.

use std::time::{Duration, Instant};

use super::options::CollectOptions;
use super::report::CollectReport;
use crate::store::Store;
use crate::store::bugs::Bug;
use crate::store::jobs::{Job, Next, Outcome, Priority, Run, rest};

/// A collection may take at most this share of the time: the pause after it is so many times its length.
const IDLE_FACTOR: u32 = 20;
/// The same while the disk is full: then space counts for more than the time of the processor.
const FULL_FACTOR: u32 = 2;
/// Pause before the first run after a start, and after a run that left something behind; doubled after each run that
/// freed nothing.
const RETRY: Duration = Duration::from_secs(1);
/// Longest such pause: what held something back, or took the room that a compaction needs, is gone at any moment.
const MAX_RETRY: Duration = Duration::from_secs(10);

/// See the module.
pub struct Collector {
    pause: Duration,
    retry: Duration,
    /// The count of what makes garbage, as of the last run; none before the first.
    seen: Option<u64>,
    /// The last run left something behind that a later one may free.
    left: bool,
    full: bool,
}

impl Collector {
    /// Collects every `pause` at most.
    pub fn new(pause: Duration) -> Self {
        Self { pause, retry: RETRY.min(pause), seen: None, left: false, full: false }
    }

    /// One collection: whether it gave space back, and what it did.
    fn collect(&mut self, run: &Run<'_, Store>, removals: u64) -> (bool, Outcome) {
        let store = run.store();
        // A full disk takes nothing new until something is given back: then every byte is worth its copying.
        let options = if self.full {
            store.blobs().clear_disk_cache();
            CollectOptions::THOROUGH
        } else {
            CollectOptions::BACKGROUND
        };
        let mut report = |done: &CollectReport| {
            run.progress(format!("{} blobs dropped, {} segments removed", done.blobs, done.segments));
        };
        match store.collect_until(options, run.stop(), &mut report) {
            Ok(done) => {
                self.seen = Some(removals);
                self.left = done.postponed > 0 || done.segments_without_room > 0;
                // A line that says nothing happened would be one every pause.
                let outcome = if done.blobs > 0 || done.segments > 0 {
                    tracing::info!(
                        blobs = done.blobs,
                        segments = done.segments,
                        freed_bytes = done.freed_bytes,
                        moved_bytes = done.moved_bytes,
                        "collected garbage"
                    );
                    let (blobs, segments, freed) = (done.blobs, done.segments, done.freed_bytes);
                    Outcome::done(Next::Woken, format!("{blobs} blobs, {segments} segments, {freed} bytes freed"))
                } else {
                    Outcome::idle(Next::Woken)
                };
                (done.freed_bytes > 0, outcome)
            }
            Err(error) => {
                self.left = true;
                (false, Outcome::failed(Next::Woken, error))
            }
        }
    }
}

impl Job<Store> for Collector {
    fn name(&self) -> &'static str {
        "collect"
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn first(&self) -> Next {
        Next::After(self.retry)
    }

    /// Looks whether there is something to do, does it, and decides when to look again.
    fn run(&mut self, run: &Run<'_, Store>) -> Outcome {
        let store = run.store();
        let removals = store.garbage_made();
        if store.bugs().has(Bug::CollectorGivesUp) {
            self.left = false;
            self.seen.get_or_insert(0);
        } else {
            self.full = store.look_for_space();
        }
        if self.seen == Some(removals) && !self.left && !self.full && !run.by_hand() {
            return Outcome::idle(Next::After(self.pause));
        }
        if self.seen != Some(removals) {
            self.retry = RETRY.min(self.pause);
        }
        let start = Instant::now();
        let (freed, outcome) = self.collect(run, removals);
        self.retry = if freed { RETRY } else { self.retry * 2 }.min(if self.left { MAX_RETRY } else { self.pause });
        let (pause, factor) =
            if self.left || self.full { (self.retry, FULL_FACTOR) } else { (self.pause, IDLE_FACTOR) };
        let next = Next::After(pause.min(self.pause).max(rest(start.elapsed(), factor)));
        Outcome { next, ..outcome }
    }
}
