//! Background work: what a job is, and all jobs of one store.
//!
//! A job does a piece of work whenever [`Job::run`] is called and answers when it is to be called again. The runner
//! gives it a thread of its own, so that one which takes hours keeps no other waiting; an administrator lists, pauses,
//! resumes and runs jobs by name (`s3/admin/jobs.rs`). A new job is a file with a [`Job`] in it and the line that
//! starts it.
//!
//! Invariants
//! - There is one way to stop: the flag [`Run::stop`], which the job looks at often. It is set when the store stops its
//!   background work, when the job is paused or held, and when its handle is dropped.
//! - A job that waits holds no handle on the store. One that is interrupted is run again once it may go on.
//! - No two jobs of one name are under way.
//!
//! Failure cases: an error is logged, kept for who lists jobs, and the job comes back after the pause that it asks for.
//! A job that panics ends, and says so.

mod budget;
mod runner;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

pub use budget::{Priority, make_room, rest};
pub use runner::{JobHandle, StopOnDrop};

use super::Store;
use runner::JobState;

/// See the module.
pub trait Job: Send + 'static {
    /// Its name for administrators: words joined by `-`.
    fn name(&self) -> &'static str;

    /// Of its thread.
    fn priority(&self) -> Priority;

    /// When it is run first.
    fn first(&self) -> Next;

    /// Does what there is to do, until there is nothing more or it is to stop.
    fn run(&mut self, run: &Run<'_>) -> Outcome;
}

/// When a job is to be run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// After so long, unless it is woken before.
    After(Duration),
    /// When it is woken: by [`Jobs::wake`], or by hand.
    Woken,
    /// Never: its thread ends.
    End,
}

/// What a run came to.
pub struct Outcome {
    pub next: Next,
    /// What was done, in a few words; nothing when there was nothing to do.
    pub result: Result<Option<String>, Box<dyn Error + Send + Sync>>,
}

impl Outcome {
    /// Nothing was to be done.
    pub fn idle(next: Next) -> Self {
        Self { next, result: Ok(None) }
    }

    pub fn done(next: Next, what: String) -> Self {
        Self { next, result: Ok(Some(what)) }
    }

    pub fn failed(next: Next, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { next, result: Err(error.into()) }
    }
}

/// What a job is given while it runs.
pub struct Run<'a> {
    store: &'a Store,
    state: &'a JobState,
    by_hand: bool,
}

impl Run<'_> {
    pub fn store(&self) -> &Store {
        self.store
    }

    /// True once the job is to stop.
    pub fn stop(&self) -> &AtomicBool {
        self.state.interrupt()
    }

    pub fn stops(&self) -> bool {
        self.stop().load(Ordering::Relaxed)
    }

    /// Whether an administrator asked for this run: what is otherwise done now and then is due.
    pub fn by_hand(&self) -> bool {
        self.by_hand
    }

    /// Waits until clients leave room, or long enough.
    pub fn make_room(&self) {
        make_room(self.store, self.stop());
    }

    /// Tells who lists jobs how far it is.
    pub fn progress(&self, text: String) {
        self.state.set_progress(text);
    }
}

/// A job as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobStatus {
    pub name: &'static str,
    pub priority: Priority,
    pub state: Activity,
    /// Of the run under way.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub progress: String,
    /// Runs since start that found something to do, or failed.
    pub runs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
}

/// What a job is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    Waiting,
    Running,
    /// By an administrator.
    Paused,
    /// While other work is under way that is to be alone.
    Held,
    Ended,
}

/// The last run that found something to do, or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastRun {
    /// In milliseconds since the Unix epoch.
    pub ended_ms: u64,
    pub took_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Why a job was not started, or not told something.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("there is no job {0:?}")]
    Unknown(String),
    #[error("{0} is under way already")]
    Running(&'static str),
    #[error("{0} is paused: resume it first")]
    Paused(&'static str),
    #[error("{0} has ended")]
    Ended(&'static str),
    #[error("no thread could be started: {0}")]
    Thread(#[from] std::io::Error),
}

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
    fn add(&self, job: &Arc<JobState>) -> Result<(), JobError> {
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

impl Store {
    /// Starts a job: on a thread of its own, until its handle is dropped.
    ///
    /// # Errors
    /// [`JobError::Running`], [`JobError::Thread`].
    pub fn start_job(&self, job: impl Job) -> Result<JobHandle, JobError> {
        let state = Arc::new(JobState::new(job.name(), job.priority()));
        self.jobs().add(&state)?;
        runner::start(self, job, state)
    }
}
