//! How background work is told to stop, and how an open store is closed while others still hold it.
//!
//! Order at the end of a server: [`Store::stop_background`] at once, so that what takes long ends while requests drain;
//! then [`Store::close`]. Closing does not wait for who still works with the store: a window that is being encoded for
//! half a minute cannot be interrupted, and nothing of it is in the log yet. What it brings later is refused.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::error::StoreError;
use super::{Index, Store};

/// The flags of all background work of one store.
#[derive(Default)]
pub struct Stops {
    stopping: AtomicBool,
    flags: Mutex<Vec<Weak<AtomicBool>>>,
}

impl Stops {
    fn add(&self) -> Arc<AtomicBool> {
        let mut flags = self.flags.lock();
        flags.retain(|flag| flag.strong_count() > 0);
        let flag = Arc::new(AtomicBool::new(self.stopping.load(Ordering::Relaxed)));
        flags.push(Arc::downgrade(&flag));
        flag
    }

    fn stop(&self) {
        let flags = self.flags.lock();
        self.stopping.store(true, Ordering::Relaxed);
        for flag in flags.iter().filter_map(Weak::upgrade) {
            flag.store(true, Ordering::Relaxed);
        }
    }
}

impl Store {
    /// Tells all background work to stop, without waiting for it. Requests go on.
    pub fn stop_background(&self) {
        self.inner().stops.stop();
    }

    /// A flag for work that [`Store::stop_background`] ends; it may be set by others too.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        self.inner().stops.add()
    }

    /// Was background work told to stop?
    pub fn is_stopping(&self) -> bool {
        self.inner().stops.stopping.load(Ordering::Relaxed)
    }

    /// # Errors
    /// [`StoreError::ReadOnly`] once background work was told to stop.
    pub(super) fn go_on(&self) -> Result<(), StoreError> {
        if self.is_stopping() { Err(StoreError::ReadOnly("closing".into())) } else { Ok(()) }
    }

    /// Closes the store cleanly, whoever still holds it: what waits for a thread is given up, what was written is
    /// synced and marked as the end, the index is flushed. Reads go on, writes are refused.
    pub fn close(&self) {
        self.stop_background();
        let inner = self.inner();
        inner.encode.give_up();
        inner.read.give_up();
        inner.close(Index::end);
    }
}
