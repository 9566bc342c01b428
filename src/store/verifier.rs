//! Verification within the budget of a request, and the job that verifies the rest soon after.
//!
//! Invariants: what waits is bounded and in memory; what does not fit is named in the log. What is verified is pinned
//! meanwhile.
//!
//! Failure cases: damage is logged and known from then on, so that the next write of the same bytes replaces it.

use std::time::Duration;

use deltastore_format::Entry;

use super::error::StoreError;
use super::fetch::VerifyBudget;
use super::handle::Store;
use super::jobs::{Job, Next, Outcome, Priority, Run};

/// The name of the job.
const JOB: &str = "verify";

impl Store {
    /// Verifies what a request links to, within its budget; the rest is left to a [`Verifier`].
    ///
    /// # Errors
    /// Damage, and what reading gives.
    pub(in crate::store) fn verify_linked(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut budget = VerifyBudget::bytes(self.settings().verify_bytes);
        let verified = self.blobs().verify_entries(entries, &mut budget)?;
        if !self.unverified().push(&entries[verified..]) {
            tracing::warn!("too much waits for verification; what was copied last is not verified to its end");
        } else if verified < entries.len() {
            self.jobs().wake(JOB);
        }
        Ok(())
    }

    /// Verifies what waits; how many entries lead to damage.
    ///
    /// # Errors
    /// What reading gives, but for damage.
    pub fn verify_waiting(&self) -> Result<u64, StoreError> {
        let mut damaged = 0;
        while let Some(entry) = self.unverified().pop() {
            damaged += u64::from(!self.verify_whole(&entry)?);
        }
        Ok(damaged)
    }

    /// False if the entry leads to damage.
    fn verify_whole(&self, entry: &Entry) -> Result<bool, StoreError> {
        let (_pin, _) = self.pin(entry.hash);
        // What was removed and collected meanwhile is no damage.
        if self.index().blob(&entry.hash)?.is_none() {
            return Ok(true);
        }
        match self.blobs().verify_entries(std::slice::from_ref(entry), &mut VerifyBudget::unlimited()) {
            Ok(_) => Ok(true),
            Err(error) if error.is_unreadable() => {
                tracing::error!(%error, "an object that was copied or completed has damage");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// The job that verifies what waits.
pub struct Verifier;

impl Job<Store> for Verifier {
    fn name(&self) -> &'static str {
        JOB
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    /// At once: something may have been queued before it was started.
    fn first(&self) -> Next {
        Next::After(Duration::ZERO)
    }

    fn run(&mut self, run: &Run<'_, Store>) -> Outcome {
        let (store, mut verified, mut damaged) = (run.store(), 0u64, 0u64);
        while !run.stops()
            && let Some(entry) = store.unverified().pop()
        {
            match store.verify_whole(&entry) {
                Ok(whole) => (verified, damaged) = (verified + 1, damaged + u64::from(!whole)),
                Err(error) => tracing::warn!(%error, "what was copied could not be verified"),
            }
        }
        match verified {
            0 => Outcome::idle(Next::Woken),
            _ => Outcome::done(Next::Woken, format!("{verified} entries, {damaged} of them damaged")),
        }
    }
}
