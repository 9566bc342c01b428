//! Parity on a running server: a job that writes it, and one that reads all that has it.

use std::time::{Duration, Instant};

use deltastore_format::Position;

use super::mend::MendReport;
use super::pass::ParityOptions;
use super::report::ParityReport;
use crate::store::jobs::{Job, Next, Outcome, Priority, Run};
use crate::store::{Store, StoreError};

/// From one pass to the next: it reads the whole index, and comes only after something was written.
const PASS_PAUSE: Duration = Duration::from_secs(600);
/// From one pass that ends a short active segment to the next.
const END_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// A segment that has reached one part in so many of its length may end at any pass.
const LONG_SHARE: u64 = 16;
/// From one reading of all that has parity to the next.
const SCRUB_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// Records read before there is room made for clients again.
const SCRUB_RECORDS: u64 = 64;

/// Gives parity to what many objects depend on.
pub struct ParityPass {
    pause: Duration,
    last: Option<(Instant, Option<Position>)>,
    ended_active: Option<Instant>,
}

impl ParityPass {
    /// The name of the job, which runs of the optimizer by hand hold.
    pub const JOB: &'static str = "parity";

    /// Looks every `pause` whether a pass is due.
    pub fn new(pause: Duration) -> Self {
        Self { pause, last: None, ended_active: None }
    }

    /// What a pass may do, if it is due.
    fn due(&mut self, store: &Store, by_hand: bool) -> Option<ParityOptions> {
        let applied = store.index().applied().unwrap_or_default();
        if !by_hand && self.last.is_some_and(|(at, seen)| at.elapsed() < PASS_PAUSE || seen == applied) {
            return None;
        }
        self.last = Some((Instant::now(), applied));
        // Short segments are to be few: a small store has one more a day.
        let long = applied.is_some_and(|applied| applied.offset >= store.settings().segment_bytes / LONG_SHARE);
        let end_active = long || self.ended_active.is_none_or(|at| at.elapsed() >= END_PAUSE);
        if end_active {
            self.ended_active = Some(Instant::now());
        }
        Some(ParityOptions { dry_run: false, end_active })
    }

    fn pass(options: ParityOptions, run: &Run<'_, Store>) -> Result<ParityReport, StoreError> {
        let (store, mut done) = (run.store(), ParityReport::default());
        if !store.index().hidden()?.any() {
            let mut report =
                |done: &ParityReport| run.progress(format!("{} of {} have parity now", done.parity, done.shared));
            store.keep_parity(options, run.stop(), &|| run.make_room(), &mut done, &mut report)?;
        }
        Ok(done)
    }
}

impl Job<Store> for ParityPass {
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
        let (store, next) = (run.store(), Next::After(self.pause));
        // While the optimizer is at work there is more to come.
        let Some(_one_at_a_time) = store.optimizer().try_alone() else { return Outcome::idle(next) };
        let Some(options) = self.due(store, run.by_hand()) else { return Outcome::idle(next) };
        match Self::pass(options, run) {
            Ok(done) if done.parity > 0 => {
                tracing::info!(parity = done.parity, parity_bytes = done.parity_bytes, "parity was written");
                Outcome::done(next, format!("{} blobs, {} bytes of parity", done.parity, done.parity_bytes))
            }
            Ok(_) => Outcome::idle(next),
            Err(error) => Outcome::failed(next, error),
        }
    }
}

/// Reads all records that have parity, and the parity, and repairs what is damaged.
pub struct Scrub;

impl Job<Store> for Scrub {
    fn name(&self) -> &'static str {
        "scrub"
    }

    fn priority(&self) -> Priority {
        Priority::Lowest
    }

    fn first(&self) -> Next {
        Next::After(SCRUB_PAUSE)
    }

    fn run(&mut self, run: &Run<'_, Store>) -> Outcome {
        let mut report = |done: &MendReport| {
            if done.checked.is_multiple_of(SCRUB_RECORDS) {
                run.progress(format!("{} records read", done.checked));
                run.make_room();
            }
        };
        match run.store().mend_all(false, run.stop(), &mut report) {
            Ok(done) => {
                if done.mended + done.dropped + done.lost > 0 {
                    tracing::warn!(
                        checked = done.checked,
                        mended = done.mended,
                        parity_dropped = done.dropped,
                        lost = done.lost,
                        "damage was found among what many objects depend on"
                    );
                } else {
                    tracing::info!(checked = done.checked, "what many objects depend on was read and is whole");
                }
                let MendReport { checked, mended, dropped, lost } = done;
                let what = format!("{checked} records read, {mended} repaired, {dropped} parity dropped, {lost} lost");
                Outcome::done(Next::After(SCRUB_PAUSE), what)
            }
            Err(error) => Outcome::failed(Next::After(SCRUB_PAUSE), error),
        }
    }
}
