//! The background collector: one thread that collects after deletions, and sleeps otherwise.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::{CollectOptions, CollectReport};
use crate::store::{Inner, Store};

/// A collection may take at most this share of the time: the pause after it is so many times its length.
const IDLE_FACTOR: u32 = 20;

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
            let mut wait = pause;
            let mut seen = 0;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let Some(store) = store.upgrade().map(Store) else { break };
                let removals = store.inner().status.removals();
                wait = pause;
                if removals == seen {
                    continue;
                }
                // A full disk takes nothing new until something is given back: then every byte is worth its copying.
                let full = store.inner().status.full();
                let options = if full { CollectOptions::THOROUGH } else { CollectOptions::BACKGROUND };
                let start = Instant::now();
                match store.collect(options, &mut |_| ()) {
                    Ok(done) => {
                        seen = removals;
                        // A line that says nothing happened would be one every pause.
                        if done != CollectReport::default() {
                            tracing::info!(
                                blobs = done.blobs,
                                segments = done.segments,
                                freed_bytes = done.freed_bytes,
                                moved_bytes = done.moved_bytes,
                                "collected garbage"
                            );
                        }
                    }
                    Err(_) if store.is_stopping() => {}
                    Err(error) => tracing::warn!(%error, "garbage collection failed; it is tried again"),
                }
                wait = wait.max(start.elapsed() * IDLE_FACTOR);
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
