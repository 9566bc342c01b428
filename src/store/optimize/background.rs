//! The background optimizer of a running server: one thread that works while clients leave room.
//!
//! It runs at the lowest priority that the system gives, on one thread, and waits while clients are being served faster
//! than now and then. What landed less than a minute ago is left alone: much of it is replaced or deleted soon.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deltastore_format::Position;

use super::OptimizeOptions;
use crate::store::thread::{Lent, Stoppable, sleep};
use crate::store::{MendReport, Store};

/// The lowest priority that the system gives.
const LOWEST: i32 = 19;
/// A look for new versions may take at most this share of the time: the pause after it is so many times its length.
const IDLE_FACTOR: u32 = 4;
/// Between two looks at what is done for clients.
const LOOK: Duration = Duration::from_millis(50);
/// Looks in a row that must find nothing under way.
const QUIET_LOOKS: u32 = 10;
/// Looks after which the next object has its turn all the same: one a minute on a server that never rests.
const MOST_LOOKS: u32 = 1200;
/// From one search for retired references to the next: it reads the index of all windows.
const SEARCH_PAUSE: Duration = Duration::from_secs(600);
/// From one pass for parity that ends a short active segment to the next.
const END_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// A segment that has reached one part in so many of its length may end at any pass.
const LONG_SHARE: u64 = 16;
/// From one reading of all that has parity to the next.
const SCRUB_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// Records read before there is room made for clients again.
const SCRUB_RECORDS: u64 = 64;
/// Age from which on a version is optimized.
const SETTLED: Duration = Duration::from_secs(60);

/// The running thread; dropping it stops and joins it.
pub struct Optimizer(#[expect(dead_code, reason = "held to be dropped")] Stoppable);

impl Optimizer {
    /// Starts looking for work every `pause`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(store: &Store, pause: Duration) -> std::io::Result<Self> {
        let work = move |lent: Lent, stop: &AtomicBool| {
            lower_priority(LOWEST);
            let mut wait = pause;
            // What was removed before the start is not known: there is a search soon after it.
            let (mut removals, mut searched) = (u64::MAX, None::<Instant>);
            let (mut parity, mut scrubbed) = (ParityTurns::default(), Instant::now());
            while !sleep(wait, stop) {
                let Some(store) = lent.store() else { break };
                let start = Instant::now();
                let due = searched.is_none_or(|last| last.elapsed() >= SEARCH_PAUSE);
                let search = due && store.inner().status.removals() != removals;
                if search {
                    (removals, searched) = (store.inner().status.removals(), Some(start));
                }
                run(&store, !search, parity.next(&store), stop);
                if scrubbed.elapsed() >= SCRUB_PAUSE {
                    scrubbed = Instant::now();
                    scrub(&store, stop);
                }
                wait = pause.max(start.elapsed() * IDLE_FACTOR).min(pause * 20);
            }
        };
        Stoppable::start("optimize", store, work).map(Self)
    }
}

/// When the pass for parity is due: like the search for retired references it reads the whole index, so it comes at
/// most as often, and only after something was written.
#[derive(Default)]
struct ParityTurns {
    last: Option<(Instant, Option<Position>)>,
    ended_active: Option<Instant>,
}

/// Whether there is a pass, and whether the active segment may end for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    No,
    SpareActive,
    EndActive,
}

impl ParityTurns {
    fn next(&mut self, store: &Store) -> Turn {
        let applied = store.index().applied().unwrap_or_default();
        if self.last.is_some_and(|(at, seen)| at.elapsed() < SEARCH_PAUSE || seen == applied) {
            return Turn::No;
        }
        self.last = Some((Instant::now(), applied));
        // Short segments are to be few: a small store has one more a day.
        let long = applied.is_some_and(|applied| applied.offset >= store.settings().segment_bytes / LONG_SHARE);
        if !long && self.ended_active.is_some_and(|at| at.elapsed() < END_PAUSE) {
            return Turn::SpareActive;
        }
        self.ended_active = Some(Instant::now());
        Turn::EndActive
    }
}

fn run(store: &Store, keep_retired: bool, parity: Turn, stop: &AtomicBool) {
    let settled = u64::try_from(SETTLED.as_millis()).unwrap_or(u64::MAX);
    let options = OptimizeOptions {
        changed_before_ms: store.clock().now_ms().saturating_sub(settled),
        threads: 1,
        yields: true,
        keep_retired,
        skip_parity: parity == Turn::No,
        spare_active: parity != Turn::EndActive,
        ..OptimizeOptions::default()
    };
    match store.optimize(&options, stop, &mut |_| ()) {
        Ok(done) if done.objects + done.rotated + done.parity + done.mended > 0 => tracing::info!(
            objects = done.objects,
            bytes = done.bytes,
            written_bytes = done.written_bytes,
            rotated = done.rotated,
            rotated_bytes = done.rotated_bytes,
            parity = done.parity,
            parity_bytes = done.parity_bytes,
            mended = done.mended,
            "optimized"
        ),
        Ok(_) => {}
        Err(_) if stop.load(Ordering::Relaxed) => {}
        Err(error) => tracing::warn!(%error, "optimizing failed; it is tried again"),
    }
}

/// Reads all records that have parity, and the parity, and repairs what is damaged.
fn scrub(store: &Store, stop: &AtomicBool) {
    let mut report = |done: &MendReport| {
        if done.checked.is_multiple_of(SCRUB_RECORDS) {
            wait_for_room(store, stop);
        }
    };
    match store.mend_all(false, stop, &mut report) {
        Ok(done) if done.mended + done.dropped + done.lost > 0 => tracing::warn!(
            checked = done.checked,
            mended = done.mended,
            parity_dropped = done.dropped,
            lost = done.lost,
            "damage was found among what many objects depend on"
        ),
        Ok(done) => tracing::info!(checked = done.checked, "what many objects depend on was read and is whole"),
        Err(error) => tracing::warn!(%error, "what many objects depend on could not be checked"),
    }
}

/// Waits until nothing was done for clients for a while, or long enough.
pub fn wait_for_room(store: &Store, stop: &AtomicBool) {
    let (mut quiet, mut looks) = (0, 0);
    while quiet < QUIET_LOOKS && looks < MOST_LOOKS && !store.ends(true, stop) {
        let idle = store.encode_pool().is_idle() && store.read_pool().is_idle();
        quiet = if idle { quiet + 1 } else { 0 };
        looks += 1;
        std::thread::sleep(LOOK);
    }
}

/// Gives the calling thread a priority below the server's, 1 to 19. On Linux priorities are a thread's own, and its
/// children's.
pub fn lower_priority(by: i32) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), by) {
        tracing::warn!(%error, "a thread of the optimizer keeps the server's priority");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = by;
}
