//! `POST /_deltastore/optimize`: a line of progress at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, Stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use parking_lot::Mutex;
use s3s::{Body, HttpResponse, S3Error, S3Result, StdError, s3_error};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::query::Query;
use super::state::{Admin, answer};
use crate::s3::error::to_s3_error;
use crate::store::{
    Held, Job, JobError, Next, OptimizeOptions, OptimizeProgress, OptimizeReport, Optimizer, Outcome, ParityPass,
    Priority, Run, StopOnDrop, Store, StoreError,
};

/// The name of the job.
const JOB: &str = "optimize-by-hand";
/// Pause between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// Between two looks whether a run that was told to stop has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What the thread of a run tells those who watch it.
#[derive(Default)]
struct Watched {
    report: Mutex<OptimizeReport>,
    progress: Arc<OptimizeProgress>,
}

/// One run of the optimizer, as a job of its own.
struct ByHand {
    options: OptimizeOptions,
    watched: Arc<Watched>,
    /// The last line and who waits for it: it is sent once there may be another run.
    last: Bytes,
    sender: Option<oneshot::Sender<Bytes>>,
    /// The server's own work steps aside meanwhile.
    _held: Held,
}

impl Job<Store> for ByHand {
    fn name(&self) -> &'static str {
        JOB
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn first(&self) -> Next {
        Next::After(Duration::ZERO)
    }

    fn run(&mut self, run: &Run<'_, Store>) -> Outcome {
        let mut report = |done: &OptimizeReport| {
            run.progress(format!("{} of {} objects", done.objects, done.found));
            *self.watched.report.lock() = *done;
        };
        let (line, outcome) = match run.store().optimize(&self.options, run.stop(), &mut report) {
            Ok(done) if run.stops() => (line(&done, "stopped", None), Outcome::idle(Next::End)),
            Ok(done) => {
                let what = format!("{} objects of {} bytes in {}", done.objects, done.bytes, done.written_bytes);
                (line(&done, "done", None), Outcome::done(Next::End, what))
            }
            Err(error) => (failure(&error), Outcome::failed(Next::End, error)),
        };
        self.last = line;
        outcome
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take().filter(|_| !self.last.is_empty()) {
            // A client that went away reads no last line.
            let _ = sender.send(std::mem::take(&mut self.last));
        }
    }
}

/// Waits for a run that the store told to stop, but not for ever: false if it is under way still.
pub async fn ended(store: &Store, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    while store.jobs().is_alive(JOB) {
        if Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    true
}

impl Admin {
    pub(super) fn optimize(&self, query: Query) -> S3Result<HttpResponse> {
        if let Some(bucket) = &query.bucket {
            self.objects.bucket(bucket).map_err(to_s3_error)?;
        }
        let store = self.objects.store();
        let watched = Arc::new(Watched::default());
        let options = OptimizeOptions {
            bucket: query.bucket,
            policy: query.policy,
            dry_run: query.dry_run,
            threads: 1,
            progress: Arc::clone(&watched.progress),
            ..OptimizeOptions::default()
        };
        let (sender, last) = oneshot::channel::<Bytes>();
        let held = store.jobs().hold(&[Optimizer::JOB, ParityPass::JOB]);
        let job =
            ByHand { options, watched: Arc::clone(&watched), last: Bytes::new(), sender: Some(sender), _held: held };
        // A client that goes away ends it.
        let stop = store.start_job(job).map_err(refusal)?.detach();
        Ok(answer(Body::http_body_unsync(StreamBody::new(lines(watched, stop, last)))))
    }
}

fn refusal(error: JobError) -> S3Error {
    match error {
        JobError::Running(_) => {
            s3_error!(OperationAborted, "Another run of the optimizer is under way: wait until it has ended.")
        }
        error => s3_error!(InternalError, "{error}"),
    }
}

/// A line at each tick, whatever the run is at, and the last one. A client that reads too slowly misses lines, never
/// the last.
fn lines(
    watched: Arc<Watched>,
    stop: StopOnDrop,
    last: oneshot::Receiver<Bytes>,
) -> impl Stream<Item = Result<Frame<Bytes>, StdError>> + Send {
    let mut ticks = interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold(Some((watched, stop, last, ticks)), |state| async move {
        let (watched, stop, mut last, mut ticks): (_, _, _, Interval) = state?;
        tokio::select! {
            biased;
            ended = &mut last => {
                let line = ended.unwrap_or_else(|_| line(&watched.report.lock(), "stopped", None));
                Some((Ok(Frame::data(line)), None))
            }
            _ = ticks.tick() => {
                let line = line(&watched.report.lock(), "running", Some(&watched.progress));
                Some((Ok(Frame::data(line)), Some((watched, stop, last, ticks))))
            }
        }
    })
}

fn line(done: &OptimizeReport, state: &str, progress: Option<&OptimizeProgress>) -> Bytes {
    let mut line = json!({
        "state": state,
        "found": done.found, "found_bytes": done.found_bytes,
        "objects": done.objects, "bytes": done.bytes, "written_bytes": done.written_bytes,
        "changed": done.changed, "damaged": done.damaged,
        "retired_bytes": done.orphaned_bytes, "holders": done.dependents,
        "rotated": done.rebased, "rotated_bytes": done.rebased_bytes,
        "shared": done.shared, "shared_bytes": done.shared_bytes,
        "parity": done.parity, "parity_bytes": done.parity_bytes, "mended": done.mended,
    });
    if let Some(progress) = progress {
        let (step, key, bytes) = progress.now();
        line["at"] = json!({ "step": step.name(), "key": key, "bytes": bytes });
    }
    format!("{line}\n").into()
}

fn failure(error: &StoreError) -> Bytes {
    tracing::warn!(%error, "optimizing failed");
    format!("{}\n", json!({ "state": "failed", "error": error.to_string() })).into()
}
