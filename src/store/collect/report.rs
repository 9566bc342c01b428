//! What a collection tells.

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
