//! libdeflate, which encodes a whole stream at once: each decision may depend on all of it, so none begins in the
//! middle.
//!
//! This is the library itself, not an engine of our own. Its version is pinned, since what it yields is part of the
//! format; the digests in `tests/encoder.rs` hold it to that, at every level.

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits, Rank};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::state::State;
use crate::codec::deflate::encoder::types::{Block, Input, Start};
use crate::codec::deflate::inflate::{Tables, decode_block};
use libdeflater::{CompressionLvl, Compressor};
use std::ops::ControlFlow;

/// The most plain bytes that are encoded.
const MAX_PLAIN: usize = 2 * 1024 * 1024;

/// The library at one of its levels.
pub(super) struct Libdeflate;

impl Engine for Libdeflate {
    fn is_valid(&self, params: &Params) -> bool {
        params.level <= 12 && params.is_usual() && params.is_plain()
    }

    fn limits(&self, params: &Params) -> Limits {
        Limits { whole: true, ..Limits::usual(params.level >= 4) }
    }

    fn cost(&self, params: &Params) -> u64 {
        5_000 * u64::from(params.level)
    }

    fn detect(&self, _: &Fingerprint, candidates: &mut Candidates) {
        candidates.add_levels(Rank::Unusual(5), &[6, 5, 7, 1, 9, 8, 2, 3, 4, 12, 11, 10]);
    }

    /// Encodes a stream from its start to its end; nothing else gives any output.
    fn encode(
        &self,
        params: &Params,
        start: Start,
        input: Input,
        out: &mut BitWriter,
        _: &mut Option<Expected>,
        sink: &mut BlockSink,
    ) -> Flow {
        let whole = start.position == 0 && start.first_bit == 0 && input.flushes.is_empty() && input.ends;
        let level = CompressionLvl::new(i32::from(params.level));
        let (true, Ok(level)) = (whole && input.plain.len() <= MAX_PLAIN, level) else { return ControlFlow::Break(()) };
        let mut compressor = Compressor::new(level);
        let mut bytes = vec![0; compressor.deflate_compress_bound(input.plain.len())];
        let Ok(len) = compressor.deflate_compress(input.plain, &mut bytes) else { return ControlFlow::Break(()) };
        out.bytes(&bytes[..len]);
        report(&bytes[..len], sink)
    }
}

/// Shows the blocks of a stream to `sink`.
fn report(bytes: &[u8], sink: &mut BlockSink) -> Flow {
    let mut tables = Tables::default();
    let (mut bit, mut plain) = (0, 0);
    while let Ok(block) = decode_block(&mut tables, bytes, bit, plain, &mut ()) {
        (bit, plain) = (block.end, plain + block.plain);
        let shown = Block {
            plain_end: plain as usize,
            bit_end: bit as u64,
            last: block.last,
            state: State::default(),
            bytes: &bytes[..bit.div_ceil(8)],
        };
        sink(shown)?;
        if block.last {
            break;
        }
    }
    ControlFlow::Continue(())
}
