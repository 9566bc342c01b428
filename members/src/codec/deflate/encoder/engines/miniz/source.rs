//! What miniz's matchers read, and what they have in common.

use super::blocks::Blocks;
use crate::codec::deflate::encoder::matchers::window::Flow;

/// The bytes, and where they lie in the stream.
pub(super) struct Source {
    /// History, plain bytes, and zeros so that any position may be read as a `View`.
    pub(super) buf: Vec<u8>,
    /// Where the plain bytes begin.
    pub(super) begin: usize,
    /// Stream position of `buf`'s first byte.
    pub(super) origin: u64,
}

/// A matcher at work.
pub(super) trait Matcher {
    /// Encodes up to `to`, where the encoder was told to flush or the stream ends if `sync`; else as far as what may
    /// follow does not matter. The last block is not finished.
    fn run(&mut self, source: &Source, b: &mut Blocks, to: usize, sync: bool) -> Flow;
}
