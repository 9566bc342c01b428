//! Encoding from flush to flush, or from piece to piece, with a matcher that begins anew behind each: what zlib and its
//! relatives share.

use super::engine::BlockSink;
use super::matchers::chains::Chains;
use super::matchers::classic::{self, MatchSettings};
use super::matchers::sorted::Hash;
use super::matchers::window::{Flow, Table, Window};
use super::output::bits::BitWriter;
use super::output::block::{Blocks, Rules};
use super::output::expected::Expected;
use super::params::{Params, Strategy};
use super::state::State;
use super::types::{Block, HISTORY, Input, MAX_POSITION, Start, WARM_UP};
use std::ops::{ControlFlow, Range};

/// One run of an encoder over some input.
pub(super) struct Segments<'a> {
    /// The encoder's, as its matcher is to see them.
    pub(super) params: Params,
    /// Whether a window of history is enough for a restart.
    pub(super) lazy: bool,
    /// Plain bytes of each piece that is encoded on its own and padded to a byte boundary; 0: there are no pieces.
    pub(super) piece: u32,
    pub(super) rules: Rules,
    pub(super) start: Start<'a>,
    pub(super) input: Input<'a>,
}

/// How a part of the input ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    More,
    Final,
    Flush,
    Piece,
}

impl Segments<'_> {
    /// Encodes all parts, each with `matcher`, which is told what it carries over.
    pub(super) fn encode(
        &self,
        out: &mut BitWriter,
        expected: &mut Option<Expected>,
        sink: &mut BlockSink,
        matcher: impl Fn(&mut Part, State) -> Flow,
    ) -> Flow {
        let (len, mut from, mut state) = (self.input.plain.len(), 0, self.start.state);
        let pieces = if self.piece > 0 { self.pieces() } else { Vec::new() };
        let cut = if self.piece > 0 { End::Piece } else { End::Flush };
        for &flush in if self.piece > 0 { &pieces } else { self.input.flushes } {
            let flush = flush.clamp(from, len);
            matcher(&mut self.part(from..flush, cut, out, expected, sink), state)?;
            (from, state) = (flush, State::default());
        }
        let end = if self.input.ends { End::Final } else { End::More };
        matcher(&mut self.part(from..len, end, out, expected, sink), state)
    }

    /// Where pieces end, the stream's end excluded.
    fn pieces(&self) -> Vec<usize> {
        let piece = self.piece as usize;
        let first = piece - (self.start.position % piece as u64) as usize;
        let due = (self.start.state == State::padding_due()).then_some(0);
        due.into_iter().chain((first..self.input.plain.len()).step_by(piece)).collect()
    }

    fn part<'a, 's>(
        &'a self,
        range: Range<usize>,
        end: End,
        out: &'a mut BitWriter,
        expected: &'a mut Option<Expected<'s>>,
        sink: &'a mut BlockSink,
    ) -> Part<'a, 's> {
        let (params, start, plain) = (&self.params, &self.start, self.input.plain);
        let position = start.position.min(MAX_POSITION) + range.start as u64;
        let inside = position.checked_rem(u64::from(self.piece)).map(|inside| inside as usize);
        let keep = match inside {
            _ if self.lazy => HISTORY,
            Some(inside) => HISTORY + inside,
            None => WARM_UP,
        };
        let near = range.start.min(keep);
        let far = start.history.len().min(keep - near);
        let history = [&start.history[start.history.len() - far..], &plain[range.start - near..range.start]].concat();
        let back = match inside {
            _ if self.lazy || params.is_without_chains() => 0,
            Some(inside) => history.len().min(inside),
            None => history.len(),
        };
        let (lazy, rules) = (self.lazy, self.rules);
        Part { params, lazy, rules, history, position, plain, range, back, end, out, expected, sink }
    }
}

/// A part of the input that one run of a matcher encodes.
pub(super) struct Part<'a, 's> {
    params: &'a Params,
    lazy: bool,
    rules: Rules,
    history: Vec<u8>,
    position: u64,
    plain: &'a [u8],
    range: Range<usize>,
    /// How far before the part the matcher begins.
    back: usize,
    end: End,
    out: &'a mut BitWriter,
    expected: &'a mut Option<Expected<'s>>,
    sink: &'a mut BlockSink<'a>,
}

impl Part<'_, '_> {
    /// Encodes with one of zlib's matchers.
    pub(super) fn classic(&mut self, hash: impl Hash, settings: &MatchSettings, state: State) -> Flow {
        let runs = self.params.strategy == Strategy::Rle;
        match self.lazy {
            _ if self.params.is_without_chains() => {
                self.run::<Chains>(|w, b, _, begin| classic::plain(w, b, runs, begin))
            }
            true => self.run(|w, b, _, begin| classic::lazy(w, b, hash, settings, begin, state)),
            false => self.run(|w, b, warm, begin| classic::greedy(w, b, hash, settings, (warm, begin), state)),
        }
    }

    /// Lets a matcher, which is told where it begins and where what counts does, make blocks; and ends the last one.
    pub(super) fn run<T: Table>(
        &mut self,
        matcher: impl FnOnce(&mut Window<'_, T>, &mut Blocks, usize, usize) -> ControlFlow<(), bool>,
    ) -> Flow {
        let Self { params, rules, history, position, plain, range, back, end, out, expected, sink, .. } = self;
        let (end, shift) = (*end, range.start);
        T::lend(|table| {
            let plain = &plain[range.clone()];
            let mut window = Window::new(history, plain, *position, *back, end != End::More, params, table);
            let begin = window.begin;
            let mut sink =
                |block: Block| sink(Block { plain_end: (block.plain_end + shift).saturating_sub(begin), ..block });
            let mut blocks = Blocks::new(*rules, begin, out, expected, &mut sink);
            let done = matcher(&mut window, &mut blocks, begin - *back, begin)?;
            if done { finish(&window, &mut blocks, end) } else { ControlFlow::Continue(()) }
        })
    }
}

/// Ends the last block of a part that is encoded to its end.
fn finish<T: Table>(w: &Window<'_, T>, b: &mut Blocks, end: End) -> Flow {
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
