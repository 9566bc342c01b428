//! Which stretches of the window are like which of the source.
//!
//! An anchor (equal grams) or the last copy's own distance gives a place to start; from there a copy grows both ways
//! for as long as equal bytes outweigh unequal ones, as in Colin Percival's bsdiff ("Naive differences of executable
//! code", 2003). A hash table takes the place of its suffix array, and a copy ends where its score has fallen a fixed
//! amount below the best (the X-drop of BLAST: Altschul et al., 1997), which bounds the time.

use super::anchors::Anchors;
use super::{Copy, GRAM};

/// A copy stops growing once its score is this far under its best.
const DROP: i32 = 24;
/// What an unequal byte takes from the score; an equal one gives 1.
const UNEQUAL: i32 = 2;
/// Equal bytes at the last copy's distance that take it up again.
const RESUME: usize = 8;

/// A copy is left for another place if that many of the next [`GRAM`] bytes are equal only there (bsdiff asks for 8
/// too).
const SWITCH: usize = 9;

/// How hard to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// Bytes of the source from one anchor to the next.
    pub(crate) step: usize,
    /// Anchors of one gram that are tried.
    pub(crate) tries: usize,
}

/// The copies, in order of their place in the window, none overlapping another.
pub(crate) fn copies(window: &[u8], source: &[u8], anchors: &Anchors, search: Search, out: &mut Vec<Copy>) {
    let finder = Finder { window, source, anchors, search };
    out.clear();
    let mut done = 0;
    let mut at = 0;
    let mut last: Option<Copy> = None;
    while at + GRAM <= window.len() {
        let resumed = last.and_then(|copy| finder.resumed(at, &copy));
        let Some(from) = resumed.or_else(|| finder.anchored(at)) else {
            at += 1;
            continue;
        };
        let back = backward(&window[done..at], &source[..from]);
        let forward = finder.forward(at, from);
        let copy = Copy { at: at - back, from: from - back, len: back + forward };
        done = at + forward;
        at = done;
        match out.last_mut() {
            // Nothing between them and the same distance: one copy.
            Some(before) if before.at + before.len == copy.at && before.from + before.len == copy.from => {
                before.len += copy.len;
            }
            _ => out.push(copy),
        }
        last = Some(copy);
    }
}

struct Finder<'a> {
    window: &'a [u8],
    source: &'a [u8],
    anchors: &'a Anchors,
    search: Search,
}

impl Finder<'_> {
    /// The place that the last copy's distance gives, if the next bytes are equal there.
    #[inline]
    fn resumed(&self, at: usize, last: &Copy) -> Option<usize> {
        let from = last.from + (at - last.at);
        let there = self.source.get(from..)?.first_chunk::<RESUME>()?;
        (self.window[at..].first_chunk::<RESUME>()? == there).then_some(from)
    }

    /// The anchor whose bytes stay equal longest.
    #[inline]
    fn anchored(&self, at: usize) -> Option<usize> {
        let gram = self.window[at..].first_chunk::<GRAM>()?;
        let mut best = None;
        let mut longest = 0;
        for from in self.anchors.positions(gram).take(self.search.tries) {
            if self.source[from..].first_chunk::<GRAM>() != Some(gram) {
                continue;
            }
            if self.search.tries == 1 {
                return Some(from);
            }
            let forward = equal(&self.window[at..], &self.source[from..]);
            if forward > longest {
                (best, longest) = (Some(from), forward);
            }
        }
        best
    }

    /// How far a copy that starts with equal bytes is worth going on.
    fn forward(&self, at: usize, from: usize) -> usize {
        let window = &self.window[at..];
        let source = &self.source[from..];
        let end = window.len().min(source.len());
        let (mut len, mut best_len) = (0, 0);
        // Relative to the best so far.
        let mut score = 0i32;
        loop {
            let run = equal(&window[len..end], &source[len..end]);
            len += run;
            score = score.saturating_add(i32::try_from(run).unwrap_or(i32::MAX));
            if score >= 0 {
                (best_len, score) = (len, 0);
            }
            if len >= end {
                return best_len;
            }
            // One unequal byte, at least.
            len += 1;
            score -= UNEQUAL;
            if score < -DROP || self.better_elsewhere(at + len, from + len) {
                return best_len;
            }
        }
    }

    /// True when the bytes after an unequal one go on elsewhere, and much better than here.
    #[inline]
    fn better_elsewhere(&self, at: usize, from: usize) -> bool {
        let Some(here) = self.source.get(from..from + GRAM) else { return false };
        let Some(gram) = self.window.get(at..).and_then(|bytes| bytes.first_chunk::<GRAM>()) else { return false };
        let same = gram.iter().zip(here).filter(|(left, right)| left == right).count();
        same + SWITCH <= GRAM && self.anchored(at).is_some()
    }
}

/// How many bytes a copy is worth going back from its start.
fn backward(window: &[u8], source: &[u8]) -> usize {
    let (mut best_len, mut best, mut score) = (0, 0i32, 0i32);
    for (len, (left, right)) in window.iter().rev().zip(source.iter().rev()).enumerate() {
        if left == right {
            score += 1;
            if score > best {
                (best, best_len) = (score, len + 1);
            }
        } else {
            score -= UNEQUAL;
            if score < best - DROP {
                break;
            }
        }
    }
    best_len
}

/// Equal bytes at the start of both.
#[inline]
pub(crate) fn equal(left: &[u8], right: &[u8]) -> usize {
    let (left_words, _) = left.as_chunks::<8>();
    let (right_words, _) = right.as_chunks::<8>();
    let mut len = 0;
    for (left, right) in left_words.iter().zip(right_words) {
        let unequal = u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right);
        if unequal != 0 {
            return len + unequal.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    len + left[len..].iter().zip(&right[len..]).take_while(|(left, right)| left == right).count()
}
