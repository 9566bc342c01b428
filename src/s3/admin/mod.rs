//! What an administrator asks of a running server, under `/_deltastore/`, which no bucket can be called. Signed and
//! authorized like S3 requests; `ROWS` lists what there is.
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

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use s3s::{Body, HttpResponse, S3Error, S3Result, s3_error};
use serde_json::json;
use tokio::sync::Semaphore;

pub use self::optimize::ended as optimization_ended;
use self::query::Query;
use super::error::to_s3_error;
use super::request::context::RequestContext;
use crate::iam::Action;
use crate::object::Objects;
use crate::store::Policy;

pub const PREFIX: &str = "/_deltastore/";

/// One thing to ask for.
struct Row {
    method: Method,
    /// Below [`PREFIX`]; what it is asked about may follow.
    path: &'static str,
    action: Action,
    call: Call,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Optimize,
    Policy,
    SetPolicy,
    Damage,
    Inspect,
    Jobs,
    ControlJob,
}

impl Call {
    /// Whether the path goes on after what is asked for.
    fn is_about_something(self) -> bool {
        matches!(self, Self::Inspect | Self::ControlJob)
    }
}

const ROWS: &[Row] = &[
    row(Method::POST, "optimize", "deltastore:Optimize", Call::Optimize),
    row(Method::GET, "policy", "deltastore:GetOptimizePolicy", Call::Policy),
    row(Method::PUT, "policy", "deltastore:PutOptimizePolicy", Call::SetPolicy),
    row(Method::GET, "damage", "deltastore:GetDamage", Call::Damage),
    row(Method::GET, "inspect", "deltastore:InspectObject", Call::Inspect),
    row(Method::GET, "jobs", "deltastore:ListJobs", Call::Jobs),
    row(Method::POST, "jobs", "deltastore:ControlJob", Call::ControlJob),
];

const fn row(method: Method, path: &'static str, action: &'static str, call: Call) -> Row {
    Row { method, path, action: Action::new(action), call }
}

/// What a request asks for.
pub struct Asked<'a> {
    method: &'a Method,
    /// Below [`PREFIX`], without what it is asked about.
    path: &'a str,
    /// The object or the job and what is done to it, as it was sent.
    subject: Option<&'a str>,
    row: Option<&'static Row>,
}

impl<'a> Asked<'a> {
    pub fn of(method: &'a Method, path: &'a str) -> Self {
        let path = path.strip_prefix(PREFIX).unwrap_or_default();
        let (path, subject) = match path.split_once('/') {
            Some((first @ ("inspect" | "jobs"), rest)) => (first, Some(rest)),
            _ => (path, None),
        };
        // An inspection names an object; without one there is no such thing.
        let fits = |row: &&Row| row.path == path && row.call.is_about_something() == subject.is_some();
        let row = ROWS.iter().find(|row| fits(row) && row.method == method);
        Asked { method, path, subject, row }
    }

    /// The action; unnamed for what is not there.
    pub fn action(&self) -> Action {
        self.row.map_or(Action::UNNAMED, |row| row.action)
    }
}

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

    /// Answers an authorized request.
    ///
    /// # Errors
    /// What is not there, or not so.
    pub async fn answer(&self, asked: &Asked<'_>, query: &str, context: &RequestContext) -> S3Result<HttpResponse> {
        let Asked { method, path, subject, row } = asked;
        let named = subject.filter(|_| *path == "inspect").map(inspect::named).transpose()?;
        context.resolve_administration(format!("Admin:{path}").into(), named.clone());
        let query = Query::parse(query)?;
        match (row.map(|row| row.call), named) {
            (Some(Call::Optimize), _) => self.optimize(query),
            (Some(Call::Policy), _) => self.policy(query),
            (Some(Call::SetPolicy), _) => self.set_policy(query).await,
            (Some(Call::Damage), _) => self.damage(),
            (Some(Call::Inspect), Some(named)) => self.inspect(&named, query).await,
            (Some(Call::Jobs), _) => self.jobs(),
            (Some(Call::ControlJob), _) => self.control_job(subject.unwrap_or_default()),
            (None, named) if named.is_some() || ROWS.iter().any(|row| row.path == *path && *path != "inspect") => {
                Err(s3_error!(MethodNotAllowed, "{method} is not allowed on {PREFIX}{path}."))
            }
            (Some(Call::Inspect) | None, _) => Err(s3_error!(
                InvalidRequest,
                "There is no {PREFIX}{path}: optimize, policy, damage, jobs and inspect/BUCKET/KEY are known."
            )),
        }
    }

    /// What the running server knows of damage.
    fn damage(&self) -> S3Result<HttpResponse> {
        let counts = self.objects.store().damage_counts();
        let text = serde_json::to_string(&counts).map_err(S3Error::internal_error)?;
        Ok(answer(Body::from(text + "\n")))
    }

    fn policy(&self, query: Query) -> S3Result<HttpResponse> {
        let bucket = query.bucket.ok_or_else(|| s3_error!(InvalidArgument, "bucket is missing."))?;
        let policy = self.objects.optimize_policy(&bucket).map_err(to_s3_error)?;
        Ok(described(&bucket, policy))
    }

    async fn set_policy(&self, query: Query) -> S3Result<HttpResponse> {
        let bucket = query.bucket.ok_or_else(|| s3_error!(InvalidArgument, "bucket is missing."))?;
        let policy = query.policy.ok_or_else(|| s3_error!(InvalidArgument, "policy is missing."))?;
        self.objects.set_optimize_policy(&bucket, policy).await.map_err(to_s3_error)?;
        Ok(described(&bucket, policy))
    }
}

fn described(bucket: &str, policy: Policy) -> HttpResponse {
    answer(Body::from(format!("{}\n", json!({ "bucket": bucket, "policy": policy.to_string() }))))
}

fn answer(body: Body) -> HttpResponse {
    let mut answer = HttpResponse::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_an_action_of_its_own_and_all_else_none() {
        for row in ROWS {
            let object = if row.call.is_about_something() { "/b/k" } else { "" };
            let path = format!("{PREFIX}{}{object}", row.path);
            let asked = Asked::of(&row.method, &path);
            assert_eq!((asked.action(), asked.row.map(|row| row.call)), (row.action, Some(row.call)));
            assert!(row.action.name().starts_with("deltastore:"));
            assert_eq!(ROWS.iter().filter(|other| other.action == row.action).count(), 1);
        }
        for (method, path) in [
            (Method::GET, "optimize"),
            (Method::GET, "inspect"),
            (Method::PUT, "inspect/b/k"),
            (Method::GET, "jobs/b"),
            (Method::GET, ""),
        ] {
            assert_eq!(Asked::of(&method, &format!("{PREFIX}{path}")).action(), Action::UNNAMED, "{method} {path}");
        }
    }
}
