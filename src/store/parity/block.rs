//! How long the blocks are from which a payload is repaired.

/// Payloads up to this length are kept as a second copy: parity would hardly be shorter.
const COPY_LEN: usize = 1 << 10;
/// Payloads up to this length have blocks of [`SHORT_BLOCK`] bytes, longer ones of [`LONG_BLOCK`].
const SHORT_LEN: usize = 64 << 10;
const SHORT_BLOCK: u32 = 512;
/// A sector of a disk, which is lost at once.
const LONG_BLOCK: u32 = 4 << 10;

/// How long the blocks are from which a payload is repaired.
pub fn block_len(payload: usize) -> u32 {
    match payload {
        0..=COPY_LEN => u32::MAX,
        _ if payload <= SHORT_LEN => SHORT_BLOCK,
        _ => LONG_BLOCK,
    }
}
