//! What a run came to, and when the next is due.

use std::error::Error;
use std::time::Duration;

/// When a job is to be run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// After so long, unless it is woken before.
    After(Duration),
    /// When it is woken: by [`Jobs::wake`](super::Jobs::wake), or by hand.
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
