//! miniz_oxide (github.com/Frommi/miniz_oxide, compared with 0.7.4, 0.8.9 and 0.9.1), which Rust's `flate2` uses unless
//! told otherwise: so wheels that maturin and uv build, archives of the `zip` crate, images of the `png` crate. It
//! follows miniz, written in C.
//!
//! Levels 2 to 10 are in [`normal`], level 1 in [`fast`]; [`blocks`] collects what they find and writes it. Neither the
//! sizes of writes nor the room for output matter but at level 1. A flush where no symbol has come since the block
//! before is taken to be 0.9's, which writes the marker alone; earlier releases write an empty block with the fixed
//! codes too. After `Z_FULL_FLUSH`, matches would not reach behind it.

mod blocks;
mod code;
mod detect;
mod fast;
mod normal;
mod probes;

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::joined::Joined;
use crate::codec::deflate::encoder::matchers::sorted::Sorted;
use crate::codec::deflate::encoder::matchers::window::{Flow, Table, View};
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::types::{Block, FARTHEST, Input, Start};

use blocks::Blocks;
use std::ops::ControlFlow;

/// How far matches reach, with what the encoder looks ahead.
const WINDOW: usize = 32768;
/// Longest match.
const MAX_MATCH: usize = 258;
/// Matches of three bytes are not worth it from so far.
const TOO_FAR: usize = 8192;
/// Plain bytes that level 1 takes in at a time.
const CHUNK: usize = 4096;
/// Settings of [`Params::writes`] that stand for calls short enough that each block finds all room empty.
const SHORT_WRITES: u32 = 8192;
/// `flate2`'s room for output.
const ROOM: u32 = 32768;
/// Plain bytes behind a block that level 1 may need: it does nothing before it has a chunk.
const LOOKAHEAD: usize = 2 * CHUNK;

/// The bytes, and where they lie in the stream.
struct Source {
    /// History, plain bytes, and zeros so that any position may be read as a [`View`].
    buf: Vec<u8>,
    /// Where the plain bytes begin.
    begin: usize,
    /// Stream position of `buf`'s first byte.
    origin: u64,
}

/// A matcher at work.
trait Matcher {
    /// Encodes up to `to`, where the encoder was told to flush or the stream ends if `sync`; else as far as what may
    /// follow does not matter. The last block is not finished.
    fn run(&mut self, source: &Source, b: &mut Blocks, to: usize, sync: bool) -> Flow;
}

/// miniz_oxide.
pub(super) struct Miniz;

impl Engine for Miniz {
    fn is_valid(&self, params: &Params) -> bool {
        let room = params.room == 0 || params.level == 1 && params.room == ROOM;
        let writes = params.writes == 0 || params.writes == SHORT_WRITES && params.room > 0;
        params.level <= 10 && params.is_usual() && params.mem_level == 8 && room && writes
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
        let position = start.position.min(FARTHEST);
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
