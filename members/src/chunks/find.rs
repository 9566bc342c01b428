//! Looking for a stream's first chunk: of a PNG's image data, or of a table's data in a dump of pg_dump.

use std::ops::Range;

use super::{DUMP_BOUNDARY, IDAT, dumped};

/// Bytes that tell a first chunk's beginning.
pub(super) const HEAD: usize = 10;

/// How far ahead one step of the search looks.
const STRIDE: usize = 64;

/// Bounds of the data bytes of a dump's chunks, but for a stream's last; a power of two. It is pg_dump's room for
/// output: 4 KiB, in later versions 128 KiB.
const DUMP_CHUNKS: [usize; 2] = [4 * 1024, 256 * 1024];

/// How a first chunk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Its length, its type, and zlib's header.
    Image { length: usize, window: Window },
    /// Its length behind a sign, and zlib's header.
    Dump { length: usize },
}

/// A zlib stream's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    Small,
    /// 32 KiB.
    Whole,
}

impl Head {
    /// Bytes before the chunk's data.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Image { .. } => HEAD - 2,
            Self::Dump { .. } => DUMP_BOUNDARY,
        }
    }

    /// Whether a first chunk is there; `None`: that shows once more bytes than `rest`, which the head begins, are
    /// known.
    ///
    /// Little of a dump's head is fixed. So there must be a boundary where its chunk ends.
    pub(super) fn is_sound(self, rest: &[u8], ended: bool) -> Option<bool> {
        let Self::Dump { length } = self else { return Some(true) };
        match rest.get(DUMP_BOUNDARY + length..).and_then(|next| next.split_first_chunk::<DUMP_BOUNDARY>()) {
            Some((boundary, [_, ..])) => Some(dumped(boundary, length).is_some()),
            _ => ended.then_some(false),
        }
    }

    /// What `bytes` begin with.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(4)? {
            0 => dump(bytes),
            _ => image(bytes),
        }
    }
}

/// Whether a chunk of image data may be that long.
pub(super) fn is_length(length: u32) -> bool {
    length < 1 << 31
}

/// The first place in `range` where a head is.
pub(super) fn find(input: &[u8], range: Range<usize>) -> Option<(usize, Head)> {
    let mut at = range.start;
    while at < range.end {
        if let Some(window) = input.get(at..).and_then(|rest| rest.first_chunk::<{ STRIDE + 6 }>())
            && !any(window)
        {
            at += STRIDE;
            continue;
        }
        let end = range.end.min(at + STRIDE);
        if let Some(found) = (at..end).find_map(|at| Some((at, Head::of(input.get(at..)?)?))) {
            return Some(found);
        }
        at = end;
    }
    None
}

/// Whether one of the first [`STRIDE`] places may be a head. Branch-free, so that the compiler compares many bytes at
/// once; what is looked at is rare enough.
#[inline(always)]
fn any(window: &[u8; STRIDE + 6]) -> bool {
    let mut any = 0u8;
    for index in 0..STRIDE {
        let [one, two, three] = [window[index + 4], window[index + 5], window[index + 6]];
        let image = (one == IDAT[0]) & (two == IDAT[1]) & (three == IDAT[2]);
        let dump = (one == 0) & (two == 0x78);
        any |= u8::from(image | dump);
    }
    any != 0
}

/// A chunk of image data in which a zlib stream without a dictionary begins.
fn image(bytes: &[u8]) -> Option<Head> {
    let &[a, b, c, d, ref kind @ .., method, flags] = bytes.first_chunk::<HEAD>()?;
    let length = u32::from_be_bytes([a, b, c, d]);
    let zlib = method & 15 == 8 && method >> 4 <= 7 && flags & 32 == 0 && u16::from_be_bytes([method, flags]) % 31 == 0;
    let window = if method == 0x78 { Window::Whole } else { Window::Small };
    let sound = kind == IDAT && zlib && length >= 2 && is_length(length);
    sound.then_some(Head::Image { length: length as usize, window })
}

/// A chunk of a dump as long as its room for output, in which a zlib stream begins.
fn dump(bytes: &[u8]) -> Option<Head> {
    let &[0, a, b, c, d, 0x78, 0x01 | 0x5e | 0x9c | 0xda] = bytes.first_chunk::<7>()? else { return None };
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let [least, most] = DUMP_CHUNKS;
    (length.is_power_of_two() && (least..=most).contains(&length)).then_some(Head::Dump { length })
}
