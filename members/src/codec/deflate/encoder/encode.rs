//! Encoding with any engine.

use super::engine::BlockSink;
use super::output::bits::BitWriter;
use super::output::expected::Expected;
use super::params::Params;
use super::types::{Block, HISTORY, Input, Start};
use std::ops::ControlFlow;

/// Flushes that any input may have.
const MAX_FLUSHES: usize = 16;

/// Encodes from a block boundary. `sink` sees each block as soon as it is finished and ends the run by breaking.
/// Returns all output; its first `first_bit` bits and what fills up its last byte are zero.
///
/// Settings that [`Params::is_valid`] refuses give no output, nor do more flushes than 16 and one for every 16 KiB.
/// Encoders that cannot be told to flush ([`Params::takes_flushes`]) pass over them. After a flush the greedy matchers
/// (not [`Params::is_lazy`]) often choose otherwise than the original, which did not look beyond it when it passed. A
/// few MiB of plain bytes at a time keep memory small: they are copied once.
pub fn encode(params: &Params, start: Start, input: Input, sink: &mut dyn FnMut(Block) -> ControlFlow<()>) -> Vec<u8> {
    encode_expecting(params, start, input, None, sink)
}

/// Encodes as long as the symbols are those expected.
pub(super) fn encode_expecting(
    params: &Params,
    start: Start,
    input: Input,
    mut expected: Option<Expected>,
    sink: &mut BlockSink,
) -> Vec<u8> {
    let mut out = BitWriter::new(start.first_bit);
    let input = if params.takes_flushes() { input } else { Input { flushes: &[], ..input } };
    // Each flush costs filling the chains again.
    if !params.is_valid() || input.flushes.len() > MAX_FLUSHES + input.plain.len() / (HISTORY / 2) {
        return Vec::new();
    }
    // A sink that breaks leaves nothing more to do.
    let _ = params.family.engine().encode(params, start, input, &mut out, &mut expected, sink);
    out.finish()
}
