//! GNU gzip and Info-ZIP zip: zlib's matchers with 32 Ki symbols a block, which ends early where matches do well; and
//! gzip's `--rsyncable`, with which blocks end where the content says so.

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits, Rank, zlib_cost};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::classic::MatchSettings;
use crate::codec::deflate::encoder::matchers::fill::MAX_MATCH;
use crate::codec::deflate::encoder::matchers::hash::Rolling;
use crate::codec::deflate::encoder::matchers::rsync::Rsync;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::block::Rules;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::segments::Segments;
use crate::codec::deflate::encoder::types::{HISTORY, Input, Start};

pub(super) struct Gzip {
    pub(super) rsyncable: bool,
}

/// Symbols of a full block.
const FULL: usize = 32767;

/// Levels with their ranks among the usual ones of all families.
const LEVELS: [(u8, u16); 9] = [(6, 4), (9, 5), (1, 17), (5, 18), (7, 19), (8, 20), (4, 21), (3, 22), (2, 23)];

impl Engine for Gzip {
    fn is_valid(&self, params: &Params) -> bool {
        params.level <= 9 && params.is_usual() && params.is_plain()
    }

    fn limits(&self, params: &Params) -> Limits {
        // With --rsyncable, empty stored blocks stand where the content says so.
        Limits { takes_flushes: !self.rsyncable, ..Limits::usual(params.level >= 4) }
    }

    fn cost(&self, params: &Params) -> u64 {
        zlib_cost(params.level) * 5 / 6
    }

    fn detect(&self, seen: &Fingerprint, candidates: &mut Candidates) {
        if self.rsyncable {
            if ends_by_content(seen) {
                candidates.add_levels(Rank::Certain(1), &[6, 9, 1, 5, 7, 8, 4, 3, 2]);
            }
        } else if seen.full.is_none_or(|symbols| symbols.is_multiple_of(4096) || symbols == FULL) {
            LEVELS.iter().for_each(|&(level, rank)| candidates.add_levels(Rank::Usual(rank), &[level]));
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
        let rules = Rules { full: FULL, truncate: params.level > 2, ..Rules::of_zlib(params, start.written) };
        let settings = MatchSettings { gzip: true, rsync: self.rsyncable, ..MatchSettings::of_zlib(params) };
        let hash = Rolling::new(params.mem_level);
        let segments = Segments { params: *params, lazy: self.limits(params).lazy, piece: 0, rules, start, input };
        segments.encode(out, expected, sink, |part, state| part.classic(hash, &settings, state))
    }
}

/// Whether the first block ends as `gzip --rsyncable` would end it: within a symbol of the first place that its sums
/// name.
fn ends_by_content(seen: &Fingerprint) -> bool {
    let (start, plain) = (&seen.start, seen.input.plain);
    let near = &start.history[start.history.len().saturating_sub(HISTORY)..];
    let first = [near, &plain[..seen.first.min(plain.len())]].concat();
    let rsync = Rsync::on(&first, start.position.saturating_sub(near.len() as u64), near.len());
    rsync.is_due(first.len()) && !rsync.is_due(first.len().saturating_sub(MAX_MATCH))
}
