//! miniz_oxide (github.com/Frommi/miniz_oxide, compared with 0.7.4, 0.8.9 and 0.9.1), which Rust's `flate2` uses unless
//! told otherwise: so wheels that maturin and uv build, archives of the `zip` crate, images of the `png` crate. It
//! follows miniz, written in C.
//!
//! Levels 2 to 10 are in [`normal`], level 1 in [`fast`]; [`blocks`] collects what they find and writes it. Neither the
//! sizes of input chunks nor the output buffer matter but at level 1. A flush where no symbol has come since the block
//! before is taken to be 0.9's, which writes the marker alone; earlier releases write an empty block with the fixed
//! codes too. After `Z_FULL_FLUSH`, matches would not reach behind it.

mod blocks;
mod code;
mod detect;
mod fast;
mod limits;
mod normal;
mod probes;
mod source;

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::joined::Joined;
use crate::codec::deflate::encoder::matchers::sorted::Sorted;
use crate::codec::deflate::encoder::matchers::window::{Flow, Table, View};
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::types::{Block, Input, MAX_POSITION, Start};

use blocks::Blocks;
use limits::{LOOKAHEAD, OUTPUT_BUFFER, SHORT_CHUNK};
use source::{Matcher, Source};
use std::ops::ControlFlow;

/// miniz_oxide.
pub(super) struct Miniz;

impl Engine for Miniz {
    fn is_valid(&self, params: &Params) -> bool {
        let output_buffer = params.output_buffer == 0 || params.level == 1 && params.output_buffer == OUTPUT_BUFFER;
        let input_chunk = params.input_chunk == 0 || params.input_chunk == SHORT_CHUNK && params.output_buffer > 0;
        params.level <= 10 && params.is_usual() && params.mem_level == 8 && output_buffer && input_chunk
    }

    fn limits(&self, params: &Params) -> Limits {
        let lookahead = if params.level == 1 { LOOKAHEAD } else { Limits::usual(true).lookahead };
        Limits { lookahead, ..Limits::usual(params.level >= 2) }
    }

    fn cost(&self, params: &Params) -> u64 {
        [10_000, 25_000, 25_000, 30_000, 34_000, 41_000, 44_000, 50_000, 57_000, 70_000]
            [usize::from(params.level.clamp(1, 10)) - 1]
    }

    fn detect(&self, seen: &Fingerprint, candidates: &mut Candidates) {
        detect::detect(seen, candidates);
    }

    fn encode(
        &self,
        params: &Params,
        start: Start,
        input: Input,
        out: &mut BitWriter,
        expected: &mut Option<Expected>,
        sink: &mut BlockSink,
    ) -> Flow {
        let position = start.position.min(MAX_POSITION);
        let Joined { mut buf, begin, end } = Joined::new(&start, self.limits(params).history(), &input);
        buf.resize(end + size_of::<View>(), 0);
        let source = Source { buf, begin, origin: position.saturating_sub(begin as u64) };
        let mut sink = |block: Block| sink(Block { plain_end: block.plain_end - begin, ..block });
        let mut blocks = Blocks::new(params, start.written, begin, out, expected, &mut sink);
        // A match that waits must fit into what comes before the next flush.
        let first = input.flushes.first().map_or(end, |&flush| begin + flush.min(end - begin));
        if params.level == 1 {
            let mut matcher = fast::Fast::new(&source, start.state, first);
            return segments(&mut matcher, &source, &mut blocks, &input, end);
        }
        Sorted::lend(|sorted| {
            let mut matcher = normal::Normal::new(&source, params.level, start.state, first, sorted);
            segments(&mut matcher, &source, &mut blocks, &input, end)
        })
    }
}

/// Encodes from flush to flush.
fn segments(matcher: &mut dyn Matcher, source: &Source, b: &mut Blocks, input: &Input, end: usize) -> Flow {
    let mut from = source.begin;
    for &flush in input.flushes {
        from = (source.begin + flush.min(input.plain.len())).max(from);
        matcher.run(source, b, from, true)?;
        b.marker(&source.buf)?;
    }
    matcher.run(source, b, end, input.ends)?;
    if input.ends { b.finish(&source.buf) } else { ControlFlow::Continue(()) }
}
