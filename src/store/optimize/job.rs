//! The optimizer of a running server: it works while clients leave room.
//!
//! What landed less than a minute ago is left alone: much of it is replaced or deleted soon.

use std::time::{Duration, Instant};

use super::options::OptimizeOptions;
use crate::store::Store;
use crate::store::jobs::{Job, Next, Outcome, Priority, Run, rest};

/// A look for new versions may take at most this share of the time: the pause after it is so many times its length.
const IDLE_FACTOR: u32 = 4;
/// So many pauses are the longest one.
const MAX_PAUSES: u32 = 20;
/// From one search for orphaned bases to the next: it reads the index of all windows.
const SEARCH_PAUSE: Duration = Duration::from_secs(600);
/// Age from which on a version is optimized.
const SETTLED: Duration = Duration::from_secs(60);

/// See the module.
pub struct Optimizer {
    pause: Duration,
    /// What was removed before the start is not known: there is a search soon after it.
    removals: Option<u64>,
    searched: Option<Instant>,
}

impl Optimizer {
    /// The name of the job, which runs by hand hold.
    pub const JOB: &'static str = "optimize";

    /// Looks for work every `pause`.
    pub fn new(pause: Duration) -> Self {
        Self { pause, removals: None, searched: None }
    }

    fn searches(&mut self, run: &Run<'_, Store>, now: Instant) -> bool {
        let removals = run.store().status().removals();
        let due = run.by_hand() || self.searched.is_none_or(|last| last.elapsed() >= SEARCH_PAUSE);
        let searches = due && self.removals != Some(removals);
        if searches {
            (self.removals, self.searched) = (Some(removals), Some(now));
        }
        searches
    }
}

impl Job<Store> for Optimizer {
    fn name(&self) -> &'static str {
        Self::JOB
    }

    fn priority(&self) -> Priority {
        Priority::Lowest
    }

    fn first(&self) -> Next {
        Next::After(self.pause)
    }

    fn run(&mut self, run: &Run<'_, Store>) -> Outcome {
        let (store, start) = (run.store(), Instant::now());
        let settled = u64::try_from(SETTLED.as_millis()).unwrap_or(u64::MAX);
        let options = OptimizeOptions {
            changed_before_ms: store.clock().now_ms().saturating_sub(settled),
            threads: 1,
            yields: true,
            keep_orphans: !self.searches(run, start),
            skip_parity: true,
            ..OptimizeOptions::default()
        };
        let optimized = store.optimize(&options, run.stop(), &mut |done| {
            run.progress(format!("{} of {} objects, {} windows rebased", done.objects, done.found, done.rebased));
        });
        let next = Next::After(self.pause.max(rest(start.elapsed(), IDLE_FACTOR)).min(self.pause * MAX_PAUSES));
        match optimized {
            Ok(done) if done.objects + done.rebased + done.mended > 0 => {
                tracing::info!(
                    objects = done.objects,
                    bytes = done.bytes,
                    written_bytes = done.written_bytes,
                    rebased = done.rebased,
                    rebased_bytes = done.rebased_bytes,
                    mended = done.mended,
                    "optimized"
                );
                let (objects, bytes, written) = (done.objects, done.bytes, done.written_bytes);
                let (rebased, mended) = (done.rebased, done.mended);
                Outcome::done(
                    next,
                    format!(
                        "{objects} objects of {bytes} bytes in {written}, {rebased} windows rebased, {mended} repaired"
                    ),
                )
            }
            Ok(_) => Outcome::idle(next),
            Err(error) => Outcome::failed(next, error),
        }
    }
}
