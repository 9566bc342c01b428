//! klauspost's `compress/flate` (github.com/klauspost/compress), which its `gzip`, `zip` and `zlib` use, and `pgzip`
//! (github.com/klauspost/pgzip): so releases that `GoReleaser` packs, layers that podman and buildah push, and what
//! many programs written in Go compress.
//!
//! Levels 1 to 6 are in [`quick`] and [`double`], levels 7 to 9 in [`lazy`]; [`sections`] writes what they find. Each
//! stream ends with an empty block with the fixed codes. The sizes of input chunks do not matter.
//!
//! pgzip encodes pieces of a fixed size on their own, each with the last 16 KiB before it as its dictionary, and ends
//! each as a flush does.

mod chains;
mod codes;
mod detect;
mod double;
mod estimate;
mod fast;
mod lazy;
mod place;
mod quick;
mod sections;
mod state;
mod tables;

pub(super) use place::Version;

use crate::codec::deflate::encoder::engine::{BlockSink, Candidates, Engine, Limits, zlib_cost};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::matchers::joined::Joined;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::params::{Params, Strategy};
use crate::codec::deflate::encoder::types::{
    Block, FAR_LOOKAHEAD, HISTORY, Input, LOOKAHEAD, MAX_POSITION, Start, WARM_UP,
};

use fast::{Fast, Literals};
use place::{Matcher, Place, is_piece};
use sections::{Sections, Style};
use state::Carried;
use std::ops::ControlFlow;

/// Length of a piece's dictionary.
const DICTIONARY: i64 = 16384;

/// The encoder of these releases.
pub(super) struct Klauspost(pub(super) Version);

impl Engine for Klauspost {
    fn is_valid(&self, params: &Params) -> bool {
        let literals = params.is_usual() || params.is_literals();
        let pieces = params.input_chunk == 0 || is_piece(params.input_chunk);
        params.level <= 9 && literals && params.mem_level == 8 && pieces && params.output_buffer == 0
    }

    fn limits(&self, params: &Params) -> Limits {
        // Level 9's choices also depend on what is before the window.
        let lazy = matches!(params.level, 7 | 8);
        Limits { lookahead: lookahead(params), piece: params.input_chunk, ..Limits::usual(lazy) }
    }

    fn history(&self, params: &Params, position: u64) -> usize {
        history(params, position)
    }

    fn cost(&self, params: &Params) -> u64 {
        if params.level < 7 { 8_000 } else { zlib_cost(params.level) }
    }

    fn detect(&self, seen: &Fingerprint, candidates: &mut Candidates) {
        detect::detect(self.0, seen, candidates);
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
        let position = start.position.min(MAX_POSITION) as i64;
        let piece = i64::from(params.input_chunk);
        let inside = position.checked_rem(piece).unwrap_or(position);
        let keep = history(params, position as u64);
        let Joined { buf, begin, end } = Joined::new(&start, keep, &input);
        let carried = Carried::unpack(start.state);

        let mut sink = |block: Block| sink(Block { plain_end: block.plain_end - begin, ..block });
        let version = self.0;
        let penalty = match (params.strategy, params.level) {
            (Strategy::Huffman, _) => 10,
            (_, 0..=6) => 7,
            _ => 8,
        };
        let style = Style { penalty, full: version == Version::Earliest };
        let mut w = Sections::new(style, begin, carried.before, out, expected, &mut sink);
        w.cut = (!input.ends).then(|| end.saturating_sub(lookahead(params)));
        let origin = begin as i64 - inside;
        let mut place = Place { buf: &buf, at: begin, start: origin, seam: origin, end: None, version };
        if piece > 0 {
            if position > inside {
                place.start -= DICTIONARY;
            }
            return pieces(params, place, (end, input.ends), carried, &mut w);
        }
        let mut from = begin;
        let mut flushes = input.flushes.iter().map(|flush| begin + flush.min(&input.plain.len())).peekable();
        place.end = flushes.peek().copied().or(input.ends.then_some(end));
        let mut matcher = matcher(place, params, carried);
        for flush in flushes {
            from = flush.max(from);
            matcher.run(&mut w, from, Some(Carried::default()))?;
            w.marker(Carried::default(), Carried::default())?;
        }
        matcher.run(&mut w, end, input.ends.then(Carried::default))?;
        if input.ends { w.finish() } else { ControlFlow::Continue(()) }
    }

    fn chunk_label(&self) -> &'static str {
        "pgzip's pieces of"
    }
}

/// Plain bytes before a stream position that a restart there wants; see [`Params::history`].
fn history(params: &Params, position: u64) -> usize {
    let keep = match (params.strategy, params.level) {
        (Strategy::Huffman, _) => return 0,
        (_, 7 | 8) => HISTORY,
        // The costs that level 9 reckons with may be of more than a window.
        _ => WARM_UP,
    };
    let piece = position.checked_rem(u64::from(params.input_chunk)).unwrap_or(position);
    keep.min(usize::try_from(piece).unwrap_or(keep).saturating_add(DICTIONARY as usize))
}

/// Plain bytes behind a block without which it cannot be told where the block ends, or what its symbols are. A block
/// is taken to end where just so many are left.
const fn lookahead(params: &Params) -> usize {
    match params.level {
        _ if matches!(params.strategy, Strategy::Huffman) => 0,
        0..=6 => 0,
        7 | 8 => 2 * LOOKAHEAD,
        _ => FAR_LOOKAHEAD,
    }
}

/// The matcher of these settings.
fn matcher<'a>(place: Place<'a>, params: &Params, carried: Carried) -> Box<dyn Matcher + 'a> {
    if params.strategy == Strategy::Huffman {
        return Box::new(Literals::new(place));
    }
    match params.level {
        1 => Box::new(Fast::<quick::Level1>::new(place)),
        2 => Box::new(Fast::<quick::Level2>::new(place)),
        3 => Box::new(Fast::<quick::Level3>::new(place)),
        4 => Box::new(Fast::<double::Level4>::new(place)),
        5 => Box::new(Fast::<double::Level5>::new(place)),
        6 => Box::new(Fast::<double::Level6>::new(place)),
        level => Box::new(lazy::Lazy::new(place, level, carried)),
    }
}

/// pgzip: encodes piece after piece up to `end`, where the stream ends or not.
fn pieces(params: &Params, mut place: Place, (end, ends): (usize, bool), carried: Carried, w: &mut Sections) -> Flow {
    let piece = i64::from(params.input_chunk);
    let due = Carried { marker_due: true, ..Carried::default() };
    let closing = Carried { closing: true, ..Carried::default() };
    let mut carried = carried;
    while !carried.closing {
        // A piece whose marker is due has ended here.
        let here = carried.marker_due && place.at as i64 == place.seam;
        let full = if here { place.seam } else { place.seam + piece };
        let to = if full <= end as i64 { full as usize } else { end };
        let whole = to as i64 == full;
        if !carried.marker_due {
            let sync = (whole || ends).then_some(due);
            place.end = sync.map(|_| to);
            matcher(place, params, carried).run(w, to, sync)?;
        }
        if !whole {
            if ends {
                w.marker(due, closing)?;
                break;
            }
            return ControlFlow::Continue(());
        }
        w.marker(due, Carried::default())?;
        let seam = to as i64;
        place = Place { at: to, start: seam - DICTIONARY, seam, ..place };
        carried = Carried::default();
    }
    if ends { w.finish() } else { ControlFlow::Continue(()) }
}
