//! Chromium's fork of zlib since 2022: zlib with a hash of four bytes.

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits, Rank, zlib_cost};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::classic::MatchSettings;
use crate::codec::deflate::encoder::matchers::hash::Multiplied;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::block::Rules;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::segments::Segments;
use crate::codec::deflate::encoder::types::{Input, Start};

pub(super) struct Chromium;

/// Levels with their ranks among the usual ones of all families.
const LEVELS: [(u8, u16); 9] = [(6, 2), (9, 3), (1, 32), (2, 33), (3, 34), (4, 35), (5, 36), (7, 37), (8, 38)];

impl Engine for Chromium {
    fn is_valid(&self, params: &Params) -> bool {
        params.level <= 9 && params.window_bits == 15 && params.output_buffer == 0
    }

    fn limits(&self, params: &Params) -> Limits {
        Limits::usual(params.level >= 4)
    }

    fn cost(&self, params: &Params) -> u64 {
        zlib_cost(params.level) * 5 / 6
    }

    fn detect(&self, seen: &Fingerprint, candidates: &mut Candidates) {
        for (level, rank) in LEVELS {
            for mem_level in seen.memory_levels() {
                candidates.add(Rank::Usual(rank), Params { mem_level, ..candidates.level(level) });
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
        let (hash, settings) = (Multiplied::new(params.mem_level), MatchSettings::of_zlib(params));
        let segments = Segments { params: *params, lazy: self.limits(params).lazy, piece: 0, rules, start, input };
        segments.encode(out, expected, sink, |part, state| part.classic(hash, &settings, state))
    }
}
