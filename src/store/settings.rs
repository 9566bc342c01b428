//! What an operator can set about a store.

use deltastore_delta::{CutSettings, Effort};
use deltastore_format::BucketPut;
use deltastore_members as members;

use super::policy::Policy;

/// Settings of an open store. None of them is written to disk; each may differ from run to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How windows are cut. Other values than at the last run cost deduplication, nothing else.
    pub cut: CutSettings,
    /// How a PUT and the optimizer look for compressed members, to store what is in them; none: not at all.
    pub expand: Option<members::Settings>,
    /// How hard a PUT tries to make windows small.
    pub effort: Effort,
    /// How the optimizer cuts windows where it is to make them small, see [`super::Policy`].
    pub optimized_cut: CutSettings,
    /// What the optimizer does with a bucket where a run is not told otherwise; who stands above the store reads it out
    /// of the bucket's settings.
    pub policy_of: fn(&BucketPut) -> Policy,
    /// Objects shorter than this are left as they are by the optimizer, in bytes: their records weigh more than what
    /// could be gained.
    pub optimize_min: u64,
    /// What so many objects depend on, directly or through others, gets parity in another segment; 0 for nothing.
    pub parity_from: u8,
    /// A segment is sealed once it is this long, in bytes; on a small disk sooner, see [`Settings::fitted`].
    pub segment_bytes: u64,
    /// Free disk space below which writes that add data are refused, in bytes; at least what compacting one segment
    /// needs.
    pub reserve_bytes: u64,
    /// Verified plain windows kept in memory, in bytes.
    pub cache_bytes: u64,
    /// Plain windows and re-created members kept on disk for quick reading, in bytes; 0 for none. See
    /// [`Settings::disk_cache_for`].
    pub disk_cache_bytes: u64,
    /// Buffers of uploads under way, in bytes.
    pub ingest_bytes: usize,
    /// Windows on their way to clients, in bytes.
    pub read_bytes: usize,
    /// A record that was read or written whole counts as verified for so long, in milliseconds; 0 for not at all. What
    /// a write links to is verified before the write is acknowledged.
    pub verified_ms: u64,
    /// Of what a copy or a completed upload links to, so many bytes of records are verified before it is acknowledged,
    /// the rest soon after.
    pub verify_bytes: u64,
    /// Segment files kept open.
    pub open_segments: usize,
    /// Threads that digest, cut and encode.
    pub encode_threads: usize,
    /// Threads that read and decode.
    pub read_threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            cut: CutSettings::default(),
            expand: Some(members::Settings::default()),
            effort: Effort::default(),
            optimized_cut: CutSettings::cold(),
            policy_of: |_| Policy::default(),
            optimize_min: 4 << 10,
            parity_from: 8,
            segment_bytes: 256 << 20,
            reserve_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            disk_cache_bytes: 0,
            ingest_bytes: 112 << 20,
            read_bytes: 48 << 20,
            verified_ms: 15 * 60 * 1000,
            verify_bytes: 64 << 20,
            open_segments: 256,
            encode_threads: cores,
            read_threads: cores.max(2) * 4,
        }
    }
}

/// A disk holds at least this many segments, so that compacting one is a small matter for it.
const SEGMENTS_A_DISK: u64 = 16;
/// Segments are never shorter than this on account of the disk, in bytes.
const SHORTEST_SEGMENT: u64 = 8 << 20;
/// Space for commits and footers beside the live records of a segment under compaction, in bytes.
const COMPACTION_SLACK: u64 = 16 << 20;

impl Settings {
    /// What a server keeps of its disk as a cache, in bytes, of so many that its segments may take.
    pub const fn disk_cache_for(capacity: u64) -> u64 {
        let share = capacity / 20;
        if share < 4 << 30 { share } else { 4 << 30 }
    }

    /// How the optimizer cuts windows under a policy.
    pub(super) fn cut_of(&self, policy: Policy) -> CutSettings {
        match policy {
            Policy::Off | Policy::Fast => self.cut,
            Policy::Balanced | Policy::Max => self.optimized_cut,
        }
    }

    /// The settings for a disk with room for `capacity` bytes of segments: whatever is deleted on a disk that was
    /// filled up, there is room to compact any one segment and so to give its space back.
    #[must_use]
    pub fn fitted(mut self, capacity: u64) -> Self {
        self.segment_bytes = self.segment_bytes.min((capacity / SEGMENTS_A_DISK).max(SHORTEST_SEGMENT));
        self.reserve_bytes = self.reserve_bytes.max(self.segment_bytes + COMPACTION_SLACK);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_disks_get_small_segments_and_every_disk_room_to_compact_one() {
        for capacity in [0, 100 << 20, 300 << 20, 10 << 30, 10 << 40] {
            let fitted = Settings::default().fitted(capacity);
            assert!(fitted.segment_bytes >= SHORTEST_SEGMENT && fitted.segment_bytes <= 256 << 20);
            assert!(fitted.segment_bytes <= (capacity / SEGMENTS_A_DISK).max(SHORTEST_SEGMENT));
            assert!(fitted.reserve_bytes > fitted.segment_bytes);
        }
    }
}
