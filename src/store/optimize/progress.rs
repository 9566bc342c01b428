//! What a run of the optimizer is at, for those who watch it: also within one object, which may take minutes.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// What a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// The optimizer of the running server finishes its object first.
    #[default]
    Waiting,
    /// Looking for versions to rewrite.
    Listing,
    /// Making the new form of a version.
    Encoding,
    /// Reading the new form back.
    Comparing,
    /// Looking for orphaned bases.
    Searching,
    /// Giving windows other bases.
    Rebasing,
    /// Writing parity for what many objects depend on.
    Parity,
}

impl Step {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Step::Waiting => "waiting",
            Step::Listing => "listing",
            Step::Encoding => "encoding",
            Step::Comparing => "comparing",
            Step::Searching => "searching",
            Step::Rebasing => "rotating",
            Step::Parity => "parity",
        }
    }
}

/// Told by a run, read by others.
#[derive(Debug, Default)]
pub struct OptimizeProgress {
    at: Mutex<(Step, String)>,
    bytes: AtomicU64,
}

impl OptimizeProgress {
    /// The step, the key of the object if it is about one, and how many of its bytes are done.
    pub fn now(&self) -> (Step, String, u64) {
        let (step, key) = self.at.lock().clone();
        (step, key, self.bytes.load(Ordering::Relaxed))
    }

    pub(super) fn step(&self, step: Step) {
        self.at.lock().0 = step;
        self.bytes.store(0, Ordering::Relaxed);
    }

    pub(super) fn object(&self, key: &str) {
        *self.at.lock() = (Step::Encoding, key.to_owned());
        self.bytes.store(0, Ordering::Relaxed);
    }

    pub(super) fn no_object(&self, step: Step) {
        *self.at.lock() = (step, String::new());
        self.bytes.store(0, Ordering::Relaxed);
    }

    pub(super) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
