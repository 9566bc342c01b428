//! What an administrator asks of a running server, under `/_deltastore/`, which no bucket can be called. Signed like S3 requests.
//!
//! - `POST /_deltastore/optimize[?bucket=NAME][&policy=P][&dry-run=true]` stores everything anew, smaller, to its end. The answer is a JSON
//!   object a line, while it goes on and when it has ended; a client that goes away ends it too.
//! - `GET /_deltastore/policy?bucket=NAME` and `PUT …&policy=P`: what the optimizer does with a bucket, `off`, `fast`, `balanced` or `max`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::Extensions;
use hyper::{Method, Uri};
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result, StdError, s3_error};
use serde_json::json;
use tokio::sync::mpsc;

use super::error::to_s3_error;
use super::request::context::RequestContext;
use crate::object::Objects;
use crate::store::{OptimizeOptions, OptimizeReport, Policy, StoreError};

const PREFIX: &str = "/_deltastore/";
/// Pause between two lines of progress.
const PROGRESS: Duration = Duration::from_millis(250);

/// See the module.
pub struct Admin {
    objects: Objects,
}

impl Admin {
    pub fn new(objects: Objects) -> Self {
        Self { objects }
    }
}

#[async_trait::async_trait]
impl S3Route for Admin {
    fn is_match(&self, _: &Method, uri: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        uri.path().starts_with(PREFIX)
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let path = request.uri.path().trim_start_matches(PREFIX).to_owned();
        if let Some(context) = request.extensions.get::<Arc<RequestContext>>() {
            context.resolve(format!("Admin:{path}"), None);
        }
        let query = Query::parse(request.uri.query().unwrap_or_default())?;
        match (&request.method, path.as_str()) {
            (&Method::POST, "optimize") => self.optimize(query),
            (&Method::GET, "policy") => self.policy(query),
            (&Method::PUT, "policy") => self.set_policy(query).await,
            (_, "optimize" | "policy") => {
                Err(s3_error!(MethodNotAllowed, "{} is not allowed on {PREFIX}{path}.", request.method))
            }
            _ => Err(s3_error!(InvalidRequest, "There is no {PREFIX}{path}: optimize and policy are known.")),
        }
    }
}

impl Admin {
    fn optimize(&self, query: Query) -> S3Result<S3Response<Body>> {
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

    fn policy(&self, query: Query) -> S3Result<S3Response<Body>> {
        let bucket = query.bucket.ok_or_else(|| s3_error!(InvalidArgument, "bucket is missing."))?;
        let policy = self.objects.optimize_policy(&bucket).map_err(to_s3_error)?;
        Ok(described(&bucket, policy))
    }

    async fn set_policy(&self, query: Query) -> S3Result<S3Response<Body>> {
        let bucket = query.bucket.ok_or_else(|| s3_error!(InvalidArgument, "bucket is missing."))?;
        let policy = query.policy.ok_or_else(|| s3_error!(InvalidArgument, "policy is missing."))?;
        self.objects.set_optimize_policy(&bucket, policy).await.map_err(to_s3_error)?;
        Ok(described(&bucket, policy))
    }
}

#[derive(Default)]
struct Query {
    bucket: Option<String>,
    policy: Option<Policy>,
    dry_run: bool,
}

impl Query {
    fn parse(text: &str) -> S3Result<Self> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "bucket" => query.bucket = Some(value.to_owned()),
                "policy" => {
                    query.policy =
                        Some(value.parse().map_err(|reason| s3_error!(InvalidArgument, "policy: {reason}"))?);
                }
                "dry-run" => query.dry_run = matches!(value, "" | "true" | "1"),
                // Presigned requests carry their signature here.
                other if other.to_ascii_lowercase().starts_with("x-amz-") => {}
                other => {
                    return Err(s3_error!(InvalidArgument, "{other} is not known: bucket, policy and dry-run are."));
                }
            }
        }
        Ok(query)
    }
}

fn line(done: &OptimizeReport, state: &str) -> Bytes {
    let line = json!({
        "state": state,
        "found": done.found, "found_bytes": done.found_bytes,
        "objects": done.objects, "bytes": done.bytes, "written_bytes": done.written_bytes,
        "changed": done.changed, "damaged": done.damaged,
    });
    format!("{line}\n").into()
}

fn failure(error: &StoreError) -> Bytes {
    tracing::warn!(%error, "optimizing failed");
    format!("{}\n", json!({ "state": "failed", "error": error.to_string() })).into()
}

fn described(bucket: &str, policy: Policy) -> S3Response<Body> {
    answer(Body::from(format!("{}\n", json!({ "bucket": bucket, "policy": policy.to_string() }))))
}

fn answer(body: Body) -> S3Response<Body> {
    let mut answer = S3Response::new(body);
    answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
