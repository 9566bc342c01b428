//! Looking for a stream's first chunk: of a PNG's image data, or of a table's data in a dump of pg_dump.

use std::ops::Range;

use crate::container::pg_dump;
use crate::container::png::{self, IDAT, WindowSize};

/// How far ahead one step of the search looks.
const STRIDE: usize = 64;

/// How a first chunk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Its length, its type, and zlib's header.
    Image { length: usize, window: WindowSize },
    /// Its length behind a sign, and zlib's header.
    Dump { length: usize },
}

impl Head {
    /// Bytes before the chunk's data.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Image { .. } => png::HEAD - 2,
            Self::Dump { .. } => pg_dump::BOUNDARY,
        }
    }

    /// Whether a first chunk is there; `None`: that shows once more bytes than `rest`, which the head begins, are
    /// known.
    ///
    /// Little of a dump's head is fixed. So there must be a boundary where its chunk ends.
    pub(super) fn is_sound(self, rest: &[u8], ended: bool) -> Option<bool> {
        let Self::Dump { length } = self else { return Some(true) };
        match rest.get(pg_dump::BOUNDARY + length..).and_then(|next| next.split_first_chunk::<{ pg_dump::BOUNDARY }>())
        {
            Some((boundary, [_, ..])) => Some(pg_dump::next(boundary, length).is_some()),
            _ => ended.then_some(false),
        }
    }

    /// What `bytes` begin with.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(4)? {
            0 => pg_dump::head(bytes).map(|length| Self::Dump { length }),
            _ => png::head(bytes).map(|(length, window)| Self::Image { length, window }),
        }
    }
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
