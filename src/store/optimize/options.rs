//! What a run is asked to do.

use std::sync::Arc;

use super::progress::OptimizeProgress;
use crate::store::policy::Policy;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct OptimizeOptions {
    /// Only this bucket.
    pub bucket: Option<String>,
    /// In place of each bucket's own.
    pub policy: Option<Policy>,
    /// Count what would be rewritten, and change nothing.
    pub dry_run: bool,
    /// Versions changed later than this are left for another run, in milliseconds since the Unix epoch; 0 for none.
    pub changed_before_ms: u64,
    /// Threads that encode.
    pub threads: usize,
    /// Before each object, wait until clients leave room; not for ever.
    pub yields: bool,
    /// Leave out the search for orphaned bases, which reads the index of all windows.
    pub keep_orphans: bool,
    /// Leave out the pass that counts what depends on each window and writes parity.
    pub skip_parity: bool,
    /// No parity for what lies in the active segment, which would have to end for it.
    pub spare_active: bool,
    /// Where it tells what it is at.
    pub progress: Arc<OptimizeProgress>,
}
