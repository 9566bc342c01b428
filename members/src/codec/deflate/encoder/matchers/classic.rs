//! The matchers of zlib, which Chromium's fork, GNU gzip and Info-ZIP share (zlib's `deflate.c`, gzip's `deflate.c`).
//!
//! Differences are parameters: the hash of a position, how chains are searched near the end of the input, how blocks
//! end. Greedy matching (levels 1 to 3) puts only some positions into the chains, so what it does depends on everything
//! before; a restart runs it over the history first. Lazy matching (4 to 9) puts in all, so a window of history is
//! enough.

use super::chains::Chains;
use super::fill::MAX_MATCH;
use super::rsync::Rsync;
use super::sorted::{Hash, Search, Sorted, Tail};
use super::window::{Filter, Flow, Refill, Table, Window, common, four};
use crate::codec::deflate::encoder::output::block::Blocks;
use crate::codec::deflate::encoder::params::{Params, Strategy};
use crate::codec::deflate::encoder::state::State;

/// Farther matches of three bytes are not worth it.
const TOO_FAR: usize = 4096;

/// zlib's `configuration_table`.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// From this length of the previous match on, only a quarter of the chain is searched.
    pub(crate) good: usize,
    /// Lazy: no search after a match of this length. Greedy: longer matches are not put into the chains.
    pub(crate) lazy: usize,
    /// A match of this length ends the search.
    pub(crate) nice: usize,
    /// Chain entries looked at.
    pub(crate) chain: u32,
}

/// The effort of each level, 1 first.
const EFFORT: [Effort; 9] = [
    Effort { good: 4, lazy: 4, nice: 8, chain: 4 },
    Effort { good: 4, lazy: 5, nice: 16, chain: 8 },
    Effort { good: 4, lazy: 6, nice: 32, chain: 32 },
    Effort { good: 4, lazy: 4, nice: 16, chain: 16 },
    Effort { good: 8, lazy: 16, nice: 32, chain: 32 },
    Effort { good: 8, lazy: 16, nice: 128, chain: 128 },
    Effort { good: 8, lazy: 32, nice: 128, chain: 256 },
    Effort { good: 32, lazy: 128, nice: 258, chain: 1024 },
    Effort { good: 32, lazy: 258, nice: 258, chain: 4096 },
];

/// What distinguishes one run of a matcher from another.
#[derive(Clone, Copy)]
pub(crate) struct MatchSettings {
    pub(crate) effort: Effort,
    /// `Z_FILTERED`.
    pub(crate) filtered: bool,
    /// gzip searches past the end of its input and cuts the result; zlib bounds the search.
    pub(crate) gzip: bool,
    /// gzip's `--rsyncable`.
    pub(crate) rsync: bool,
}

impl MatchSettings {
    /// zlib's.
    pub(crate) fn of_zlib(params: &Params) -> Self {
        let filtered = params.strategy == Strategy::Filtered;
        Self { effort: EFFORT[usize::from(params.level) - 1], filtered, gzip: false, rsync: false }
    }
}

/// The longest match at `at` along the chain from `head` that is longer than `best`, and where it begins; `best` and
/// `start` if there is none.
#[inline(always)]
fn longest_in_chain(
    w: &Window<'_, Chains>,
    s: &MatchSettings,
    at: usize,
    head: u16,
    mut best: usize,
    mut start: usize,
) -> (usize, usize) {
    let (Some(view), Some(near)) = (w.view(), w.near(at)) else { return (best, start) };
    let prev = &*w.table.prev;
    let mask = w.prev_mask & 32767;
    let mut chain = if best >= s.effort.good { s.effort.chain >> 2 } else { s.effort.chain };
    let lookahead = w.avail.wrapping_sub(at);
    let nice = if s.gzip { s.effort.nice } else { s.effort.nice.min(lookahead) };
    let rel = w.rel(at);
    let limit = usize::from(rel).saturating_sub(w.max_dist) as u16;
    let mut filter = Filter::new(near, best);
    let mut candidate = head;
    loop {
        if filter.passes(view, candidate) {
            let len = common(near, view, candidate);
            if len > best {
                (best, start) = (len, w.edge.wrapping_add(usize::from(candidate)));
                if len >= nice {
                    break;
                }
                filter = Filter::new(near, best);
            }
        }
        candidate = prev[usize::from(candidate) & mask];
        chain = chain.wrapping_sub(1);
        if candidate <= limit || chain == 0 {
            break;
        }
    }
    (best.min(lookahead), start)
}

/// The longest match at `at` that is longer than `best`, and where it begins; `best` and `start` if there is none.
#[inline(always)]
fn longest<H: Hash>(
    w: &Window<'_, Sorted>,
    hash: H,
    s: &MatchSettings,
    at: usize,
    best: usize,
    start: usize,
) -> (usize, usize) {
    let Some(near) = w.near(at) else { return (best, start) };
    let candidates = w.table.before(at, hash.of(four(near, 0)));
    let Some(nearest) = w.table.nearest(&candidates) else { return (best, start) };
    // The first may be as far as is allowed, those behind it must be nearer.
    let farthest = at.saturating_sub(w.max_dist);
    if nearest <= w.edge || nearest < farthest {
        return (best, start);
    }
    let limit = w.edge.max(if nearest == farthest { farthest - 1 } else { farthest });
    let chain = if best >= s.effort.good { s.effort.chain >> 2 } else { s.effort.chain };
    let lookahead = w.avail.wrapping_sub(at);
    let nice = if s.gzip { s.effort.nice } else { s.effort.nice.min(lookahead) };
    let mut search = Search { near, buf: &w.buf, limit, nice, best, start, filter: Tail::new(near, best) };
    w.table.search(&candidates, chain as usize, &mut search);
    (search.best.min(lookahead), search.start)
}

/// Puts `at` into its chain and returns the head before it.
#[inline(always)]
fn insert<H: Hash>(w: &mut Window<'_, Chains>, hash: H, at: usize) -> u16 {
    let rel = w.rel(at);
    let key = hash.of(four(&w.buf, at));
    w.table.insert(key, rel, w.prev_mask)
}

/// Lazy matching from `start` with what `state` carries over. Returns whether the end was reached.
pub(crate) fn lazy<H: Hash>(
    w: &mut Window<'_, Sorted>,
    b: &mut Blocks,
    hash: H,
    s: &MatchSettings,
    start: usize,
    state: State,
) -> std::ops::ControlFlow<(), bool> {
    let first = w.reachable(start).start;
    let (mut rsync, state) = begin(w, b, s, start, state)?;
    let mut at = start;
    let (mut len, mut found, mut waiting) = (2, 0, false);
    if let Some((l, dist)) = state.pending() {
        (len, found, waiting) = (w.fitting(l, at, 3).max(2), at.wrapping_sub(dist), true);
        at += 1;
    }
    loop {
        if at >= w.check_at {
            match w.refill(at, |_, _, _| {}) {
                Refill::Go => {}
                Refill::End => break,
                Refill::Stop => return std::ops::ControlFlow::Continue(false),
            }
        }
        let lookahead = w.avail.wrapping_sub(at);
        let (before, before_found) = (len, found);
        len = 2;
        if before < s.effort.lazy && (lookahead >= 3 || s.gzip) {
            w.table.reach(&w.buf, hash, at, first, w.end);
            (len, found) = longest(w, hash, s, at, before, found);
            if len <= 5 && (s.filtered || (len == 3 && at.wrapping_sub(found) > TOO_FAR)) {
                len = 2;
            }
        }
        if before >= 3 && len <= before {
            let full = b.matched(at.wrapping_sub(1).wrapping_sub(before_found), before, at);
            at = at.wrapping_add(before).wrapping_sub(1);
            (len, waiting) = (2, false);
            if full | rsync.is_due(at) {
                end_block(w, b, at, State::default(), &mut rsync)?;
            }
        } else if waiting {
            if b.literal(w.buf[at - 1], at) | rsync.is_due(at) {
                end_block(w, b, at, State::waiting(len, at.wrapping_sub(found)), &mut rsync)?;
            }
            at = at.wrapping_add(1);
        } else {
            waiting = true;
            at = at.wrapping_add(1);
        }
    }
    if waiting {
        b.literal(w.buf[at - 1], at);
    }
    std::ops::ControlFlow::Continue(true)
}

/// Greedy matching from `warm` on; what it finds before `start` is dropped. Returns whether the end was reached.
pub(crate) fn greedy<H: Hash>(
    w: &mut Window<'_, Chains>,
    b: &mut Blocks,
    hash: H,
    s: &MatchSettings,
    (warm, start): (usize, usize),
    state: State,
) -> std::ops::ControlFlow<(), bool> {
    let (mut rsync, _) = begin(w, b, s, start, state)?;
    for at in w.reachable(warm) {
        insert(w, hash, at);
    }
    let mut at = warm;
    loop {
        if at >= w.check_at {
            match w.refill(at, |_, _, _| {}) {
                Refill::Go => {}
                Refill::End => break,
                Refill::Stop => return std::ops::ControlFlow::Continue(false),
            }
        }
        let lookahead = w.avail.wrapping_sub(at);
        let head = if lookahead >= 3 || s.gzip { insert(w, hash, at) } else { 0 };
        let (mut len, mut found) = (2, 0);
        if head != 0 && usize::from(w.rel(at).wrapping_sub(head)) <= w.max_dist {
            (len, found) = longest_in_chain(w, s, at, head, 2, 0);
        }
        let mut full = false;
        if len >= 3 {
            if at < start && at.wrapping_add(len) > start {
                len = start.wrapping_sub(at).max(1);
            } else if at >= start {
                full = b.matched(at.wrapping_sub(found), len, at);
            }
            let next = at.wrapping_add(len);
            if len <= s.effort.lazy && (s.gzip || lookahead.wrapping_sub(len) >= 3) {
                for inside in at + 1..next {
                    insert(w, hash, inside);
                }
            }
            at = next;
        } else {
            if at >= start {
                full = b.literal(w.buf[at], at);
            }
            at = at.wrapping_add(1);
        }
        if full | rsync.is_due(at) {
            end_block(w, b, at, State::default(), &mut rsync)?;
        }
    }
    std::ops::ControlFlow::Continue(true)
}

/// Before the first symbol at `start`: the padding that is due, and where content ends the first block.
fn begin<T: Table>(
    w: &Window<'_, T>,
    b: &mut Blocks,
    s: &MatchSettings,
    start: usize,
    state: State,
) -> std::ops::ControlFlow<(), (Rsync, State)> {
    if !s.rsync {
        return std::ops::ControlFlow::Continue((Rsync::off(), state));
    }
    let (due, state) = state.split_padding();
    if due {
        b.marker(state)?;
    }
    std::ops::ControlFlow::Continue((Rsync::on(&w.buf[..w.end], w.origin(), start), state))
}

/// Ends the current block before `at`; where content says so, at a byte boundary.
fn end_block<T: Table>(w: &Window<'_, T>, b: &mut Blocks, at: usize, state: State, rsync: &mut Rsync) -> Flow {
    if !rsync.is_due(at) {
        return flush(w, b, at, false, state);
    }
    *rsync = Rsync::on(&w.buf[..w.end], w.origin(), at);
    b.flush_to_byte(&w.buf[b.start..at], w.holds(b.start), state)
}

/// `Z_HUFFMAN_ONLY` and `Z_RLE`: no chains, matches (if any) at distance one. Returns whether the end was reached.
pub(crate) fn plain<T: Table>(
    w: &mut Window<'_, T>,
    b: &mut Blocks,
    runs: bool,
    start: usize,
) -> std::ops::ControlFlow<(), bool> {
    let mut at = start;
    loop {
        if at >= w.check_at {
            match w.refill(at, |_, _, _| {}) {
                Refill::Go => {}
                Refill::End => break,
                Refill::Stop => return std::ops::ControlFlow::Continue(false),
            }
        }
        let lookahead = w.avail.wrapping_sub(at);
        let mut len = 0;
        if runs && lookahead >= 3 && w.rel(at) > 0 {
            let run = w.buf[at..at + MAX_MATCH].iter().take_while(|&&byte| byte == w.buf[at - 1]).count();
            len = run.min(lookahead);
        }
        let full = if len >= 3 { b.matched(1, len, at) } else { b.literal(w.buf[at], at) };
        at += if len >= 3 { len } else { 1 };
        if full {
            flush(w, b, at, false, State::default())?;
        }
    }
    std::ops::ControlFlow::Continue(true)
}

/// Ends the current block before `at`.
pub(crate) fn flush<T: Table>(w: &Window<'_, T>, b: &mut Blocks, at: usize, last: bool, state: State) -> Flow {
    b.flush(&w.buf[b.start..at], w.holds(b.start), last, state)
}
