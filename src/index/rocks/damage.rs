//! Damage to the engine's own files that reads meet: noted beside them for the next start, which rebuilds the index.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::index::error::IndexError;

/// A file in the index's folder that says that it is damaged.
const MARK: &str = "DAMAGED";

/// Whether damage was met, on disk too.
pub struct Mark {
    path: PathBuf,
    set: AtomicBool,
}

impl Mark {
    /// # Errors
    /// [`IndexError::Damaged`] if the mark is there.
    pub fn unmarked(index: &Path) -> Result<Self, IndexError> {
        let path = index.join(MARK);
        match std::fs::read_to_string(&path) {
            Ok(message) => Err(IndexError::Damaged { action: "open", message }),
            Err(_) => Ok(Self { path, set: AtomicBool::new(false) }),
        }
    }

    /// The error; the first that is damage leaves the mark.
    pub fn noted(&self, error: IndexError) -> IndexError {
        if error.is_damage() && !self.set.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the index is damaged; it is rebuilt from the segments at the next start");
            if let Err(error) = std::fs::write(&self.path, error.to_string()) {
                tracing::warn!(%error, "that could not be noted; the next start may have to find it again");
            }
        }
        error
    }

    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }
}
