//! Looking for a PNG's first chunk of image data.

use std::ops::Range;

use super::IDAT;

/// What such a chunk begins with: its length, its type, and zlib's header.
pub(super) const HEAD: usize = 10;

/// How far ahead one step of the search looks.
const STRIDE: usize = 64;

/// Whether a chunk may be that long.
pub(super) fn is_length(length: u32) -> bool {
    length < 1 << 31
}

/// The first place in `range` where a first chunk begins.
pub(super) fn find(input: &[u8], range: Range<usize>) -> Option<usize> {
    const TYPE: usize = 4;
    let mut at = range.start;
    while at < range.end {
        if let Some(window) = input.get(at + TYPE..).and_then(|rest| rest.first_chunk::<{ STRIDE + 3 }>())
            && !any(window)
        {
            at += STRIDE;
            continue;
        }
        let end = range.end.min(at + STRIDE);
        if let Some(found) = (at..end).find(|&at| input.get(at..).is_some_and(is_head)) {
            return Some(found);
        }
        at = end;
    }
    None
}

/// Whether the type begins in one of the first [`STRIDE`] places. Branch-free, so that the compiler compares many bytes at once.
#[inline(always)]
fn any(window: &[u8; STRIDE + 3]) -> bool {
    let mut any = 0u8;
    for index in 0..STRIDE {
        let [i, d, a, t] = *IDAT;
        let here =
            (window[index] == i) & (window[index + 1] == d) & (window[index + 2] == a) & (window[index + 3] == t);
        any |= u8::from(here);
    }
    any != 0
}

/// Whether the bytes begin with a chunk of image data in which a zlib stream without a dictionary begins.
fn is_head(bytes: &[u8]) -> bool {
    let Some(&[a, b, c, d, ref kind @ .., method, flags]) = bytes.first_chunk::<HEAD>() else { return false };
    let length = u32::from_be_bytes([a, b, c, d]);
    let zlib = method & 15 == 8 && method >> 4 <= 7 && flags & 32 == 0 && u16::from_be_bytes([method, flags]) % 31 == 0;
    kind == IDAT && zlib && length >= 2 && is_length(length)
}
