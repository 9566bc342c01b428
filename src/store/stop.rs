//! How an open store is closed while others still hold it.
//!
//! Order at the end of a server: [`Store::stop_background`] at once, so that what takes long ends while requests drain;
//! then [`Store::close`]. Closing does not wait for who still works with the store: a window that is being encoded for
//! half a minute cannot be interrupted, and nothing of it is in the log yet. What it brings later is refused.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Store;
use super::error::StoreError;

/// # Errors
/// [`StoreError::ReadOnly`] once the work is to stop.
pub fn go_on(stop: &AtomicBool) -> Result<(), StoreError> {
    if stop.load(Ordering::Relaxed) { Err(StoreError::closing()) } else { Ok(()) }
}

impl Store {
    /// Tells all background work to stop, without waiting for it. Requests go on.
    pub fn stop_background(&self) {
        self.jobs().stop_all();
    }

    /// Was background work told to stop?
    pub fn is_stopping(&self) -> bool {
        self.jobs().stopping().load(Ordering::Relaxed)
    }
}
