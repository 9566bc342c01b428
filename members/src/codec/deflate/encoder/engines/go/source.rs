//! What Go's matchers read, and what they have in common.

use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::block::Blocks;

/// A matcher at work.
pub(super) trait Matcher {
    /// Encodes up to `to`, where the encoder was told to flush or the stream ends if `sync`; else as far as what may
    /// follow does not matter. All blocks are finished if `sync`.
    fn run(&mut self, b: &mut Blocks, to: usize, sync: bool) -> Flow;
}

/// The bytes, and where they lie in the stream.
pub(super) struct Source {
    /// History, plain bytes, and eight more so that any position may be read as eight.
    pub(super) buf: Vec<u8>,
    /// Where the plain bytes begin.
    pub(super) begin: usize,
    /// Stream position of `buf`'s first byte.
    pub(super) origin: u64,
}
