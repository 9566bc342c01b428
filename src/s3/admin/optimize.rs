//! `POST /_deltastore/optimize`: a line of progress at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, Stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use parking_lot::Mutex;
use s3s::{Body, HttpResponse, S3Result, StdError, s3_error};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::query::Query;
use super::{Admin, answer};
use crate::s3::error::to_s3_error;
use crate::store::{OptimizeOptions, OptimizeProgress, OptimizeReport, Store, StoreError};

/// Pause between two lines of progress.
const PROGRESS: Duration = Duration::from_millis(250);
/// Between two looks whether a run that was told to stop has ended.
const LOOK: Duration = Duration::from_millis(10);

/// The run under way, if there is one.
#[derive(Default)]
pub struct Runs {
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Runs {
    /// Waits for a run that the store told to stop, but not for ever: false if it is under way still.
    pub async fn ended(&self, patience: Duration) -> bool {
        let Some(thread) = self.thread.lock().take() else { return true };
        let until = Instant::now() + patience;
        while !thread.is_finished() {
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        // A panic was logged where it happened.
        drop(thread.join());
        true
    }
}

/// What the thread of a run tells those who watch it.
#[derive(Default)]
struct Watched {
    report: Mutex<OptimizeReport>,
    progress: Arc<OptimizeProgress>,
}

/// Ends the run when the client goes away.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Admin {
    pub(super) fn optimize(&self, query: Query) -> S3Result<HttpResponse> {
        if let Some(bucket) = &query.bucket {
            self.objects.bucket(bucket).map_err(to_s3_error)?;
        }
        let store = self.objects.store().clone();
        let Some(by_hand) = store.optimize_by_hand() else {
            return Err(s3_error!(
                OperationAborted,
                "Another run of the optimizer is under way: wait until it has ended."
            ));
        };
        let watched = Arc::new(Watched::default());
        let options = OptimizeOptions {
            bucket: query.bucket,
            policy: query.policy,
            dry_run: query.dry_run,
            threads: 1,
            progress: Arc::clone(&watched.progress),
            ..OptimizeOptions::default()
        };
        let stop = store.stop_flag();
        let (sender, last) = oneshot::channel::<Bytes>();
        let (told, stopping) = (Arc::clone(&watched), Arc::clone(&stop));
        let work = move || {
            let line = run(&store, &options, &stopping, &told);
            drop(by_hand);
            // A client that went away reads no last line.
            let _ = sender.send(line);
        };
        match std::thread::Builder::new().name("optimize-now".into()).spawn(work) {
            // The thread of an earlier run has ended, or is about to.
            Ok(thread) => *self.runs.thread.lock() = Some(thread),
            Err(error) => return Err(s3_error!(InternalError, "No thread could be started: {error}")),
        }
        Ok(answer(Body::http_body_unsync(StreamBody::new(lines(watched, StopOnDrop(stop), last)))))
    }
}

/// One run, to its end; its last line.
fn run(store: &Store, options: &OptimizeOptions, stop: &AtomicBool, watched: &Watched) -> Bytes {
    match store.optimize(options, stop, &mut |done| *watched.report.lock() = *done) {
        Ok(done) if stop.load(Ordering::Relaxed) => line(&done, "stopped", None),
        Ok(done) => line(&done, "done", None),
        Err(error) => failure(&error),
    }
}

/// A line at each tick, whatever the run is at, and the last one. A client that reads too slowly misses lines, never
/// the last.
fn lines(
    watched: Arc<Watched>,
    stop: StopOnDrop,
    last: oneshot::Receiver<Bytes>,
) -> impl Stream<Item = Result<Frame<Bytes>, StdError>> + Send {
    let mut ticks = interval(PROGRESS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold(Some((watched, stop, last, ticks)), |state| async move {
        let (watched, stop, mut last, mut ticks): (_, _, _, Interval) = state?;
        tokio::select! {
            biased;
            ended = &mut last => ended.ok().map(|line| (Ok(Frame::data(line)), None)),
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
        "retired_bytes": done.retired_bytes, "holders": done.holders,
        "rotated": done.rotated, "rotated_bytes": done.rotated_bytes,
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
