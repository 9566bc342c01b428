//! pigz: zlib on pieces, each with the window before it as its dictionary, joined by padding.

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits, Rank};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::classic::MatchSettings;
use crate::codec::deflate::encoder::matchers::hash::Rolling;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::block::Rules;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::segments::Segments;
use crate::codec::deflate::encoder::types::{Input, Start};

pub(super) struct Pigz;

impl Engine for Pigz {
    fn is_valid(&self, params: &Params) -> bool {
        let piece = (32768..=131_072).contains(&params.input_chunk);
        params.level <= 9 && params.is_usual() && params.mem_level == 8 && piece && params.output_buffer == 0
    }

    fn limits(&self, params: &Params) -> Limits {
        Limits::usual(params.level >= 4)
    }

    fn detect(&self, _: &Fingerprint, candidates: &mut Candidates) {
        for level in [6, 9, 1, 2, 3, 4, 5, 7, 8] {
            candidates.add(Rank::Unusual(3), Params { input_chunk: 131_072, ..candidates.level(level) });
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
        let (piece, lazy) = (params.input_chunk, self.limits(params).lazy);
        // Each piece is passed at once.
        let params = Params { input_chunk: 0, ..*params };
        let segments = Segments { params, lazy, piece, rules, start, input };
        segments.encode(out, expected, sink, |part, state| part.classic(hash, &settings, state))
    }

    fn chunk_label(&self) -> &'static str {
        "pieces of"
    }
}
