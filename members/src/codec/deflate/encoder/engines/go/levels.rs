//! Go's levels 2 to 9 (`deflate.go`): zlib's matchers with a hash of four bytes and no match shorter than that.
//!
//! Levels 4 to 9 match lazily and put every position into the chains, so a window of history is enough to go on from
//! anywhere. Levels 2 and 3 leave out the inside of long matches, so what they do depends on everything before; they
//! are run over the history first. After a flush the three positions before it are in no chain.

use super::chains::{Chains, MIN_MATCH, NONE, WINDOW};
use super::source::{Matcher, Source};
use crate::codec::deflate::encoder::matchers::fill::{MAX_MATCH, MIN_LOOKAHEAD};
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::block::Blocks;
use crate::codec::deflate::encoder::state::State;
use std::ops::ControlFlow;

/// Positions of a double window from which on it moves down when more input comes.
const MOVES_AT: usize = 2 * WINDOW - MIN_LOOKAHEAD;

/// Go's `levels`.
struct Effort {
    /// Lazy: no search after a match of this length.
    lazy: usize,
    /// A match of this length ends the search.
    nice: usize,
    /// Chain entries looked at.
    chain: u32,
    /// Greedy, if set: the inside of longer matches is not put into the chains.
    skip: Option<usize>,
}

/// The effort of each level, 2 first.
const EFFORT: [Effort; 8] = [
    Effort { lazy: 0, nice: 16, chain: 8, skip: Some(5) },
    Effort { lazy: 0, nice: 32, chain: 32, skip: Some(6) },
    Effort { lazy: 4, nice: 16, chain: 16, skip: None },
    Effort { lazy: 16, nice: 32, chain: 32, skip: None },
    Effort { lazy: 16, nice: 128, chain: 128, skip: None },
    Effort { lazy: 32, nice: 128, chain: 256, skip: None },
    Effort { lazy: 128, nice: 258, chain: 1024, skip: None },
    Effort { lazy: 258, nice: 258, chain: 4096, skip: None },
];

/// A cursor and its chains. Positions are indices of the source's bytes.
pub(super) struct Chained {
    source: Source,
    effort: &'static Effort,
    chains: Chains,
    /// Lower edge of the double window, as a stream position.
    base: u64,
    /// The cursor.
    at: usize,
    /// The match found at the position before the cursor and its distance; `MIN_MATCH - 1` if none.
    found: (usize, usize),
    /// Lazy: that position is not encoded yet.
    waiting: bool,
    /// All of the input so far was encoded, so that the window may move before more comes.
    flushed: bool,
}

impl Chained {
    /// At the source's beginning or, for lazy levels, with a window of history taken in and `state` carried over. `end`
    /// is the stream's, if it is known.
    pub(super) fn new(source: Source, level: u8, state: State, end: Option<usize>) -> Self {
        let effort = &EFFORT[usize::from(level).clamp(2, 9) - 2];
        let mut made =
            Self { effort, chains: Chains::new(), base: 0, at: 0, found: NONE, waiting: false, flushed: false, source };
        if effort.skip.is_none() {
            let begin = made.source.begin;
            (0..begin).for_each(|at| {
                made.insert(at);
            });
            made.at = begin;
            if let Some((len, dist)) = state.pending()
                && begin < made.source.buf.len() - 8
            {
                made.insert(begin);
                let fits = len >= MIN_MATCH && begin + len <= made.source.buf.len() - 8 && dist <= begin;
                made.found = if fits { (len, dist) } else { NONE };
                (made.at, made.waiting) = (begin + 1, true);
            }
        }
        let position = made.source.origin + made.at as u64;
        let (window, moves_at) = (WINDOW as u64, MOVES_AT as u64 + 1);
        if position >= moves_at {
            made.base = ((position - moves_at) / window + 1) * window;
            // The window does not move when the input ends in it.
            if end.is_some_and(|end| made.source.origin + end as u64 <= made.base + window) {
                made.base -= window;
            }
        }
        made
    }

    /// Index of the window's lower edge, or of the first byte known.
    fn edge(&self) -> usize {
        self.base.saturating_sub(self.source.origin) as usize
    }

    /// End of the window's room.
    fn room(&self) -> usize {
        (self.base + 2 * WINDOW as u64).saturating_sub(self.source.origin) as usize
    }

    #[inline(always)]
    fn insert(&mut self, at: usize) -> u32 {
        self.chains.insert(&self.source.buf, at)
    }

    /// Encodes the position at the cursor, `lookahead` bytes before what is known of the input ends.
    #[inline(always)]
    fn step(&mut self, b: &mut Blocks, lookahead: usize, edge: usize) -> Flow {
        let (at, before) = (self.at, self.found);
        self.found = NONE;
        // Fewer bytes have no hash, and cannot be a match.
        if lookahead >= MIN_MATCH {
            let head = self.insert(at);
            let search = self.effort.skip.is_some() || (lookahead > before.0 && before.0 < self.effort.lazy);
            if search && head != 0 {
                let least = at.saturating_sub(WINDOW).max(edge);
                let (most, effort) = (lookahead.min(MAX_MATCH), (self.effort.chain, self.effort.nice));
                self.found = self.chains.longest(&self.source.buf, (at, most), head, least, effort);
            }
        }
        match self.effort.skip {
            Some(skip) => self.take(b, skip, lookahead),
            None => self.defer(b, before, lookahead),
        }
    }

    /// Greedy: takes what was found, or a literal.
    #[inline(always)]
    fn take(&mut self, b: &mut Blocks, skip: usize, lookahead: usize) -> Flow {
        let (at, (mut len, dist)) = (self.at, self.found);
        let begin = self.source.begin;
        let full = if len >= MIN_MATCH {
            if len <= skip {
                self.insert_inside(at + 1, at + len, lookahead);
            }
            // What the history led to is dropped; a match out of it means that it led astray.
            if at < begin && at + len > begin {
                len = begin - at;
            }
            at >= begin && b.matched(dist, len, at)
        } else {
            len = 1;
            at >= begin && b.literal(self.source.buf[at], at)
        };
        self.at = at + len;
        if full { self.flush(b, self.at, State::default()) } else { ControlFlow::Continue(()) }
    }

    /// Lazy: takes the match `before` if what was found is no longer, else its first byte as a literal.
    #[inline(always)]
    fn defer(&mut self, b: &mut Blocks, before: (usize, usize), lookahead: usize) -> Flow {
        let at = self.at;
        if before.0 >= MIN_MATCH && self.found.0 <= before.0 {
            let full = b.matched(before.1, before.0, at);
            let next = at + before.0 - 1;
            self.insert_inside(at + 1, next, lookahead);
            (self.at, self.found, self.waiting) = (next, NONE, false);
            if full { self.flush(b, next, State::default()) } else { ControlFlow::Continue(()) }
        } else {
            self.at = at + 1;
            if std::mem::replace(&mut self.waiting, true) && b.literal(self.source.buf[at - 1], at) {
                let (len, dist) = self.found;
                return self.flush(b, at, State::waiting(if len < MIN_MATCH { 2 } else { len }, dist));
            }
            ControlFlow::Continue(())
        }
    }

    /// Puts positions behind the cursor into their chains, but not those with fewer than four bytes left.
    #[inline(always)]
    fn insert_inside(&mut self, from: usize, to: usize, lookahead: usize) {
        for at in from..to.min((self.at + lookahead).saturating_sub(MIN_MATCH - 1)) {
            self.insert(at);
        }
    }

    /// Ends the current block before `at`. It is stored only if it is still whole in the window.
    fn flush(&self, b: &mut Blocks, at: usize, state: State) -> Flow {
        let storable = b.start >= self.edge();
        b.flush(&self.source.buf[b.start..at], storable, false, state)
    }
}

impl Matcher for Chained {
    fn run(&mut self, b: &mut Blocks, to: usize, sync: bool) -> Flow {
        if self.flushed && to > self.at && self.source.origin + self.at as u64 >= self.base + MOVES_AT as u64 {
            self.base += WINDOW as u64;
        }
        self.flushed = sync;
        loop {
            let edge = self.edge();
            let end = to.min(self.room());
            while self.at < end && (end - self.at >= MIN_LOOKAHEAD || sync && end == to) {
                self.step(b, end - self.at, edge)?;
            }
            if to > self.room() {
                self.base += WINDOW as u64;
            } else {
                break;
            }
        }
        if sync && b.start < self.at {
            if std::mem::take(&mut self.waiting) {
                b.literal(self.source.buf[self.at - 1], self.at);
            }
            self.flush(b, self.at, State::default())?;
        }
        ControlFlow::Continue(())
    }
}
