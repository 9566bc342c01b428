//! What the log's threads tell of themselves.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use deltastore_segment::vfs::Vfs;
use parking_lot::Mutex;

use crate::store::handoffs::Handoffs;

/// Whether the store takes writes.
#[derive(Default)]
pub struct Status {
    read_only: Mutex<Option<String>>,
    full: AtomicBool,
    removals: AtomicU64,
    /// Why the index takes nothing, while it does not.
    stalled: Mutex<Option<String>>,
    closing: AtomicBool,
    pub handoffs: Handoffs,
}

impl Status {
    /// Why nothing can be written until restart.
    pub fn read_only(&self) -> Option<String> {
        self.read_only.lock().clone()
    }

    /// Why writes wait or are refused for now.
    pub fn stalled(&self) -> Option<String> {
        self.stalled.lock().clone()
    }

    pub(super) fn set_stalled(&self, reason: Option<String>) {
        *self.stalled.lock() = reason;
    }

    /// True once nothing more is waited for.
    pub(super) fn closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(super) fn set_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// True while free space is below the reserve.
    pub fn full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Commits since start that removed something: what makes a collection worth its while.
    pub fn removals(&self) -> u64 {
        self.removals.load(Ordering::Relaxed)
    }

    pub(super) fn count_removal(&self) {
        self.removals.fetch_add(1, Ordering::Relaxed);
    }

    /// Looks whether there is less free space than `reserve`; where that cannot be told, it stays as it was.
    pub fn look_for_space(&self, vfs: &dyn Vfs, dir: &Path, reserve: u64) -> bool {
        match vfs.free_bytes(dir) {
            Ok(free) => self.set_full(free < reserve),
            Err(error) => tracing::warn!(%error, "free space is unknown"),
        }
        self.full()
    }

    pub(super) fn set_full(&self, full: bool) {
        if self.full.swap(full, Ordering::Relaxed) != full {
            if full {
                tracing::warn!("the disk is full: what adds data is refused until there is room");
            } else {
                tracing::info!("there is room on the disk again");
            }
        }
    }

    pub(super) fn poison(&self, reason: String) {
        let mut read_only = self.read_only.lock();
        if read_only.is_none() {
            tracing::error!(%reason, "the store stops taking writes until it is restarted");
            *read_only = Some(reason);
        }
    }
}
