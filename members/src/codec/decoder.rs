//! What the expander asks of a codec.

use crate::unit::Expansion;
use crate::unit::builder::Builder;

/// Expands streams of one codec, one at a time; keeps its tables from one to the next.
pub(crate) trait Decoder {
    /// Begins a stream that may start at byte `at` of the buffer, behind a signature at byte `signature`.
    fn begin(&mut self, signature: usize, at: usize);

    /// Decodes on; what is certain goes into `builder`. `ended`: no more bytes come behind the buffer.
    fn step(&mut self, builder: &mut Builder, ended: bool, out: &mut Expansion) -> Progress;

    /// Hands over all that is held: the object has ended.
    fn finish(&mut self, builder: &mut Builder, out: &mut Expansion);

    /// Follows the buffer, of which the first `bytes` bytes were dropped.
    fn rebase(&mut self, bytes: usize);
}

/// What a step comes to.
pub(crate) enum Progress {
    /// More steps.
    Go,
    /// A wait until the buffer is that long.
    Wait(usize),
    /// The end of the stream, or of what can be decoded; other members are looked for from this byte on.
    Over(usize),
}
