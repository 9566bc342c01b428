//! PNG's image data (the PNG specification, 5.3 and 11.2.3): one zlib stream, which may lie in several IDAT chunks.

use libdeflater::Crc;

use super::zlib;

/// Bytes between the data of two chunks: a CRC-32, a length, a type.
pub(super) const BOUNDARY: usize = 12;

/// Bytes that tell a first chunk's beginning: its length, its type, and zlib's header.
pub(super) const HEAD: usize = 10;

/// The type of the chunks that hold image data.
pub(super) const IDAT: &[u8; 4] = b"IDAT";

/// Data bytes of the shortest chunk that a boundary may end. It bounds how many bytes a byte of a stream stands for.
const MIN_CHUNK: usize = 64;

/// A zlib stream's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WindowSize {
    Small,
    /// 32 KiB.
    Whole,
}

/// The length of the chunk that `bytes` begin with, if a zlib stream without a dictionary begins in it, and the
/// stream's window.
pub(super) fn head(bytes: &[u8]) -> Option<(usize, WindowSize)> {
    let &[a, b, c, d, ref kind @ .., method, flags] = bytes.first_chunk::<HEAD>()?;
    let length = u32::from_be_bytes([a, b, c, d]);
    let window = if method == 0x78 { WindowSize::Whole } else { WindowSize::Small };
    let sound = kind == IDAT && zlib::is_header(method, flags) && length >= 2 && is_length(length);
    sound.then_some((length as usize, window))
}

/// If the bytes are a boundary behind a chunk of `length` bytes with that CRC: the CRC, and the length of the next
/// chunk.
pub(super) fn next(bytes: &[u8], length: usize, crc: &Crc) -> Option<(u32, u32)> {
    let &[a, b, c, d, e, f, g, h, ref kind @ ..] = bytes.first_chunk::<BOUNDARY>()?;
    let (sum, next) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    (kind == IDAT && length >= MIN_CHUNK && crc.sum() == sum && is_length(next)).then_some((sum, next))
}

/// A boundary's bytes.
pub(super) fn boundary(crc: u32, length: u32) -> [u8; BOUNDARY] {
    let mut bytes = [0; BOUNDARY];
    bytes[..4].copy_from_slice(&crc.to_be_bytes());
    bytes[4..8].copy_from_slice(&length.to_be_bytes());
    bytes[8..].copy_from_slice(IDAT);
    bytes
}

/// The CRC of a chunk whose data is still to come.
pub(super) fn begun() -> Crc {
    let mut crc = Crc::new();
    crc.update(IDAT);
    crc
}

/// Whether a chunk may be that long.
fn is_length(length: u32) -> bool {
    length < 1 << 31
}
