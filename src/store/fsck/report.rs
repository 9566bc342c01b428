//! What a check found.

use crate::store::problem::Problem;

/// What a check found and how much it looked at.
#[derive(Clone, Debug, Default)]
pub struct FsckReport {
    pub problems: Vec<Problem>,
    pub segments: u64,
    pub segment_bytes: u64,
    pub records: u64,
    pub blobs: u64,
    /// Parity records of blobs.
    pub parity: u64,
    pub versions: u64,
    pub parts: u64,
    pub documents: u64,
    /// Objects and parts that cannot be read whole.
    pub unreadable: u64,
}

impl FsckReport {
    /// Without problems nothing needs to be walked.
    pub(super) fn has_damage(&self) -> bool {
        !self.problems.is_empty()
    }

    pub(super) fn add(&mut self, subject: impl ToString, reason: impl ToString) {
        self.problems.push(Problem { subject: subject.to_string(), reason: reason.to_string() });
    }
}
