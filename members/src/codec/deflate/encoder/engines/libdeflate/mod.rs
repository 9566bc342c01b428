//! libdeflate, which encodes a whole stream at once: each decision may depend on all of it, so none begins in the
//! middle.
//!
//! This is the library itself, not an engine of our own. Its version is pinned, since what it yields is part of the
//! format; the digests in `tests/encoder.rs` hold it to that, at every level.

use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::types::{Block, Input, Start};
use crate::codec::deflate::inflate::{Tables, decode_block};
use libdeflater::{CompressionLvl, Compressor};
use std::ops::ControlFlow;

/// The most plain bytes that are encoded.
const MOST: usize = 2 * 1024 * 1024;

/// Encodes a stream from its start to its end; nothing else gives any output. See
/// `encode` of [`crate::deflate::encoder`].
pub(crate) fn encode(
    params: &Params,
    start: Start,
    input: Input,
    sink: &mut dyn FnMut(Block) -> ControlFlow<()>,
) -> Vec<u8> {
    let whole = start.position == 0 && start.first_bit == 0 && input.flushes.is_empty() && input.ends;
    let level = CompressionLvl::new(i32::from(params.level));
    let (true, Ok(level)) = (whole && input.plain.len() <= MOST, level) else { return Vec::new() };
    let mut compressor = Compressor::new(level);
    let mut bytes = vec![0; compressor.deflate_compress_bound(input.plain.len())];
    let Ok(len) = compressor.deflate_compress(input.plain, &mut bytes) else { return Vec::new() };
    bytes.truncate(len);
    report(&bytes, sink);
    bytes
}

/// Shows the blocks of a stream to `sink`.
fn report(bytes: &[u8], sink: &mut dyn FnMut(Block) -> ControlFlow<()>) {
    let mut tables = Tables::default();
    let (mut bit, mut plain) = (0, 0);
    while let Ok(block) = decode_block(&mut tables, bytes, bit, plain, &mut ()) {
        (bit, plain) = (block.end, plain + block.plain);
        let shown = Block {
            plain_end: plain as usize,
            bit_end: bit as u64,
            last: block.last,
            state: crate::codec::deflate::encoder::state::State::default(),
            bytes: &bytes[..bit.div_ceil(8)],
        };
        if sink(shown).is_break() || block.last {
            break;
        }
    }
}
