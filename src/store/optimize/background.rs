//! The background optimizer of a running server: one thread that works while clients leave room.
//!
//! It runs at the lowest priority that the system gives, on one thread, and waits while clients are being served faster than
//! now and then. What landed less than a minute ago is left alone: much of it is replaced or deleted soon.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::OptimizeOptions;
use crate::store::Store;
use crate::store::thread::{Lent, Stoppable};

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
            while !sleep(wait, stop) {
                let Some(store) = lent.store() else { break };
                let start = Instant::now();
                let due = searched.is_none_or(|last| last.elapsed() >= SEARCH_PAUSE);
                let search = due && store.inner().status.removals() != removals;
                if search {
                    (removals, searched) = (store.inner().status.removals(), Some(start));
                }
                run(&store, !search, stop);
                wait = pause.max(start.elapsed() * IDLE_FACTOR).min(pause * 20);
            }
        };
        Stoppable::start("optimize", store, work).map(Self)
    }
}

fn run(store: &Store, keep_retired: bool, stop: &AtomicBool) {
    let settled = u64::try_from(SETTLED.as_millis()).unwrap_or(u64::MAX);
    let options = OptimizeOptions {
        changed_before_ms: store.clock().now_ms().saturating_sub(settled),
        threads: 1,
        yields: true,
        keep_retired,
        ..OptimizeOptions::default()
    };
    match store.optimize(&options, stop, &mut |_| ()) {
        Ok(done) if done.objects > 0 || done.rotated > 0 => tracing::info!(
            objects = done.objects,
            bytes = done.bytes,
            written_bytes = done.written_bytes,
            rotated = done.rotated,
            rotated_bytes = done.rotated_bytes,
            "optimized"
        ),
        Ok(_) => {}
        Err(_) if stop.load(Ordering::Relaxed) => {}
        Err(error) => tracing::warn!(%error, "optimizing failed; it is tried again"),
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

/// Sleeps in short steps; true when it is time to stop.
fn sleep(pause: Duration, stop: &AtomicBool) -> bool {
    let until = Instant::now() + pause;
    while Instant::now() < until {
        if stop.load(Ordering::Relaxed) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100).min(pause));
    }
    stop.load(Ordering::Relaxed)
}

/// Gives the calling thread a priority below the server's, 1 to 19. On Linux priorities are a thread's own, and its children's.
pub fn lower_priority(by: i32) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), by) {
        tracing::warn!(%error, "a thread of the optimizer keeps the server's priority");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = by;
}
