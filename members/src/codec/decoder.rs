//! The interface between the expander and a codec.
//!
//! Invariants: a decoder's ops depend on the bytes alone, not on how they arrive; it holds no more than the settings
//! allow. Failures: there are none. A stream that cannot be decoded is over.

use crate::unit::Expansion;
use crate::unit::builder::Builder;

/// Expands streams of one codec, one at a time; keeps its tables from one to the next.
pub(crate) trait Decoder {
    /// Begins a stream that may start at byte `at` of the buffer, behind a signature at byte `signature`.
    fn begin(&mut self, signature: usize, at: usize);

    /// Decodes on and hands certain ops to `builder`. `ended`: no more bytes come behind the buffer.
    fn step(&mut self, builder: &mut Builder, ended: bool, out: &mut Expansion) -> Progress;

    /// Hands over everything held: the object has ended.
    fn finish(&mut self, builder: &mut Builder, out: &mut Expansion);

    /// Follows the buffer, of which the first `bytes` bytes were dropped.
    fn rebase(&mut self, bytes: usize);
}

/// The result of a step.
pub(crate) enum Progress {
    /// Another step is possible.
    Go,
    /// None is until the buffer is that long.
    Wait(usize),
    /// The stream is over, or cannot be decoded further. The search for members goes on at this byte.
    Over(usize),
}
