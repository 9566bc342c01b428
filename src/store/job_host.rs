//! How jobs are started on a store.

use super::handle::Store;
use super::jobs::{Job, JobError, JobHandle, Run};

impl Run<'_, Store> {
    /// The store that the job works on.
    pub fn store(&self) -> &Store {
        self.host()
    }
}

impl Store {
    /// Starts a job: on a thread of its own, until its handle is dropped.
    ///
    /// # Errors
    /// [`JobError::Running`], [`JobError::Thread`].
    pub fn start_job(&self, job: impl Job<Store>) -> Result<JobHandle, JobError> {
        self.jobs().start(self, job)
    }
}
