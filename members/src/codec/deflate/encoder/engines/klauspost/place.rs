//! Where a matcher begins, and what all matchers have in common.

use super::sections::Sections;
use super::state::Carried;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::params::is_chunk;

/// Releases with the same output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 1.20.
    Current,
    /// 1.18.2 to 1.19.
    Earlier,
    /// Before.
    Earliest,
}

/// A matcher at work.
pub(super) trait Matcher {
    /// Encodes up to `to`, where with `sync` the encoder was told to flush: all sections are written then, and the last
    /// carries `sync`. Else as far as what may follow does not matter.
    fn run(&mut self, w: &mut Sections, to: usize, sync: Option<Carried>) -> Flow;
}

/// Where a matcher begins.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// History, plain bytes, and eight more so that any position may be read as eight.
    pub(super) buf: &'a [u8],
    pub(super) at: usize,
    /// Where in the buffer, or before it, what the encoder was given begins: the stream or the dictionary.
    pub(super) start: i64,
    /// Where the dictionary ends; `start` if there is none.
    pub(super) seam: i64,
    /// Where the encoder is told to flush next, if it is known.
    pub(super) end: Option<usize>,
    pub(super) version: Version,
}

/// Whether pgzip's blocks may be that long.
pub(super) const fn is_piece(input_chunk: u32) -> bool {
    input_chunk >= 32768 && is_chunk(input_chunk)
}
