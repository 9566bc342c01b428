//! Key spaces of the engine.

/// Bytes of the version that ends every key of [`Family::Objects`].
#[cfg_attr(not(feature = "rocksdb"), expect(dead_code, reason = "only RocksDB asks"))]
pub const VERSION_LEN: usize = 8;

/// A key space of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Family {
    Meta,
    Buckets,
    Objects,
    Uploads,
    Parts,
    /// Windows and nodes.
    Blobs,
    Links,
    Sketches,
    Segments,
    /// Working space of long jobs; whoever uses it clears it first.
    Scratch,
    /// What blobs are repaired from.
    Parity,
    /// Kinds of few rows, each behind a byte of its own.
    Small,
}

impl Family {
    pub const ALL: [Family; 12] = [
        Family::Meta,
        Family::Buckets,
        Family::Objects,
        Family::Uploads,
        Family::Parts,
        Family::Blobs,
        Family::Links,
        Family::Sketches,
        Family::Segments,
        Family::Scratch,
        Family::Parity,
        Family::Small,
    ];
}
