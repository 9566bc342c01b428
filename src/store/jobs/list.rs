//! All jobs of one store, by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::state::JobState;
use super::status::{JobError, JobStatus};

/// All jobs of one store.
#[derive(Default)]
pub struct Jobs {
    stopping: AtomicBool,
    all: Mutex<Vec<Arc<JobState>>>,
}

impl Jobs {
    /// All jobs, in the order of their names.
    pub fn list(&self) -> Vec<JobStatus> {
        let mut jobs: Vec<_> = self.all.lock().iter().map(|job| job.status()).collect();
        jobs.sort_unstable_by_key(|job| job.name);
        jobs
    }

    /// Has a job look for work at once, if there is such a job.
    pub fn wake(&self, name: &str) {
        if let Ok(job) = self.find(name) {
            job.wake();
        }
    }

    /// Runs a job at once, or again if it is under way already.
    ///
    /// # Errors
    /// [`JobError::Unknown`], [`JobError::Paused`], [`JobError::Ended`].
    pub fn run(&self, name: &str) -> Result<(), JobError> {
        self.find(name)?.run_by_hand()
    }

    /// Interrupts a job and keeps it from running, until it is resumed or the server restarts.
    ///
    /// # Errors
    /// [`JobError::Unknown`].
    pub fn pause(&self, name: &str) -> Result<(), JobError> {
        self.find(name)?.set_paused(true);
        Ok(())
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// [`JobError::Unknown`].
    pub fn resume(&self, name: &str) -> Result<(), JobError> {
        self.find(name)?.set_paused(false);
        Ok(())
    }

    /// Interrupts jobs, those that are there, and keeps them from running until what is answered is dropped.
    pub fn hold(&self, names: &[&str]) -> Held {
        let held: Vec<_> = names.iter().filter_map(|name| self.find(name).ok()).collect();
        held.iter().for_each(|job| job.hold());
        Held(held)
    }

    /// Whether a job of that name has a thread.
    pub fn is_alive(&self, name: &str) -> bool {
        self.find(name).is_ok_and(|job| !job.has_ended())
    }

    /// True once all are told to stop.
    pub fn stopping(&self) -> &AtomicBool {
        &self.stopping
    }

    /// Tells all jobs to stop, those too that are started later. Waits for none.
    pub fn stop_all(&self) {
        let all = self.all.lock();
        self.stopping.store(true, Ordering::Relaxed);
        all.iter().for_each(|job| job.stop());
    }

    fn find(&self, name: &str) -> Result<Arc<JobState>, JobError> {
        let all = self.all.lock();
        let found = all.iter().find(|job| job.name() == name);
        found.cloned().ok_or_else(|| JobError::Unknown(name.to_owned()))
    }

    /// Adds a job, in place of one of the same name that has ended.
    pub(super) fn add(&self, job: &Arc<JobState>) -> Result<(), JobError> {
        let mut all = self.all.lock();
        if all.iter().any(|other| other.name() == job.name() && !other.has_ended()) {
            return Err(JobError::Running(job.name()));
        }
        all.retain(|other| other.name() != job.name());
        all.push(Arc::clone(job));
        if self.stopping.load(Ordering::Relaxed) {
            job.stop();
        }
        Ok(())
    }
}

/// Jobs that are held; see [`Jobs::hold`].
pub struct Held(Vec<Arc<JobState>>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.iter().for_each(|job| job.release());
    }
}
