//! Go's `compress/flate` (golang/go, `src/compress/flate`), which its `compress/gzip`, `compress/zlib`, `archive/zip`
//! and `image/png` use up to Go 1.26: so container layers, module archives, and what release tools written in Go pack.
//!
//! Levels 2 to 9 are in [`levels`], level 1 and the Huffman-only mode in [`fast`]. Each stream ends with an empty
//! stored block. The sizes of input chunks hardly matter: only whether one ends within the last 261 bytes of the double
//! window, which then moves down a match earlier. Input is taken to come in pieces that divide 32 KiB.

mod chains;
mod code;
mod fast;
mod form;
mod levels;
mod source;

pub(crate) use code::build;
pub(crate) use form::described;

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits, Rank};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::joined::Joined;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::block::{Blocks, Rules};
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::output::form::Choice;
use crate::codec::deflate::encoder::params::{Params, Strategy};
use crate::codec::deflate::encoder::state::State;
use crate::codec::deflate::encoder::types::{Block, Input, MAX_POSITION, Start};
use source::{Matcher, Source};
use std::ops::ControlFlow;

/// Symbols in a block of levels 2 to 9.
const FULL: usize = 16384;

/// The encoder of Go's standard library.
pub(super) struct Go;

impl Engine for Go {
    fn is_valid(&self, params: &Params) -> bool {
        params.level <= 9 && (params.is_usual() || params.is_literals()) && params.is_plain()
    }

    fn limits(&self, params: &Params) -> Limits {
        Limits::usual(params.level >= 4)
    }

    /// Each stream ends with an empty stored block, blocks of 16384 symbols or of 65535 bytes before it.
    fn detect(&self, seen: &Fingerprint, candidates: &mut Candidates) {
        let levels: &[u8] = match seen.full {
            Some(FULL) => &[6, 5, 9, 4, 7, 8, 3, 2],
            Some(_) if seen.buffer == 65535 && !seen.closed => &[1],
            Some(_) if !seen.closed => &[],
            _ => &[6, 5, 9, 1, 4, 7, 8, 3, 2],
        };
        // Stored blocks alone tell nothing.
        let rank = if seen.full.is_some() || seen.closed { Rank::Certain(2) } else { Rank::Unusual(4) };
        candidates.add_levels(rank, levels);
        if levels.contains(&1) {
            candidates.add(rank, Params { strategy: Strategy::Huffman, ..candidates.level(6) });
        }
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
        let literals = params.strategy == Strategy::Huffman;
        let keep = if literals { 0 } else { self.limits(params).history() };
        let Joined { buf, begin, end } = Joined::new(&start, keep, &input);
        let source = Source { buf, begin, origin: start.position.min(MAX_POSITION).saturating_sub(begin as u64) };

        let mut sink = |block: Block| sink(Block { plain_end: block.plain_end - begin, ..block });
        let fast = params.level == 1 || literals;
        let form: Choice = if fast { form::worthwhile } else { form::smallest };
        let full = if fast { usize::MAX } else { FULL };
        let rules = Rules { form, full, truncate: false, output_buffer: 0, written: 0 };
        let mut blocks = Blocks::new(rules, begin, out, expected, &mut sink);
        let known_end = input.ends.then_some(end);
        let mut matcher: Box<dyn Matcher> = if literals {
            Box::new(fast::Literals::new(source))
        } else if fast {
            Box::new(fast::Fast::new(source))
        } else {
            Box::new(levels::Chained::new(source, params.level, start.state, known_end))
        };
        let mut from = begin;
        for &flush in input.flushes {
            from = (begin + flush.min(input.plain.len())).max(from);
            matcher.run(&mut blocks, from, true)?;
            blocks.marker(State::default())?;
        }
        matcher.run(&mut blocks, end, input.ends)?;
        if input.ends { blocks.stored(&[], true) } else { ControlFlow::Continue(()) }
    }
}
