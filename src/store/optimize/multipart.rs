//! Objects that came in parts: rewritten as soon as they are complete.
//!
//! A part of an archive begins within a compressed member and cannot be expanded alone, so it is stored about as it is.
//! What a PUT would have made of the whole is made of it by a job, right after the upload's end: the next release may
//! be on its way already, and the optimizer leaves alone what is younger than a minute.
//!
//! Invariants: the order of steps is the optimizer's, and so is what a crash leaves. No optimized windows are made, so
//! it may run beside the optimizer: whoever comes first replaces the recipe, the other's windows are garbage. The queue
//! is bounded and in memory; what does not fit, or is lost, the optimizer takes care of.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use deltastore_format::{Sequence, VersionPut};

use super::form::Form;
use super::progress::OptimizeProgress;
use super::report::OptimizeReport;
use crate::store::fetch::CachePolicy;
use crate::store::jobs::{Job, Next, Outcome, Priority, Run};
use crate::store::optimizer_state::Candidate;
use crate::store::{Space, Store, StoreError};

/// The name of the job.
const JOB: &str = "rewrite-multipart";

impl Store {
    /// Has a version that came in parts expanded as a whole, if there is room in the queue and a [`MultipartRewriter`]
    /// runs.
    pub fn rewrite_soon(&self, put: &VersionPut) {
        let space = Space::of(put.bucket, &put.key);
        let candidate = Candidate { space, version: put.version, key: put.key.clone(), size: put.size };
        if self.optimizer().multipart.push(candidate) {
            self.jobs().wake(JOB);
        } else {
            tracing::debug!(key = %put.key, "left to the optimizer");
        }
    }

    /// Whether a version is still to be expanded as a whole: a copy made of it now has the form of its parts, too.
    pub fn is_to_be_rewritten(&self, version: Sequence) -> bool {
        self.optimizer().multipart.has(version)
    }

    /// Rewrites what waits; what was done.
    ///
    /// # Errors
    /// As [`Store::optimize`]; the rest goes on waiting.
    pub fn rewrite_waiting(&self, stop: &AtomicBool) -> Result<OptimizeReport, StoreError> {
        let mut done = OptimizeReport::default();
        while let Some(candidate) = self.optimizer().multipart.pop() {
            self.rewrite_multipart(&candidate, stop, &mut done)?;
        }
        Ok(done)
    }

    fn rewrite_multipart(
        &self,
        candidate: &Candidate,
        stop: &AtomicBool,
        done: &mut OptimizeReport,
    ) -> Result<(), StoreError> {
        let rewrite = |done: &mut OptimizeReport| {
            if self.index().hidden()?.any() {
                return Ok(());
            }
            let (form, unseen) = (Form::inline(self.settings()), OptimizeProgress::default());
            self.rewrite(candidate, &form, 1, CachePolicy::Yes, (stop, &unseen), done)
        };
        let result = rewrite(done);
        self.optimizer().multipart.done(candidate.version);
        result
    }
}

/// The job that rewrites them.
pub struct MultipartRewriter;

impl Job<Store> for MultipartRewriter {
    fn name(&self) -> &'static str {
        JOB
    }

    fn priority(&self) -> Priority {
        Priority::Low
    }

    /// At once: something may have been queued before it was started.
    fn first(&self) -> Next {
        Next::After(Duration::ZERO)
    }

    fn run(&mut self, run: &Run<'_, Store>) -> Outcome {
        let (store, mut done) = (run.store(), OptimizeReport::default());
        while !run.stops()
            && let Some(candidate) = store.optimizer().multipart.pop()
        {
            run.progress(candidate.key.clone());
            if let Err(error) = store.rewrite_multipart(&candidate, run.stop(), &mut done) {
                tracing::warn!(key = %candidate.key, %error, "not expanded as a whole; left to the optimizer");
            }
        }
        match done.objects {
            0 => Outcome::idle(Next::Woken),
            objects => Outcome::done(Next::Woken, format!("{objects} objects of {} bytes", done.bytes)),
        }
    }
}
