//! A thread that works for a store until its handle is dropped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Inner, Store};

/// The handle; dropping it tells the thread to stop, and waits for that.
pub struct Stoppable {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Sleeps in short steps; true when it is time to stop.
pub fn sleep(pause: Duration, stop: &AtomicBool) -> bool {
    let until = Instant::now() + pause;
    while Instant::now() < until {
        if stop.load(Ordering::Relaxed) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100).min(pause));
    }
    stop.load(Ordering::Relaxed)
}

/// What a thread works for; it does not keep the store open while it waits.
pub struct Lent(Weak<Inner>);

impl Lent {
    /// The store, unless it is closed.
    pub fn store(&self) -> Option<Store> {
        self.0.upgrade().map(Store)
    }
}

impl Stoppable {
    /// Runs `work`, which looks every now and then whether it is to stop.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        name: &str,
        store: &Store,
        work: impl FnOnce(Lent, &AtomicBool) + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = store.stop_flag();
        let (stopped, lent) = (Arc::clone(&stop), Lent(Arc::downgrade(store.inner())));
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || work(lent, &stopped))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
