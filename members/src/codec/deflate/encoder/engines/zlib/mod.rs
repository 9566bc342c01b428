//! zlib 1.1 to 1.3, with all its settings.

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits, Rank};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::classic::MatchSettings;
use crate::codec::deflate::encoder::matchers::hash::Rolling;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::block::Rules;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::{Params, Strategy};
use crate::codec::deflate::encoder::segments::Segments;
use crate::codec::deflate::encoder::types::{Input, Start};

pub(super) struct Zlib;

/// Levels with their ranks among the usual ones of all families.
const LEVELS: [(u8, u16); 9] = [(6, 0), (9, 1), (1, 10), (5, 11), (7, 12), (8, 13), (4, 14), (3, 15), (2, 16)];

impl Engine for Zlib {
    fn is_valid(&self, params: &Params) -> bool {
        params.level <= 9 && params.output_buffer == 0
    }

    fn limits(&self, params: &Params) -> Limits {
        Limits::usual(params.level >= 4)
    }

    fn detect(&self, seen: &Fingerprint, candidates: &mut Candidates) {
        for (level, rank) in LEVELS {
            for mem_level in seen.memory_levels() {
                candidates.add(Rank::Usual(rank), Params { mem_level, ..candidates.level(level) });
            }
        }
        if seen.full.is_none_or(|symbols| symbols == 16383) {
            for strategy in [Strategy::Filtered, Strategy::Fixed, Strategy::Rle, Strategy::Huffman] {
                for level in [6, 9, 1, 2, 3, 4, 5, 7, 8] {
                    candidates.add(Rank::Unusual(1), Params { strategy, ..candidates.level(level) });
                }
            }
            for window_bits in (9..15).rev() {
                for level in [6, 9] {
                    candidates.add(Rank::Unusual(1), Params { window_bits, ..candidates.level(level) });
                }
            }
        }
        // What image writers set beside the largest memory level: Pillow the first, optipng each. The others have no
        // levels.
        if seen.full.is_none_or(|symbols| symbols == 32767) {
            let levels =
                [(Strategy::Filtered, &[6, 9, 4, 5, 7, 8][..]), (Strategy::Huffman, &[6]), (Strategy::Rle, &[6])];
            for (strategy, levels) in levels {
                for &level in levels {
                    candidates.add(Rank::Unusual(2), Params { strategy, mem_level: 9, ..candidates.level(level) });
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
        let (hash, settings) = (Rolling::new(params.mem_level), MatchSettings::of_zlib(params));
        let segments = Segments { params: *params, lazy: self.limits(params).lazy, piece: 0, rules, start, input };
        segments.encode(out, expected, sink, |part, state| part.classic(hash, &settings, state))
    }
}
