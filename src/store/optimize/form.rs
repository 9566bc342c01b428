//! How an object is stored anew.

use super::Policy;
use crate::delta::{CutSettings, Effort};
use crate::store::{Intake, Settings, Space, Store};

/// What a new form is to be.
pub struct Form {
    pub effort: Effort,
    cut: CutSettings,
    /// Of cold windows, by re-encode mode; the version counts as optimized then. Otherwise it is as a PUT would have
    /// stored it.
    pub cold: bool,
}

impl Form {
    /// The optimizer's.
    pub fn of(policy: Policy, settings: &Settings) -> Self {
        Self { effort: policy.effort(), cut: policy.cut(settings), cold: true }
    }

    /// What a PUT makes.
    pub fn inline(settings: &Settings) -> Self {
        Self { effort: settings.effort, cut: settings.cut, cold: false }
    }

    /// What the object, of `len` bytes, goes through first.
    pub fn intake(&self, store: &Store, space: Space, len: u64) -> Intake {
        if self.cold { store.deep_intake(self.cut, space, len) } else { store.intake() }
    }
}
