//! What background work may take of the machine: it yields to clients.
//!
//! Of the processor, a job gets what its thread's priority leaves it, and rests after a run in proportion to its
//! length. Of the disk and the processor alike, it waits before each object or batch until clients leave room.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::store::Store;

/// From one look at what is done for clients to the next.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Looks in a row that must find nothing under way.
const QUIET_LOOKS: u32 = 10;
/// Looks after which a job goes on all the same: once a minute on a server that never rests.
const MAX_LOOKS: u32 = 1200;

/// The priority of a job's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// The server's own: for what takes little, or what clients wait for.
    Normal,
    /// About a third of what a client's work gets where both want the same core.
    Low,
    /// The lowest that the system gives.
    Lowest,
}

impl Priority {
    /// Gives it to the calling thread. On Linux priorities are a thread's own, and its children's.
    pub(super) fn apply(self) {
        let by = match self {
            Self::Normal => return,
            Self::Low => 5,
            Self::Lowest => 19,
        };
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), by) {
            tracing::warn!(%error, "a background thread keeps the server's priority");
        }
        #[cfg(not(target_os = "linux"))]
        let _ = by;
    }
}

/// The rest after a run that took so long, of so many times its length: what runs takes at most that share of the time.
pub fn rest(took: Duration, factor: u32) -> Duration {
    took.saturating_mul(factor)
}

/// Waits until nothing was done for clients for a while, or long enough.
pub fn make_room(store: &Store, stop: &AtomicBool) {
    let (mut quiet, mut looks) = (0, 0);
    while quiet < QUIET_LOOKS && looks < MAX_LOOKS && !stop.load(Ordering::Relaxed) {
        let idle = store.encode_pool().is_idle() && store.read_pool().is_idle();
        quiet = if idle { quiet + 1 } else { 0 };
        looks += 1;
        std::thread::sleep(POLL_INTERVAL);
    }
}
