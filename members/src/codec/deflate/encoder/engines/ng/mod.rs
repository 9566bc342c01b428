//! zlib-ng and its Rust port zlib-rs: [`matcher`] has most levels, [`medium`] the middle ones.

pub(super) mod matcher;
mod medium;

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits, Rank};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::block::Rules;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::segments::Segments;
use crate::codec::deflate::encoder::types::{Input, Start};
use matcher::Effort;

pub(super) struct Ng {
    /// Whether a match that reaches just to the end of the input does not end the search.
    pub(super) earlier: bool,
}

/// Levels with their ranks among the usual ones of all families.
const LEVELS: [(u8, u16); 8] = [(6, 6), (9, 7), (5, 24), (2, 25), (3, 26), (4, 27), (7, 28), (8, 29)];
const EARLIER_LEVELS: [(u8, u16); 6] = [(6, 8), (9, 9), (7, 30), (8, 31), (2, 39), (3, 40)];

/// Sizes of input chunks that programs use.
const INPUT_CHUNKS: [u32; 6] = [0, 8192, 32768, 65536, 16384, 4096];

impl Engine for Ng {
    fn is_valid(&self, params: &Params) -> bool {
        let output_buffer = params.output_buffer;
        let sized = output_buffer.is_power_of_two() && (12..=26).contains(&output_buffer.trailing_zeros());
        let output_buffer = output_buffer == 0 || sized && (3..=6).contains(&params.level) && params.input_chunk == 0;
        (2..=9).contains(&params.level) && params.is_usual() && output_buffer
    }

    fn limits(&self, params: &Params) -> Limits {
        Limits::usual(params.level >= 7)
    }

    fn cost(&self, params: &Params) -> u64 {
        10_000 + u64::from(params.level) * 1_500
    }

    fn detect(&self, seen: &Fingerprint, candidates: &mut Candidates) {
        let levels = if self.earlier { &EARLIER_LEVELS[..] } else { &LEVELS };
        for &(level, rank) in levels {
            let input_chunk = if level < 7 { &INPUT_CHUNKS[..] } else { &INPUT_CHUNKS[..1] };
            for mem_level in seen.memory_levels() {
                for &input_chunk in input_chunk {
                    let usual = Params { mem_level, input_chunk, ..candidates.level(level) };
                    candidates.add(Rank::Usual(rank), Params { output_buffer: 32768, ..usual });
                    candidates.add(Rank::Usual(rank), usual);
                }
            }
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
        let rules = Rules::of_zlib(params, start.written);
        let effort = Effort::new(params.level, self.earlier);
        let segments = Segments { params: *params, lazy: self.limits(params).lazy, piece: 0, rules, start, input };
        segments.encode(out, expected, sink, |part, state| match params.level {
            9 => part.run(|w, b, _, begin| matcher::lazy::<true>(w, b, &effort, begin, state)),
            7 | 8 => part.run(|w, b, _, begin| matcher::lazy::<false>(w, b, &effort, begin, state)),
            3..=6 => part.run(|w, b, warm, begin| medium::run(w, b, &effort, (warm, begin), state)),
            _ => part.run(|w, b, warm, begin| matcher::greedy(w, b, &effort, warm, begin)),
        })
    }
}
