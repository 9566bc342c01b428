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

mod bits;
mod block;
mod chains;
mod classic;
mod find;
mod go;
mod header;
mod joined;
mod klauspost;
mod matching;
mod medium;
mod miniz;
mod ng;
mod params;
mod rsync;
mod sorted;
mod tables;
mod tree;
mod whole;
mod window;

pub(crate) use find::find_within;
pub use find::{find, find_among};
pub use matching::{Prefix, matching};
pub use params::{Family, PARAMS_LEN, Params, ParamsError, Strategy};

use bits::BitWriter;
use block::{Blocks, Dialect, Expected, Rules};
use chains::Chains;
use classic::{EFFORT, Multiplied, Rolling, Settings};
use ng::Effort;
use std::ops::{ControlFlow, Range};
use window::{Table, Window};

/// Plain bytes that must follow the last block asked for, unless the stream ends.
pub const LOOKAHEAD: usize = 1024;
/// The most that [`Params::lookahead`] gives.
pub const FAR_LOOKAHEAD: usize = 65536 + 2 * LOOKAHEAD;
/// History that lets lazy matchers ([`Params::is_lazy`]) restart exactly.
pub const HISTORY: usize = 32768;
/// History that lets the others restart exactly nearly always: they are run over it first.
pub const WARM_UP: usize = 262_144;

/// Flushes that any input may have.
const FLUSHES: usize = 16;
/// Stream positions from here on are all taken for this one.
const FARTHEST: u64 = 1 << 60;

/// What the encoder carries from one block into the next beside the bytes before it. Zero unless a lazy matcher had to
/// end a block while a match was waiting, or in few other cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct State(u64);

impl State {
    /// The stored form; zero for most blocks of most encoders.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Reads the stored form. Any number is a state; a wrong one costs exactness only.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    fn pack(len: usize, dist: usize, fresh: usize) -> Self {
        Self(1 << 34 | (fresh as u64 & 511) << 25 | (len as u64 & 511) << 16 | (dist as u64 & 0xffff))
    }

    fn unpack(self) -> Option<(usize, usize, usize)> {
        let field = |shift: u32, mask: u64| (self.0 >> shift & mask) as usize;
        (self.0 >> 34 == 1).then(|| (field(16, 511), field(0, 0xffff), field(25, 511)))
    }

    /// Lazy matchers: the cursor's position has been searched, a match of `len` bytes (2: none) from `dist` back waits
    /// for the next.
    fn waiting(len: usize, dist: usize) -> Self {
        Self::pack(len, if len >= 3 { dist } else { 0 }, 0)
    }

    fn pending(self) -> Option<(usize, usize)> {
        let (len, dist, _) = self.unpack()?;
        Some(if (3..=258).contains(&len) && dist > 0 { (len, dist) } else { (2, 0) })
    }

    /// zlib-ng's middle levels: the match at the cursor is found already; its positions from `fresh` on are not in the
    /// chains.
    fn with_next(len: usize, dist: usize, fresh: usize) -> Self {
        match len {
            0 => Self(0),
            1 => Self::pack(1, 0, fresh),
            _ => Self::pack(len, dist, fresh),
        }
    }

    /// pigz: the padding after a piece is still to come.
    fn padding_due() -> Self {
        Self(1 << 35)
    }

    /// gzip's `--rsyncable`: what is carried over, and the padding of the block before is still to come.
    const fn with_padding_due(self) -> Self {
        Self(self.0 | 1 << 35)
    }

    /// Whether padding is due, and the rest.
    const fn split_padding(self) -> (bool, Self) {
        if self.0 >> 35 == 1 { (true, Self(self.0 ^ 1 << 35)) } else { (false, self) }
    }

    /// miniz's level 1: so many bytes are left of what it has taken in.
    fn in_chunk(left: usize) -> Self {
        Self(left as u64)
    }

    fn left_of_chunk(self) -> usize {
        (self.0 & 4095) as usize
    }

    /// zlib-ng's middle levels: the cursor's position is in its chain, but what was found there is forgotten.
    fn forgotten() -> Self {
        Self::pack(0, 0, 0)
    }

    fn next(self) -> Option<(usize, usize, usize)> {
        let (len, dist, fresh) = self.unpack()?;
        Some(match len {
            0 => (0, 0, 0),
            4..=258 if dist > 0 => (len, dist, fresh),
            _ => (1, 0, 0),
        })
    }
}

/// Where encoding begins.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Plain bytes just before, as many as there are up to [`Params::history`]; more are ignored.
    pub history: &'a [u8],
    /// Plain position in the stream: the encoder's window moves at positions that depend on it.
    pub position: u64,
    /// What the encoder carries over, from the [`Block`] before; zero at the stream's start.
    pub state: State,
    /// Bits of the first output byte that belong to what came before, 0 to 7.
    pub first_bit: u8,
    /// Bytes of the stream before the first output byte; matters where [`Params::room`] is set.
    pub written: u64,
}

impl Start<'_> {
    /// The start of a stream that begins at a byte boundary.
    #[must_use]
    pub const fn of_stream() -> Self {
        Start { history: &[], position: 0, state: State(0), first_bit: 0, written: 0 }
    }
}

/// What is to be encoded.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The plain bytes from the start on.
    pub plain: &'a [u8],
    /// Where in `plain` the encoder was told to flush (`Z_SYNC_FLUSH`, `Z_FULL_FLUSH`), ascending: an empty stored
    /// block stands there.
    pub flushes: &'a [usize],
    /// Whether the stream ends with `plain`. Otherwise encoding stops when fewer than [`LOOKAHEAD`] bytes are left; see
    /// also [`Params::lookahead`].
    pub ends: bool,
}

/// A finished block.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Its end in the plain bytes that were passed.
    pub plain_end: usize,
    /// Its end in bits of `bytes`, those before the start included.
    pub bit_end: u64,
    /// Whether it is marked as the stream's last.
    pub last: bool,
    /// What the encoder carries over.
    pub state: State,
    /// All output so far, the last byte filled up with zero bits.
    pub bytes: &'a [u8],
}

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
fn encode_expecting(
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
        return whole::encode(params, start, input, sink);
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
