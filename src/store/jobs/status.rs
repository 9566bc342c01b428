//! A job as others see it.

use serde::Serialize;

use super::budget::Priority;

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
