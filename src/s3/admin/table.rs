//! The questions that there are, what a principal needs to ask them, and who answers.

use hyper::Method;
use s3s::{HttpResponse, S3Result, s3_error};

use super::inspect;
use super::query::Query;
use super::state::{Admin, PREFIX};
use crate::s3::request::context::RequestContext;
use deltastore_iam::Action;

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

impl Admin {
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
        for (method, path) in
            [(Method::GET, "optimize"), (Method::GET, "inspect"), (Method::PUT, "inspect/b/k"), (Method::GET, "")]
        {
            assert_eq!(Asked::of(&method, &format!("{PREFIX}{path}")).action(), Action::UNNAMED, "{method} {path}");
        }
    }
}
