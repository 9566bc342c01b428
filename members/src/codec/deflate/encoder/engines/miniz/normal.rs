//! Levels 2 to 10 (`compress_normal` in `core.rs`): greedy up to 3, lazy from 4 on.

use super::blocks::Blocks;
use super::limits::{MAX_MATCH, TOO_FAR, WINDOW};
use super::probes::Search;
use super::source::{Matcher, Source};
use crate::codec::deflate::encoder::matchers::hash::Rolling;
use crate::codec::deflate::encoder::matchers::sorted::{Hash, Sorted};
use crate::codec::deflate::encoder::matchers::window::{Flow, four};
use crate::codec::deflate::encoder::state::State;
use std::ops::ControlFlow;

/// Entries of chains at each level, 1 first; how they are counted is another matter.
const PROBES: [usize; 10] = [1, 6, 32, 16, 32, 128, 256, 512, 768, 1500];
/// A waiting match of that length is not improved with as much effort.
const GOOD: usize = 32;
/// A match of that length does not wait.
const LONG_MATCH: usize = 128;
/// Positions are kept in 16 bits, and 0 stands for none.
const POSITIONS: u64 = 65536;

pub(super) struct Normal<'t> {
    /// How often three candidates are looked at, with a match of `GOOD` at hand and without.
    threes: [usize; 2],
    lazy: bool,
    hash: Rolling,
    at: usize,
    /// A match at the position before the cursor, not taken yet: length (0 for none) and distance.
    waiting: (usize, usize),
    /// Index and hash of the last position before the cursor whose 16 bits are zero, where chains end.
    barrier: Option<(usize, u16)>,
    /// Where the next such position lies.
    next_barrier: u64,
    sorted: &'t mut Sorted,
}

impl<'t> Normal<'t> {
    /// Begins with what `state` carries over, if it fits before `end`.
    pub(super) fn new(source: &Source, level: u8, state: State, end: usize, sorted: &'t mut Sorted) -> Self {
        let probes = PROBES[usize::from(level.clamp(1, 10)) - 1];
        let begin = source.begin;
        let waiting = state.pending().filter(|&(len, dist)| len >= 3 && dist <= begin && begin + len <= end);
        let hash = Rolling::new(8);
        let position = source.origin + begin as u64;
        let last = position / POSITIONS * POSITIONS;
        let mut made = Self {
            threes: [probes.div_ceil(3), (probes >> 2).div_ceil(3)],
            lazy: level >= 4,
            hash,
            at: begin + usize::from(waiting.is_some()),
            waiting: waiting.unwrap_or((0, 0)),
            barrier: None,
            next_barrier: last,
            sorted,
        };
        made.pass_barrier(source);
        made
    }

    /// Makes the next barrier the last one.
    #[cold]
    fn pass_barrier(&mut self, source: &Source) {
        let at = self.next_barrier.checked_sub(source.origin).and_then(|at| usize::try_from(at).ok());
        self.barrier = at.map(|at| (at, self.hash.of(four(&source.buf, at))));
        self.next_barrier += POSITIONS;
    }

    /// The longest match at the cursor of more than `best` and at most `most` bytes: its length, and its distance or 0
    /// if there is none.
    #[inline(always)]
    fn longest(&mut self, source: &Source, best: usize, most: usize, end: usize) -> (usize, usize) {
        let at = self.at;
        let Some(near) = source.buf.get(at..).and_then(|near| near.first_chunk()) else { return (best, 0) };
        self.sorted.reach(&source.buf, self.hash, at, 0, end);
        let hash = self.hash.of(four(near, 0));
        let candidates = self.sorted.before(at, hash);
        let mut limit = (at + most) as isize - WINDOW as isize - 1;
        if let Some((barrier, _)) = self.barrier.filter(|&(barrier, of)| of == hash && barrier < at) {
            limit = limit.max(barrier as isize);
        }
        let mut search = Search { near, buf: &source.buf, limit, most, best, start: at, left: 0 };
        search.run(self.sorted, &candidates, self.threes[usize::from(best >= GOOD)]);
        (search.best, at - search.start)
    }
}

impl Matcher for Normal<'_> {
    fn run(&mut self, source: &Source, b: &mut Blocks, to: usize, sync: bool) -> Flow {
        let buf = &source.buf;
        let end = buf.len() - size_of::<crate::codec::deflate::encoder::matchers::window::View>();
        while self.at < to {
            let lookahead = (to - self.at).min(MAX_MATCH);
            if !sync && lookahead < MAX_MATCH {
                break;
            }
            let position = source.origin + self.at as u64;
            if position > self.next_barrier {
                self.pass_barrier(source);
            }
            let (waits, from) = self.waiting;
            let (mut len, mut dist) = (waits.max(2), 0);
            if lookahead > len {
                (len, dist) = self.longest(source, len, lookahead, end);
            }
            // What begins where a window does is not taken either.
            if len == 3 && dist >= TOO_FAR || position % WINDOW as u64 == dist as u64 {
                (len, dist) = (0, 0);
            }
            let mut step = 1;
            if waits > 0 && len <= waits {
                b.matched(waits, from);
                (step, self.waiting) = (waits - 1, (0, 0));
            } else {
                if waits > 0 {
                    b.literal(buf[self.at - 1]);
                }
                if dist == 0 {
                    b.literal(buf[self.at]);
                } else if !self.lazy || len >= LONG_MATCH {
                    b.matched(len, dist);
                    (step, self.waiting) = (len, (0, 0));
                } else {
                    self.waiting = (len, dist);
                }
            }
            self.at += step;
            if b.is_end() {
                let (len, dist) = self.waiting;
                let state = if len > 0 { State::waiting(len, dist) } else { State::default() };
                b.flush(buf, self.at, WINDOW - lookahead + step, |_| state).map_continue(drop)?;
            }
        }
        ControlFlow::Continue(())
    }
}
