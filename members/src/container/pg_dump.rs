//! Dumps of PostgreSQL's custom format (`pg_backup_custom.c`): the data of a table, or a large object, is one zlib
//! stream in chunks of the same length but for the last.

/// Bytes between the data of two chunks: the sign of a length, 0, and the length, little-endian.
pub(super) const BOUNDARY: usize = 5;

/// Bounds of the data bytes of a stream's chunks, but for the last; a power of two. It is the size of pg_dump's output
/// buffer: 4 KiB, in later versions 128 KiB.
const CHUNKS: [usize; 2] = [4 * 1024, 256 * 1024];

/// The length of the chunk that `bytes` begin with, if it is as long as the output buffer and a zlib stream begins in
/// it.
pub(super) fn head(bytes: &[u8]) -> Option<usize> {
    let &[0, a, b, c, d, 0x78, 0x01 | 0x5e | 0x9c | 0xda] = bytes.first_chunk::<7>()? else { return None };
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let [least, most] = CHUNKS;
    (length.is_power_of_two() && (least..=most).contains(&length)).then_some(length)
}

/// Data bytes of the chunk that the bytes are a boundary before, whose stream's other chunks are `whole` bytes long.
pub(super) fn next(bytes: &[u8; BOUNDARY], whole: usize) -> Option<usize> {
    let &[0, a, b, c, d] = bytes else { return None };
    Some(u32::from_le_bytes([a, b, c, d]) as usize).filter(|length| (1..=whole).contains(length))
}

/// A boundary's bytes.
pub(super) fn boundary(length: u32) -> [u8; BOUNDARY] {
    let [a, b, c, d] = length.to_le_bytes();
    [0, a, b, c, d]
}
