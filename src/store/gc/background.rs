//! The background collector: one thread that collects once after a start, after deletions, and for as long as the disk
//! is full or a run left something behind; it sleeps otherwise.
//!
//! It also looks whether a full disk is full still, since writes that are refused are sent no more by a careful client.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::CollectOptions;
use crate::store::bugs::Bug;
use crate::store::{Inner, Store};

/// A collection may take at most this share of the time: the pause after it is so many times its length.
const IDLE_FACTOR: u32 = 20;
/// The same while the disk is full: then space counts for more than the time of the processor.
const FULL_FACTOR: u32 = 2;
/// Pause before the first run after a start, and after a run that left something behind; doubled after each run that
/// freed nothing.
const RETRY: Duration = Duration::from_secs(1);
/// Longest such pause: what held something back, or took the room that a compaction needs, is gone at any moment.
const MAX_RETRY: Duration = Duration::from_secs(10);

/// The running thread; dropping it stops and joins it.
pub struct Background {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts collecting every `pause` at most.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(store: &Store, pause: Duration) -> std::io::Result<Self> {
        let (stop, stopped) = bounded::<()>(0);
        let store: Weak<Inner> = Arc::downgrade(store.inner());
        let thread = std::thread::Builder::new().name("collect".into()).spawn(move || {
            let mut state = State::new(pause);
            while stopped.recv_timeout(state.wait) == Err(RecvTimeoutError::Timeout) {
                let Some(store) = store.upgrade().map(Store) else { break };
                state.turn(&store);
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// What the thread knows from one look to the next.
struct State {
    pause: Duration,
    wait: Duration,
    retry: Duration,
    /// The count of what makes garbage, as of the last run; none before the first.
    seen: Option<u64>,
    /// The last run left something behind that a later one may free.
    left: bool,
    full: bool,
}

impl State {
    fn new(pause: Duration) -> Self {
        let retry = RETRY.min(pause);
        Self { pause, wait: retry, retry, seen: None, left: false, full: false }
    }

    /// Looks whether there is something to do, does it, and decides when to look again.
    fn turn(&mut self, store: &Store) {
        let bugs = store.inner().bugs;
        let removals = store.inner().garbage_made();
        if bugs.has(Bug::CollectorGivesUp) {
            self.left = false;
            self.seen.get_or_insert(0);
        } else {
            self.full = store.look_for_space();
        }
        if self.seen == Some(removals) && !self.left && !self.full {
            self.wait = self.pause;
            return;
        }
        if self.seen != Some(removals) {
            self.retry = RETRY.min(self.pause);
        }
        let start = Instant::now();
        let freed = self.run(store, removals);
        self.retry = if freed { RETRY } else { self.retry * 2 }.min(if self.left { MAX_RETRY } else { self.pause });
        let (pause, factor) =
            if self.left || self.full { (self.retry, FULL_FACTOR) } else { (self.pause, IDLE_FACTOR) };
        self.wait = pause.min(self.pause).max(start.elapsed() * factor);
    }

    /// One collection; true when it gave space back.
    fn run(&mut self, store: &Store, removals: u64) -> bool {
        // A full disk takes nothing new until something is given back: then every byte is worth its copying.
        let options = if self.full {
            store.inner().blobs.clear_disk_cache();
            CollectOptions::THOROUGH
        } else {
            CollectOptions::BACKGROUND
        };
        match store.collect(options, &mut |_| ()) {
            Ok(done) => {
                self.seen = Some(removals);
                self.left = done.postponed > 0 || done.segments_without_room > 0;
                // A line that says nothing happened would be one every pause.
                if done.blobs > 0 || done.segments > 0 {
                    tracing::info!(
                        blobs = done.blobs,
                        segments = done.segments,
                        freed_bytes = done.freed_bytes,
                        moved_bytes = done.moved_bytes,
                        "collected garbage"
                    );
                }
                done.freed_bytes > 0
            }
            Err(_) if store.is_stopping() => false,
            Err(error) => {
                tracing::warn!(%error, "garbage collection failed; it is tried again");
                self.left = true;
                false
            }
        }
    }
}
