//! zlib-ng's middle levels, 3 to 6 (`deflate_medium.c`).
//!
//! Each match is found together with the one that follows it. If the second can be moved left so far that at most one
//! byte of the first is left, the second takes its place. Levels 3 and 4 do without the second. The second is thrown
//! away whenever input is fetched or the output buffer is full, so the sizes of both show in what comes out.

use super::matcher::{Effort, WANTED, insert, longest, refill};
use crate::codec::deflate::encoder::matchers::chains::Chains;
use crate::codec::deflate::encoder::matchers::classic::flush;
use crate::codec::deflate::encoder::matchers::fill::MIN_LOOKAHEAD;
use crate::codec::deflate::encoder::matchers::window::{Refill, Window};
use crate::codec::deflate::encoder::output::block::Blocks;
use crate::codec::deflate::encoder::state::State;
use std::ops::ControlFlow;

/// A match, or one literal if `len` is 1; none if it is 0.
#[derive(Debug, Clone, Copy, Default)]
struct Match {
    at: usize,
    found: usize,
    len: usize,
    /// Positions before this one are in the chains already.
    fresh: usize,
}

/// Runs from `warm`; what is found before `start` is dropped. Returns whether the end was reached.
pub(crate) fn run(
    w: &mut Window<'_, Chains>,
    b: &mut Blocks,
    s: &Effort,
    (warm, start): (usize, usize),
    state: State,
) -> ControlFlow<(), bool> {
    let mut at = warm;
    let mut next = Match::default();
    let mut entered = false;
    loop {
        if at >= start && !entered {
            entered = true;
            if let Some((len, dist, fresh)) = state.next() {
                if warm == start {
                    insert(w, at);
                }
                let len = w.fitting(len, at, WANTED);
                next = Match { at, found: at.wrapping_sub(dist), len, fresh: at + fresh };
            }
        }
        if at >= w.check_at {
            match refill(w, at) {
                Refill::Go => {}
                Refill::End => break,
                Refill::Stop => return ControlFlow::Continue(false),
            }
            if w.portion_read(at) {
                next.len = 0;
            }
        }
        let lookahead = w.avail.wrapping_sub(at);
        let mut current = if !s.early && next.len > 0 {
            next
        } else if lookahead >= WANTED {
            search(w, s, at, lookahead)
        } else {
            Match { at, found: 0, len: 1, fresh: at }
        };
        next.len = 0;
        put_in(w, s, lookahead, &current);

        let behind = at.wrapping_add(current.len);
        let room = 2 * (w.prev_mask + 1) - MIN_LOOKAHEAD;
        if !s.early && lookahead > MIN_LOOKAHEAD && behind.wrapping_sub(w.edge) < room {
            // The lookahead is not reduced by the match before: the encoder does not either.
            next = search(w, s, behind, lookahead);
            if next.len >= WANTED {
                fizzle(w, &mut current, &mut next);
            }
        }

        let mut full = false;
        if at < start && at.wrapping_add(current.len) > start {
            current.len = start - at;
            next.len = 0;
        } else if at >= start {
            if current.len >= WANTED {
                full = b.matched(at.wrapping_sub(current.found), current.len, at);
            } else {
                for &byte in &w.buf[at..at + current.len] {
                    full |= b.literal(byte, at);
                }
            }
        }
        at = at.wrapping_add(current.len);
        if full {
            let fresh = next.fresh.wrapping_sub(next.at);
            flush(w, b, at, false, State::with_next(next.len, next.at.wrapping_sub(next.found), fresh))?;
            if b.called_again {
                next.len = 0;
            }
        }
    }
    ControlFlow::Continue(true)
}

/// Puts `at` into its chain and finds its longest match of at least four bytes.
#[inline(always)]
fn search(w: &mut Window<'_, Chains>, s: &Effort, at: usize, lookahead: usize) -> Match {
    let head = insert(w, at);
    let rel = w.rel(at);
    let literal = Match { at, found: 0, len: 1, fresh: at };
    if head == 0 || head >= rel || usize::from(rel.wrapping_sub(head)) > w.max_dist {
        return literal;
    }
    let (len, found) = longest(w, s, at, lookahead, head, 2, 0);
    if len >= WANTED { Match { at, found, len, fresh: at } } else { literal }
}

/// Puts the positions inside a match into their chains, or only its last one if it is long.
#[inline(always)]
fn put_in(w: &mut Window<'_, Chains>, s: &Effort, lookahead: usize, m: &Match) {
    if m.len < WANTED || lookahead <= m.len + WANTED {
        return;
    }
    let end = m.at.wrapping_add(m.len);
    if m.len <= 16 * s.lazy {
        for at in (m.at + 1).max(m.fresh)..end {
            insert(w, at);
        }
    } else {
        insert(w, end - 1);
    }
}

/// Moves `next` left over `current` if no more than one byte of `current` is left then.
fn fizzle(w: &Window<'_, Chains>, current: &mut Match, next: &mut Match) {
    let rel = |at: usize| at.wrapping_sub(w.edge);
    let (found, at) = (rel(next.found), rel(next.at));
    if current.len <= 1 || current.len > 1 + found || current.len > 1 + at {
        return;
    }
    let back = current.len - 1;
    // A restart's history may begin after the window's edge.
    if next.found < back || next.at < back {
        return;
    }
    if w.buf[next.found.wrapping_sub(back)] != w.buf[next.at.wrapping_sub(back)] {
        return;
    }
    let limit = at.saturating_sub(w.max_dist);
    let (mut c, mut n, mut moved) = (*current, *next, false);
    while n.found > 0 && w.buf[n.found - 1] == w.buf[n.at - 1] {
        if c.len < 1 || rel(n.at) <= limit || n.len >= 256 || rel(n.found) <= 1 {
            break;
        }
        n.at -= 1;
        n.found -= 1;
        n.len += 1;
        c.len -= 1;
        moved = true;
    }
    if moved && c.len <= 1 && n.len != 2 {
        n.fresh += 1;
        (*current, *next) = (c, n);
    }
}
