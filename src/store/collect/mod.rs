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

pub use job::Collector;
pub(super) use mark::unlinked;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::bugs::Bugs;
use super::error::StoreError;
use super::fetch::Blobs;
use super::log::Log;
use super::pins::Pins;
use super::segments::Segments;
use super::{Index, Store};
use crate::segment::vfs::Vfs;

/// What a collection is asked to do.
#[derive(Clone, Copy, Debug)]
pub struct CollectOptions {
    /// Segments with at least this share of dead bytes are compacted, 0 to 1.
    pub min_dead: f64,
    /// Seal the active segment first if it qualifies, so that everything dead can go.
    pub seal_active: bool,
}

impl CollectOptions {
    /// Everything that is dead goes, at any cost of copying: for the command line.
    pub const THOROUGH: Self = Self { min_dead: 0.02, seal_active: true };
    /// What pays for itself: for a running server.
    pub const BACKGROUND: Self = Self { min_dead: 0.35, seal_active: false };
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectReport {
    /// Blobs dropped.
    pub blobs: u64,
    /// Segments removed.
    pub segments: u64,
    /// Bytes of live records copied.
    pub moved_bytes: u64,
    /// Bytes by which the segment files shrank.
    pub freed_bytes: u64,
    /// Segments left alone because what is alive in them does not fit the free space once more.
    pub segments_without_room: u64,
    /// Segments left alone because they are damaged.
    pub damaged_segments: u64,
    /// Blobs and segments left for a later collection, because a read or a write counted on them just then.
    pub postponed: u64,
}

/// What a collection works with.
struct Parts<'a> {
    index: &'a Index,
    log: &'a Log,
    blobs: &'a Blobs,
    pins: &'a Pins,
    segments: &'a Segments,
    vfs: &'a dyn Vfs,
    dir: &'a Path,
    bugs: Bugs,
    stop: &'a AtomicBool,
}

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
