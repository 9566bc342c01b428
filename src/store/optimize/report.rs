//! What a run did, or would do.

use crate::store::parity::ParityReport;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptimizeReport {
    /// Versions found that are to be rewritten, so far.
    pub found: u64,
    pub found_bytes: u64,
    /// Of those, done.
    pub objects: u64,
    pub bytes: u64,
    /// Record bytes that were written for them.
    pub written_bytes: u64,
    /// Replaced or removed while they were at work.
    pub changed: u64,
    /// Left as they are because they cannot be read, or because their new form did not make the same bytes.
    pub damaged: u64,
    /// Bytes of orphaned bases, which only removed objects used, that are worth replacing.
    pub orphaned_bytes: u64,
    /// Windows to be encoded against others for that.
    pub dependents: u64,
    /// Of those, done, and the record bytes that were written for them.
    pub rebased: u64,
    pub rebased_bytes: u64,
    /// Windows and nodes that many objects depend on, and the bytes of their records.
    pub shared: u64,
    pub shared_bytes: u64,
    /// Of those, given parity, and the record bytes that were written for it.
    pub parity: u64,
    pub parity_bytes: u64,
    /// Damaged records that were repaired.
    pub mended: u64,
    /// Nothing was done, because part of the log is hidden: a version that is rewritten may have been removed there,
    /// and that removal would not name where its copy lies.
    pub held_back: bool,
}

impl OptimizeReport {
    /// With what the pass over what many objects depend on did.
    pub(super) fn with_parity(self, done: ParityReport) -> Self {
        let ParityReport { shared, shared_bytes, parity, parity_bytes } = done;
        Self { shared, shared_bytes, parity, parity_bytes, ..self }
    }
}
