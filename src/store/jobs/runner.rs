//! The thread of a job.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use super::host::Host;
use super::job::{Job, Run};
use super::list::Jobs;
use super::outcome::{Next, Outcome};
use super::state::JobState;
use super::status::JobError;

impl Jobs {
    /// Starts a job: on a thread of its own, until its handle is dropped.
    ///
    /// # Errors
    /// [`JobError::Running`], [`JobError::Thread`].
    pub fn start<H: Host>(&self, host: &H, job: impl Job<H>) -> Result<JobHandle, JobError> {
        let state = Arc::new(JobState::new(job.name(), job.priority()));
        self.add(&state)?;
        let (working, lent) = (Arc::clone(&state), host.lent());
        let spawned = std::thread::Builder::new().name(state.name().into()).spawn(move || {
            let ending = Ending(&working);
            work::<H>(job, &working, &lent);
            drop(ending);
        });
        match spawned {
            Ok(thread) => Ok(JobHandle { state, thread: Some(thread) }),
            Err(error) => {
                state.end();
                Err(error.into())
            }
        }
    }
}

fn work<H: Host>(mut job: impl Job<H>, state: &JobState, lent: &H::Lent) {
    state.priority().apply();
    let mut next = job.first();
    while let Some(by_hand) = state.wait(next) {
        // Not held while the job waits, so that the store is closed by its last user.
        let Some(host) = H::borrowed(lent) else { break };
        let start = Instant::now();
        let run = Run { host: &host, state, by_hand };
        let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| job.run(&run))) else {
            tracing::error!(job = state.name(), "a background job ended by a panic; it is not run again");
            return state.ran(host.now_ms(), start.elapsed(), Err("panicked".into()));
        };
        let Outcome { next: then, result } = outcome;
        next = then;
        let result = result.map_err(|error| error.to_string());
        match &result {
            Err(error) if !run.stops() => tracing::warn!(job = state.name(), %error, "a background job failed"),
            _ => {}
        }
        // What ends because it was interrupted has not failed.
        let result = if run.stops() { result.or(Ok(None)) } else { result };
        state.ran(host.now_ms(), start.elapsed(), result);
        if next == Next::End {
            // Before the job is dropped, which may tell others that it has ended.
            state.end();
        }
    }
}

/// Marks the end of a job, however it comes.
struct Ending<'a>(&'a JobState);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A running job; dropping it tells the job to stop, and waits for that.
pub struct JobHandle {
    state: Arc<JobState>,
    thread: Option<JoinHandle<()>>,
}

impl JobHandle {
    /// Leaves the thread to itself: what is answered tells it to stop when dropped, and does not wait.
    pub fn detach(mut self) -> StopOnDrop {
        self.thread = None;
        StopOnDrop(Arc::clone(&self.state))
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.state.stop();
            // A panic was logged where it happened.
            drop(thread.join());
        }
    }
}

/// Tells a job to stop when dropped.
pub struct StopOnDrop(Arc<JobState>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
