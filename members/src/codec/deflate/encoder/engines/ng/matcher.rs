//! The matchers of zlib-ng 2.2 and 2.3 and of zlib-rs (zlib-ng's `deflate_fast.c`, `deflate_medium.c`,
//! `deflate_slow.c`, `match_tpl.h`).
//!
//! They differ from zlib's in four ways: positions are hashed by four bytes (three, rolling, at level 9); every portion
//! of input puts the position before the cursor into the chains once more; matches of three bytes are taken at level 9
//! only; and the middle levels weigh each match against the next one ([`super::medium`]). Because of the second, what
//! comes out depends on how many bytes each call of the encoder brought.

use crate::codec::deflate::encoder::matchers::chains::Chains;
use crate::codec::deflate::encoder::matchers::classic;
use crate::codec::deflate::encoder::matchers::classic::flush;
use crate::codec::deflate::encoder::matchers::window::{Filter, Refill, Window, common, four};
use crate::codec::deflate::encoder::output::block::Blocks;
use crate::codec::deflate::encoder::state::State;
use std::ops::ControlFlow;

/// Shortest match that the four-byte hash can find.
pub(crate) const WANTED: usize = 4;

/// How hard a level tries, and in which version.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) good: usize,
    pub(crate) lazy: usize,
    pub(crate) nice: usize,
    pub(crate) chain: u32,
    /// Below level 5: a candidate that is no better ends the search.
    pub(crate) early: bool,
    /// A match that reaches this many bytes beyond the end of the input ends the search.
    pub(crate) beyond: usize,
}

impl Effort {
    pub(crate) fn new(level: u8, earlier: bool) -> Self {
        let classic::Effort { good, lazy, nice, chain } = EFFORT[usize::from(level) - 1];
        Self { good, lazy, nice, chain, early: level < 5, beyond: usize::from(earlier) }
    }
}

/// The effort of each level; level 1 has none.
const EFFORT: [classic::Effort; 9] = [
    classic::Effort { good: 0, lazy: 0, nice: 0, chain: 0 },
    classic::Effort { good: 4, lazy: 4, nice: 8, chain: 4 },
    classic::Effort { good: 4, lazy: 6, nice: 16, chain: 6 },
    classic::Effort { good: 4, lazy: 12, nice: 32, chain: 24 },
    classic::Effort { good: 8, lazy: 16, nice: 32, chain: 32 },
    classic::Effort { good: 8, lazy: 16, nice: 128, chain: 128 },
    classic::Effort { good: 8, lazy: 32, nice: 128, chain: 256 },
    classic::Effort { good: 32, lazy: 128, nice: 258, chain: 1024 },
    classic::Effort { good: 32, lazy: 258, nice: 258, chain: 4096 },
];

/// The chain of a four-byte string.
#[inline(always)]
pub(crate) fn hash(buf: &[u8], at: usize) -> u16 {
    (four(buf, at).wrapping_mul(0x9e37_79b1) >> 16) as u16
}

/// Level 9's chain of a three-byte string.
#[inline(always)]
fn roll(buf: &[u8], at: usize) -> u16 {
    let v = four(buf, at);
    ((((v & 31) << 10) ^ ((v >> 8 & 255) << 5) ^ (v >> 16 & 255)) & 0x7fff) as u16
}

/// Puts `at` into its chain unless it is the head already, and returns the head before.
#[inline(always)]
fn insert_at(chains: &mut Chains, key: u16, rel: u16, mask: usize) -> u16 {
    let head = chains.head[usize::from(key)];
    if head != rel {
        chains.insert(key, rel, mask);
    }
    head
}

/// Puts `at` into the chain of its four bytes.
#[inline(always)]
pub(crate) fn insert(w: &mut Window<'_, Chains>, at: usize) -> u16 {
    let rel = w.rel(at);
    let key = hash(&w.buf, at);
    insert_at(w.table, key, rel, w.prev_mask)
}

#[inline(always)]
fn insert_either(w: &mut Window<'_, Chains>, nine: bool, at: usize) -> u16 {
    let rel = w.rel(at);
    let key = if nine { roll(&w.buf, at) } else { hash(&w.buf, at) };
    insert_at(w.table, key, rel, w.prev_mask)
}

/// Asks for input; each portion puts the position before the cursor into its chain.
pub(crate) fn refill(w: &mut Window<'_, Chains>, at: usize) -> Refill {
    let mask = w.prev_mask;
    w.refill(at, |chains, buf, edge| {
        let rel = at.wrapping_sub(edge) as u16;
        if rel >= 1 && at >= 1 {
            insert_at(chains, hash(buf, at - 1), rel.wrapping_sub(1), mask);
        }
    })
}

/// The longest match at `at` along the chain from `head`, if longer than `best`. `lookahead` is what the encoder
/// believes to have.
#[inline(always)]
pub(crate) fn longest(
    w: &Window<'_, Chains>,
    s: &Effort,
    at: usize,
    lookahead: usize,
    head: u16,
    mut best: usize,
    mut start: usize,
) -> (usize, usize) {
    let (Some(view), Some(near)) = (w.view(), w.near(at)) else { return (best, start) };
    let mut chain = if best >= s.good { s.chain >> 2 } else { s.chain };
    let rel = w.rel(at);
    let limit = usize::from(rel).saturating_sub(w.max_dist) as u16;
    let mut filter = Filter::new(near, best);
    let mut candidate = head;
    while candidate < rel {
        if filter.passes(view, candidate) {
            let len = common(near, view, candidate);
            if len > best {
                start = w.edge.wrapping_add(usize::from(candidate));
                if len >= lookahead.wrapping_add(s.beyond) {
                    return (lookahead, start);
                }
                best = len;
                if len >= s.nice {
                    break;
                }
                filter = Filter::new(near, best);
            } else if s.early && best >= 8 && len >= 8 {
                // The first eight bytes agree and so do the eight up to the one that counts, yet it is no better.
                break;
            }
        }
        chain = chain.wrapping_sub(1);
        if chain == 0 {
            break;
        }
        candidate = w.table.prev[usize::from(candidate) & w.prev_mask & 32767];
        if candidate <= limit {
            break;
        }
    }
    (best, start)
}

/// Level 9's search: it follows, of all chains of strings within the match so far, the one that leads back farthest.
fn longest_of_all(
    w: &Window<'_, Chains>,
    s: &Effort,
    at: usize,
    head: u16,
    mut best: usize,
    mut start: usize,
) -> (usize, usize) {
    let (Some(view), Some(near), buf) = (w.view(), w.near(at), &w.buf[..]) else { return (best, start) };
    let lookahead = w.avail.wrapping_sub(at);
    let mut chain = if best >= s.good { s.chain >> 2 } else { s.chain };
    let rel = w.rel(at);
    let base = usize::from(rel).saturating_sub(w.max_dist) as u16;
    let (mut limit, mut offset) = (base, 0u16);
    let mut candidate = head;
    let mut filter = Filter::new(near, best);
    if best >= 3 {
        for i in 1..=best - 2 {
            let position = w.table.head[usize::from(roll(buf, at + i))];
            if position < candidate {
                offset = i as u16;
                candidate = position;
            }
        }
        limit = base.wrapping_add(offset);
        if candidate <= limit {
            return (best.min(lookahead), start);
        }
    }
    while candidate < rel {
        let m = candidate.wrapping_sub(offset);
        if filter.passes(view, m) {
            let len = common(near, view, m);
            if len > best {
                start = w.edge.wrapping_add(usize::from(m));
                if len >= lookahead.wrapping_add(s.beyond) {
                    return (lookahead, start);
                }
                best = len;
                if len >= s.nice {
                    return (best, start);
                }
                filter = Filter::new(near, best);
                if len > 3 && usize::from(m) + len < usize::from(rel) {
                    candidate = candidate.wrapping_sub(offset);
                    offset = 0;
                    let mut next = candidate;
                    for i in 0..=(len - 3) as u16 {
                        let slot = usize::from(candidate.wrapping_add(i)) & w.prev_mask & 32767;
                        let position = w.table.prev[slot];
                        if position < next {
                            if position <= base.wrapping_add(i) {
                                return (best.min(lookahead), start);
                            }
                            next = position;
                            offset = i;
                        }
                    }
                    candidate = next;
                    let position = w.table.head[usize::from(roll(buf, at + len - 4))];
                    if position < candidate {
                        offset = (len - 4) as u16;
                        if position <= base.wrapping_add(offset) {
                            return (best.min(lookahead), start);
                        }
                        candidate = position;
                    }
                    limit = base.wrapping_add(offset);
                    continue;
                }
            }
        }
        chain = chain.wrapping_sub(1);
        if chain == 0 {
            break;
        }
        candidate = w.table.prev[usize::from(candidate) & w.prev_mask & 32767];
        if candidate <= limit {
            break;
        }
    }
    (best, start)
}

/// Levels 7 to 9: lazy matching. Returns whether the end was reached.
pub(crate) fn lazy<const NINE: bool>(
    w: &mut Window<'_, Chains>,
    b: &mut Blocks,
    s: &Effort,
    start: usize,
    state: State,
) -> ControlFlow<(), bool> {
    for at in w.reachable(start) {
        insert_either(w, NINE, at);
    }
    let mut at = start;
    let (mut before, mut found, mut waiting) = (0, 0, false);
    if let Some((len, dist)) = state.pending() {
        insert_either(w, NINE, at);
        (before, found, waiting) = (w.fitting(len, at, 3).max(2), at.wrapping_sub(dist), true);
        at += 1;
    }
    loop {
        if at >= w.check_at {
            let edge = w.edge;
            let refilled = if NINE { w.refill(at, |_, _, _| {}) } else { refill(w, at) };
            match refilled {
                Refill::Go => {}
                Refill::End => break,
                Refill::Stop => return ControlFlow::Continue(false),
            }
            // A match that begins in the half that leaves the window is forgotten.
            if w.edge != edge && before >= 3 && (found.wrapping_sub(w.edge) as isize) < 0 {
                before = 0;
            }
        }
        let lookahead = w.avail.wrapping_sub(at);
        let head = if lookahead >= WANTED { insert_either(w, NINE, at) } else { 0 };
        let before_found = found;
        let mut len = 2;
        let dist = usize::from(w.rel(at).wrapping_sub(head));
        if head != 0 && head < w.rel(at) && dist <= w.max_dist && before < s.lazy {
            let least = before.max(2);
            (len, found) = if NINE {
                longest_of_all(w, s, at, head, least, found)
            } else {
                longest(w, s, at, lookahead, head, least, found)
            };
        }
        if before >= 3 && len <= before {
            let full = b.matched(at.wrapping_sub(1).wrapping_sub(before_found), before, at);
            let last = at + lookahead.saturating_sub(3);
            let next = at.wrapping_add(before).wrapping_sub(1);
            for inside in at + 1..next {
                if inside <= last {
                    insert_either(w, NINE, inside);
                }
            }
            at = next;
            (before, waiting) = (0, false);
            if full {
                flush(w, b, at, false, State::default())?;
            }
        } else if waiting {
            if b.literal(w.buf[at - 1], at) {
                flush(w, b, at, false, State::waiting(len, at.wrapping_sub(found)))?;
            }
            before = len;
            at = at.wrapping_add(1);
        } else {
            (before, waiting) = (len, true);
            at = at.wrapping_add(1);
        }
    }
    if waiting {
        b.literal(w.buf[at - 1], at);
    }
    ControlFlow::Continue(true)
}

/// Level 2: greedy matching from `warm`; what it finds before `start` is dropped. Returns whether the end was reached.
pub(crate) fn greedy(
    w: &mut Window<'_, Chains>,
    b: &mut Blocks,
    s: &Effort,
    warm: usize,
    start: usize,
) -> ControlFlow<(), bool> {
    let mut at = warm;
    loop {
        if at >= w.check_at {
            match refill(w, at) {
                Refill::Go => {}
                Refill::End => break,
                Refill::Stop => return ControlFlow::Continue(false),
            }
        }
        let lookahead = w.avail.wrapping_sub(at);
        let (mut len, mut found) = (0, 0);
        if lookahead >= WANTED {
            let head = insert(w, at);
            let rel = w.rel(at);
            if head != 0 && head < rel && usize::from(rel - head) <= w.max_dist {
                (len, found) = longest(w, s, at, lookahead, head, 2, 0);
            }
        }
        let mut full = false;
        if len >= WANTED {
            if at < start && at.wrapping_add(len) > start {
                len = start - at;
            } else if at >= start {
                full = b.matched(at.wrapping_sub(found), len, at);
            }
            let next = at.wrapping_add(len);
            if len <= s.lazy && lookahead.wrapping_sub(len) >= WANTED {
                for inside in at + 1..next {
                    insert(w, inside);
                }
            } else {
                insert(w, next - 1);
            }
            at = next;
        } else {
            if at >= start {
                full = b.literal(w.buf[at], at);
            }
            at = at.wrapping_add(1);
        }
        if full {
            flush(w, b, at, false, State::default())?;
        }
    }
    ControlFlow::Continue(true)
}
