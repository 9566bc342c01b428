//! Garbage collection: dropping what nothing links to, and giving disk space back.
//!
//! Order (must)
//! 1. Mark: blobs with no links and no pin leave the index, in rounds, since each takes its own links with it.
//! 2. Compact: what is alive in a segment with enough dead bytes is appended again and synced; the index moves to it.
//! 3. The index is flushed: after a crash it must not point into a file that is gone.
//! 4. The manifest says that the segment is going; then it is unlinked and the directory synced. Only then does it
//!    count as gone, and removals that were kept on its account may be forgotten.
//!
//! Only segments that the index covers whole and that hold no uncommitted blob are compacted. One collection runs at a
//! time. A segment with damage is left alone, unless the damaged records are windows, nodes or members that nothing
//! needs any more: they were healed or removed, and go as other dead records do.
//!
//! What a read or a write holds is left, and counted: the background collector comes back for it. So it does for a
//! segment that does not fit the free space once more, and for as long as the disk is full.
//!
//! Where the index was made from a damaged log, or a segment is lost, nothing is collected at all: a hidden commit or
//! node may be all that links to a blob. A rebuild that finds no damage, once the segment is restored, ends that.

mod compact;
mod job;
mod mark;
mod options;
mod parts;
mod report;

pub use job::Collector;
pub use options::CollectOptions;
pub use report::CollectReport;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use super::error::StoreError;
use super::handle::Store;
use parts::Parts;

impl Store {
    /// Collects garbage. Runs beside reads and writes; a second caller waits for the first.
    ///
    /// # Errors
    /// What reading and writing give, and [`StoreError::ReadOnly`] when background work is told to stop; what was done
    /// until then stays done.
    pub fn collect(
        &self,
        options: CollectOptions,
        report: &mut dyn FnMut(&CollectReport),
    ) -> Result<CollectReport, StoreError> {
        self.collect_until(options, self.jobs().stopping(), report)
    }

    /// As [`Store::collect`], until it is told to stop.
    pub(super) fn collect_until(
        &self,
        options: CollectOptions,
        stop: &AtomicBool,
        report: &mut dyn FnMut(&CollectReport),
    ) -> Result<CollectReport, StoreError> {
        let _one_at_a_time = self.collecting().lock();
        if self.index().hidden()?.any() || !self.segments().lost().is_empty() {
            tracing::warn!("nothing is collected: part of the log is damaged or lost, and links in it are not known");
            let segments: BTreeSet<_> = self.damage().iter().map(|damage| damage.from.segment).collect();
            return Ok(CollectReport { damaged_segments: segments.len().max(1) as u64, ..CollectReport::default() });
        }
        let (segments, vfs) = (self.segments(), self.vfs());
        let (index, log, blobs, pins) = (self.index(), self.log()?, self.blobs(), self.pins());
        let parts = Parts { index, log, blobs, pins, segments, vfs, dir: self.dir(), bugs: self.bugs(), stop };
        let mut done = CollectReport::default();
        mark::mark(&parts, &mut done)?;
        report(&done);
        compact::compact_all(&parts, options, &mut done, report)?;
        Ok(done)
    }
}
