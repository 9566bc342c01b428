//! Exact re-encoders: from the plain bytes of a DEFLATE stream (RFC 1951), the compressed bits that its encoder wrote.
//!
//! DEFLATE leaves much to the encoder: which matches to take, where blocks end, which Huffman codes. Most real streams
//! come from a few programs, and these are deterministic, so naming the program and its settings ([`Params`], eight
//! bytes) re-creates a stream. The engines here follow the algorithms of zlib, Chromium's fork, GNU gzip, pigz,
//! zlib-ng, miniz, Go's standard library and klauspost's and pgzip's for Go; each file names its source. libdeflate is
//! itself called. [`find`] tries which one made a stream, [`matching`] tells how far one reproduces it.
//!
//! Invariants:
//! - The same input gives the same output on every machine and in every version of this program: stored data depends on
//!   it. A change that alters any output needs a new [`Params`] value.
//! - Encoding can begin at any block boundary, given the history before it, the position in the stream and a [`State`].
//! - No input makes it panic or take memory beyond a small multiple of it.
//!
//! Nothing here proves that a stream comes out right: callers compare the bits before they rely on it. A mismatch costs
//! density only.

pub(crate) mod detect;
pub(crate) mod engines;
pub(crate) mod matchers;
pub(crate) mod matching;
pub(crate) mod output;
pub(crate) mod params;
pub(crate) mod state;
pub(crate) mod types;

pub use detect::{find, find_among};
pub use matching::{Prefix, matching};
pub use params::{Family, PARAMS_LEN, Params, ParamsError, Strategy};
pub use state::State;
pub use types::{Block, FAR_LOOKAHEAD, HISTORY, Input, LOOKAHEAD, Start, WARM_UP};

use engines::ng::matcher as ng;
use engines::ng::medium;
use engines::{go, klauspost, libdeflate, miniz};
use matchers::chains::Chains;
use matchers::classic::{self, EFFORT, Multiplied, Rolling, Settings};
use matchers::window::{Table, Window};
use ng::Effort;
use output::bits::BitWriter;
use output::block::{Blocks, Dialect, Expected, Rules};
use std::ops::{ControlFlow, Range};
use types::FARTHEST;

/// Flushes that any input may have.
const FLUSHES: usize = 16;

/// Encodes from a block boundary. `sink` sees each block as soon as it is finished and ends the run by breaking.
/// Returns all output; its first `first_bit` bits and what fills up its last byte are zero.
///
/// Settings that [`Params::is_valid`] refuses give no output, nor do more flushes than 16 and one for every 16 KiB.
/// Encoders that cannot be told to flush ([`Params::takes_flushes`]) pass over them. After a flush the greedy matchers
/// (not [`Params::is_lazy`]) often choose otherwise than the original, which did not look beyond it when it passed. A
/// few MiB of plain bytes at a time keep memory small: they are copied once.
pub fn encode(params: &Params, start: Start, input: Input, sink: &mut dyn FnMut(Block) -> ControlFlow<()>) -> Vec<u8> {
    encode_expecting(params, start, input, None, sink)
}

/// Encodes as long as the symbols are those expected.
pub(crate) fn encode_expecting(
    params: &Params,
    start: Start,
    input: Input,
    mut expected: Option<Expected>,
    sink: &mut dyn FnMut(Block) -> ControlFlow<()>,
) -> Vec<u8> {
    let mut out = BitWriter::new(start.first_bit);
    let input = if params.takes_flushes() { input } else { Input { flushes: &[], ..input } };
    // Each flush costs filling the chains again.
    if !params.is_valid() || input.flushes.len() > FLUSHES + input.plain.len() / (HISTORY / 2) {
        return Vec::new();
    }
    if params.is_whole() {
        return libdeflate::encode(params, start, input, sink);
    }
    if params.family == Family::Go {
        // A sink that breaks leaves nothing more to do.
        let _ = go::encode(params, start, input, &mut out, &mut expected, sink);
        return out.finish();
    }
    if params.family == Family::Miniz {
        // As above.
        let _ = miniz::encode(params, start, input, &mut out, &mut expected, sink);
        return out.finish();
    }
    if params.family.is_klauspost() {
        // As above.
        let _ = klauspost::encode(params, start, input, &mut out, &mut expected, sink);
        return out.finish();
    }
    let (mut from, mut state) = (0, start.state);
    let pigz = params.family == Family::Pigz;
    let pieces = if pigz { pieces(params, &start, input.plain.len()) } else { Vec::new() };
    let cut = if pigz { End::Piece } else { End::Flush };
    for &flush in if pigz { &pieces } else { input.flushes } {
        let flush = flush.clamp(from, input.plain.len());
        if segment(params, start, state, input.plain, from..flush, cut, &mut out, &mut expected, sink).is_break() {
            return out.finish();
        }
        (from, state) = (flush, State::default());
    }
    let end = if input.ends { End::Final } else { End::More };
    // A sink that breaks leaves nothing more to do.
    let _ = segment(params, start, state, input.plain, from..input.plain.len(), end, &mut out, &mut expected, sink);
    out.finish()
}

/// How a part of the input ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    More,
    Final,
    Flush,
    Piece,
}

/// Where pigz's pieces end in `len` bytes from the start on, the stream's end excluded.
fn pieces(params: &Params, start: &Start, len: usize) -> Vec<usize> {
    let piece = params.writes as usize;
    let first = piece - (start.position % piece as u64) as usize;
    let due = (start.state == State::padding_due()).then_some(0);
    due.into_iter().chain((first..len).step_by(piece)).collect()
}

/// Encodes the part of `plain` in `range`.
#[expect(clippy::too_many_arguments, reason = "the parts of one call of `encode`")]
fn segment(
    params: &Params,
    start: Start,
    state: State,
    plain: &[u8],
    range: Range<usize>,
    end: End,
    out: &mut BitWriter,
    expected: &mut Option<Expected>,
    sink: &mut dyn FnMut(Block) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let inside = (start.position.min(FARTHEST) + range.start as u64) % u64::from(params.writes.max(1));
    let pigz = params.family == Family::Pigz;
    let keep = match params.is_lazy() {
        true => HISTORY,
        false if pigz => HISTORY + inside as usize,
        false => WARM_UP,
    };
    let mut history = Vec::new();
    let near = range.start.min(keep);
    let far = start.history.len().min(keep - near);
    history.extend_from_slice(&start.history[start.history.len() - far..]);
    history.extend_from_slice(&plain[range.start - near..range.start]);
    let lazy = params.is_lazy() || matches!(params.strategy, Strategy::Huffman | Strategy::Rle);
    let back = match lazy {
        true => 0,
        false if pigz => history.len().min(inside as usize),
        false => history.len(),
    };
    let position = start.position.min(FARTHEST) + range.start as u64;
    let mut part =
        Part { params, history, position, plain, range, back, written: start.written, end, out, expected, sink };
    let settings = Settings {
        effort: EFFORT[usize::from(params.level) - 1],
        filtered: params.strategy == Strategy::Filtered,
        gzip: params.family.is_gzip(),
        rsync: params.family == Family::GzipRsyncable,
    };
    let (rolling, multiplied) = (Rolling::new(params.mem_level), Multiplied::new(params.mem_level));
    match (params.strategy, params.family, params.is_lazy()) {
        (Strategy::Huffman | Strategy::Rle, _, _) => {
            part.run::<Chains>(|w, b, _, begin| classic::plain(w, b, params.strategy == Strategy::Rle, begin))
        }
        (_, Family::Ng | Family::NgEarlier, _) => {
            let effort = Effort::new(params.level, params.family == Family::NgEarlier);
            match params.level {
                9 => part.run(|w, b, _, begin| ng::lazy::<true>(w, b, &effort, begin, state)),
                7 | 8 => part.run(|w, b, _, begin| ng::lazy::<false>(w, b, &effort, begin, state)),
                3..=6 => part.run(|w, b, warm, begin| medium::run(w, b, &effort, (warm, begin), state)),
                _ => part.run(|w, b, warm, begin| ng::greedy(w, b, &effort, warm, begin)),
            }
        }
        (_, Family::Chromium, true) => {
            part.run(|w, b, _, begin| classic::lazy(w, b, multiplied, &settings, begin, state))
        }
        (_, Family::Chromium, false) => {
            part.run(|w, b, warm, begin| classic::greedy(w, b, multiplied, &settings, (warm, begin), state))
        }
        (_, _, true) => part.run(|w, b, _, begin| classic::lazy(w, b, rolling, &settings, begin, state)),
        (_, _, false) => part.run(|w, b, warm, begin| classic::greedy(w, b, rolling, &settings, (warm, begin), state)),
    }
}

/// A part of the input that one run of a matcher encodes.
struct Part<'a, 's> {
    params: &'a Params,
    history: Vec<u8>,
    position: u64,
    plain: &'a [u8],
    range: Range<usize>,
    /// How far before the part the matcher begins.
    back: usize,
    written: u64,
    end: End,
    out: &'a mut BitWriter,
    expected: &'a mut Option<Expected<'s>>,
    sink: &'a mut dyn FnMut(Block) -> ControlFlow<()>,
}

impl Part<'_, '_> {
    /// Lets a matcher, which is told where it begins and where what counts does, make blocks; and ends the last one.
    fn run<T: Table>(
        &mut self,
        matcher: impl FnOnce(&mut Window<'_, T>, &mut Blocks, usize, usize) -> ControlFlow<(), bool>,
    ) -> ControlFlow<()> {
        let Self { params, history, position, plain, range, back, written, end, out, expected, sink } = self;
        let (end, shift) = (*end, range.start);
        T::lend(|table| {
            let plain = &plain[range.clone()];
            let mut window = Window::new(history, plain, *position, *back, end != End::More, params, table);
            let begin = window.begin;
            let mut sink =
                |block: Block| sink(Block { plain_end: (block.plain_end + shift).saturating_sub(begin), ..block });
            let mut blocks = Blocks::new(rules(params, *written), begin, out, expected, &mut sink);
            let done = matcher(&mut window, &mut blocks, begin - *back, begin)?;
            if done { finish(&window, &mut blocks, end) } else { ControlFlow::Continue(()) }
        })
    }
}

/// Ends the last block of a part that is encoded to its end.
fn finish<T: Table>(w: &Window<'_, T>, b: &mut Blocks, end: End) -> ControlFlow<()> {
    let rest = |b: &mut Blocks, state| {
        if b.is_empty() { ControlFlow::Continue(()) } else { classic::flush(w, b, w.end, false, state) }
    };
    match end {
        End::Final => classic::flush(w, b, w.end, true, State::default()),
        End::Piece => {
            rest(b, State::padding_due())?;
            b.pad()
        }
        End::Flush => {
            rest(b, State::default())?;
            b.marker(State::default())
        }
        End::More => ControlFlow::Continue(()),
    }
}

fn rules(params: &Params, written: u64) -> Rules {
    let full = if params.family.is_gzip() { 32768 } else { 1 << (params.mem_level + 6) } - 1;
    let truncate = params.family.is_gzip() && params.level > 2;
    Rules {
        dialect: Dialect::Zlib,
        full,
        truncate,
        fixed_only: params.strategy == Strategy::Fixed,
        room: params.room,
        written,
    }
}
