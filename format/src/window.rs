//! Window records: a head that says how the window is encoded, then the encoded bytes.

use crate::ids::Hash;

/// Largest window, in plain bytes.
pub const MAX_WINDOW_LEN: u32 = 16 << 20;
/// Most references one window may have.
pub const MAX_REFERENCES: usize = 4;
/// Most sketch features stored with one window.
pub const MAX_FEATURES: usize = 64;

/// How a window's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    Raw = 0,
    /// One zstd frame.
    Zstd = 1,
    /// One zstd frame, with the references, concatenated in order, as its prefix.
    ZstdReferences = 2,
    /// VCDIFF (RFC 3284) against the references, concatenated in order.
    Vcdiff = 3,
}

/// Head of a window record's payload; the encoded bytes follow it to the payload's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowHead {
    /// SHA-256 of the plain bytes.
    pub hash: Hash,
    pub codec: Codec,
    /// Reference hops to decode it: 0 without references, else 1 + the deepest reference's.
    pub depth: u8,
    /// Plain bytes.
    pub raw_len: u32,
    /// Encoded bytes after the head.
    pub encoded_len: u32,
    /// Windows it is encoded against, in the order the codec sees them.
    pub references: Vec<Hash>,
    /// Similarity features, so that the index can be rebuilt without decoding.
    pub features: Vec<u64>,
}
