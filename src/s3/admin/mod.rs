//! What an administrator asks of a running server, under `/_deltastore/`, which no bucket can be called. Signed like S3
//! requests.
//!
//! - `POST /_deltastore/optimize[?bucket=NAME][&policy=P][&dry-run=true]` rewrites everything, smaller, to its end.
//!   The answer is a JSON object a line, several a second while it goes on, and a last one when it has ended; a client
//!   that goes away ends it too. There is one such run at a time.
//! - `GET /_deltastore/inspect/BUCKET/KEY[?version-id=ID]`: how one object is stored, as `deltastore inspect --json`
//!   prints it.
//! - `GET /_deltastore/damage`: damaged windows and nodes that this server has met, and how many were healed.
//! - `GET /_deltastore/jobs`: background work; `POST /_deltastore/jobs/NAME/run`, `pause` and `resume` control it.
//! - `GET /_deltastore/policy?bucket=NAME` and `PUT …&policy=P`: what the optimizer does with a bucket, `off`, `fast`,
//!   `balanced` or `max`.

mod inspect;
mod jobs;
mod optimize;
mod query;

use std::sync::Arc;

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::Extensions;
use hyper::{Method, Uri};
use s3s::route::S3Route;
use s3s::{Body, S3Error, S3Request, S3Response, S3Result, s3_error};
use serde_json::json;
use tokio::sync::Semaphore;

pub use self::optimize::ended as optimization_ended;
use self::query::Query;
use super::error::to_s3_error;
use super::request::context::RequestContext;
use crate::object::Objects;
use crate::store::Policy;

pub const PREFIX: &str = "/_deltastore/";

/// See the module.
pub struct Admin {
    objects: Objects,
    /// One inspection at a time: its report is held in memory.
    inspecting: Semaphore,
}

impl Admin {
    pub fn new(objects: Objects) -> Self {
        Self { objects, inspecting: Semaphore::new(1) }
    }
}

#[async_trait::async_trait]
impl S3Route for Admin {
    fn is_match(&self, _: &Method, uri: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        uri.path().starts_with(PREFIX)
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let path = request.uri.path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let named = path.strip_prefix("inspect/").map(inspect::named).transpose()?;
        if let Some(context) = request.extensions.get::<Arc<RequestContext>>() {
            let operation = match path.split_once('/') {
                Some((first @ ("inspect" | "jobs"), _)) => first,
                _ => path.as_str(),
            };
            context.resolve(format!("Admin:{operation}"), named.clone());
        }
        let query = Query::parse(request.uri.query().unwrap_or_default())?;
        if let Some(named) = named {
            return match request.method {
                Method::GET => self.inspect(&named, query).await,
                other => Err(s3_error!(MethodNotAllowed, "{other} is not allowed on {PREFIX}inspect.")),
            };
        }
        if let Some(rest) = path.strip_prefix("jobs").filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            return self.jobs(&request.method, rest);
        }
        match (&request.method, path.as_str()) {
            (&Method::POST, "optimize") => self.optimize(query),
            (&Method::GET, "policy") => self.policy(query),
            (&Method::PUT, "policy") => self.set_policy(query).await,
            (&Method::GET, "damage") => self.damage(),
            (_, "optimize" | "policy" | "damage") => {
                Err(s3_error!(MethodNotAllowed, "{} is not allowed on {PREFIX}{path}.", request.method))
            }
            _ => Err(s3_error!(
                InvalidRequest,
                "There is no {PREFIX}{path}: optimize, policy, damage, jobs and inspect/BUCKET/KEY are known."
            )),
        }
    }
}

impl Admin {
    /// What the running server knows of damage.
    fn damage(&self) -> S3Result<S3Response<Body>> {
        let counts = self.objects.store().damage_counts();
        let text = serde_json::to_string(&counts).map_err(S3Error::internal_error)?;
        Ok(answer(Body::from(text + "\n")))
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

fn described(bucket: &str, policy: Policy) -> S3Response<Body> {
    answer(Body::from(format!("{}\n", json!({ "bucket": bucket, "policy": policy.to_string() }))))
}

fn answer(body: Body) -> S3Response<Body> {
    let mut answer = S3Response::new(body);
    answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
