//! `POST /_deltastore/optimize`: a line of progress at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use s3s::{Body, S3Response, S3Result, StdError, s3_error};
use serde_json::json;
use tokio::sync::mpsc;

use super::query::Query;
use super::{Admin, answer};
use crate::s3::error::to_s3_error;
use crate::store::{OptimizeOptions, OptimizeReport, StoreError};

/// Pause between two lines of progress.
const PROGRESS: Duration = Duration::from_millis(250);

impl Admin {
    pub(super) fn optimize(&self, query: Query) -> S3Result<S3Response<Body>> {
        if let Some(bucket) = &query.bucket {
            self.objects.head_bucket(bucket).map_err(to_s3_error)?;
        }
        let options = OptimizeOptions {
            bucket: query.bucket,
            policy: query.policy,
            dry_run: query.dry_run,
            threads: 1,
            ..OptimizeOptions::default()
        };
        let (sender, receiver) = mpsc::channel::<Bytes>(16);
        let store = self.objects.store().clone();
        let work = move || {
            let stop = AtomicBool::new(false);
            let mut shown = Instant::now();
            let mut report = |done: &OptimizeReport| {
                stop.fetch_or(sender.is_closed(), Ordering::Relaxed);
                if shown.elapsed() >= PROGRESS {
                    shown = Instant::now();
                    // A client that reads too slowly misses lines, never the last.
                    let _ = sender.try_send(line(done, "running"));
                }
            };
            let last = match store.optimize(&options, &stop, &mut report) {
                Ok(done) => line(&done, "done"),
                Err(error) => failure(&error),
            };
            let _ = sender.blocking_send(last);
        };
        if let Err(error) = std::thread::Builder::new().name("optimize-now".into()).spawn(work) {
            return Err(s3_error!(InternalError, "No thread could be started: {error}"));
        }
        let lines = stream::unfold(receiver, |mut receiver| async move {
            let line = receiver.recv().await?;
            Some((Ok::<_, StdError>(Frame::data(line)), receiver))
        });
        Ok(answer(Body::http_body_unsync(StreamBody::new(lines))))
    }
}

fn line(done: &OptimizeReport, state: &str) -> Bytes {
    let line = json!({
        "state": state,
        "found": done.found, "found_bytes": done.found_bytes,
        "objects": done.objects, "bytes": done.bytes, "written_bytes": done.written_bytes,
        "changed": done.changed, "damaged": done.damaged,
        "retired_bytes": done.retired_bytes, "holders": done.holders,
        "rotated": done.rotated, "rotated_bytes": done.rotated_bytes,
        "shared": done.shared, "shared_bytes": done.shared_bytes,
        "parity": done.parity, "parity_bytes": done.parity_bytes, "mended": done.mended,
    });
    format!("{line}\n").into()
}

fn failure(error: &StoreError) -> Bytes {
    tracing::warn!(%error, "optimizing failed");
    format!("{}\n", json!({ "state": "failed", "error": error.to_string() })).into()
}
