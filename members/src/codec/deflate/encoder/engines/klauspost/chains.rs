//! Hash chains of klauspost's levels 7 to 9 (`deflate.go`), over four bytes.

use super::tables::{eight, hash4};
use crate::codec::deflate::encoder::output::tables::{DIST_EXTRA, LENGTH_CODE, LENGTH_EXTRA, dist_code};

pub(super) const WINDOW: usize = 32768;
/// The longest match.
pub(super) const MAX_MATCH: usize = 258;
/// A match too short to be taken, and its distance.
pub(super) const NONE: (usize, usize) = (3, 0);
const BITS: u32 = 17;

pub(super) struct Chains {
    /// One more than the latest position of each hash, 0 for none.
    head: Box<[u32]>,
    /// By position modulo the window: one more than the one before it in its chain.
    prev: Box<[u32]>,
}

/// What bytes cost as literals, summed up from a position on.
#[derive(Default)]
pub(super) struct Costs {
    pub(super) from: usize,
    pub(super) sums: Vec<u32>,
}

impl Costs {
    /// Bits that a match of `len` bytes at `at` saves, about.
    #[inline(always)]
    fn gain(&self, at: usize, len: usize, dist: usize) -> i64 {
        let sum = |at: usize| self.sums.get(at.wrapping_sub(self.from)).map_or(0, |&sum| i64::from(sum));
        // There, the distance's symbol is looked up as if it were one longer; the longest has one in the middle.
        let code = if dist < WINDOW { dist_code(dist as u16) } else { 14 };
        let extra = DIST_EXTRA[code] + LENGTH_EXTRA[usize::from(LENGTH_CODE[len.wrapping_sub(3) & 255])];
        sum(at + len) - sum(at) - i64::from(extra) - 3
    }
}

impl Chains {
    pub(super) fn new() -> Self {
        Self { head: vec![0; 1 << BITS].into(), prev: vec![0; WINDOW].into() }
    }

    /// The latest position with the same hash as `at`.
    #[inline(always)]
    pub(super) fn latest(&self, buf: &[u8], at: usize) -> Option<usize> {
        let hash = hash4::<BITS>(eight(buf, at)) & ((1 << BITS) - 1);
        (self.head[hash] as usize).checked_sub(1)
    }

    /// Puts `at` into its chain and returns the head before it.
    #[inline(always)]
    pub(super) fn insert(&mut self, buf: &[u8], at: usize) -> Option<usize> {
        let hash = hash4::<BITS>(eight(buf, at)) & ((1 << BITS) - 1);
        let slot = &mut self.head[hash];
        let before = *slot;
        *slot = (at as u32).wrapping_add(1);
        self.prev[at & (WINDOW - 1)] = before;
        (before as usize).checked_sub(1)
    }

    /// The longest match at `at` of at most `most` bytes along the chain from `head`, whose candidates are at `least`
    /// or later; with `costs`, each must save more than the one before. Looks at `tries` of them, and no further once
    /// `nice` bytes match.
    #[inline(always)]
    pub(super) fn longest(
        &self,
        buf: &[u8],
        (at, most): (usize, usize),
        head: usize,
        least: usize,
        (tries, nice): (u32, usize),
        costs: Option<&Costs>,
    ) -> (usize, usize) {
        let nice = nice.min(most);
        let ((mut len, mut dist), mut gain) = (NONE, 4);
        let Some(here) = buf.get(at..at + most) else { return NONE };
        let mut candidate = head;
        for _ in 0..tries {
            if candidate < least || candidate >= at {
                break;
            }
            let Some(there) = buf.get(candidate..candidate + most) else { break };
            if there.get(len) == here.get(len) {
                let n = super::tables::common(buf, at, at - candidate, at + most);
                if n > len {
                    let saved = costs.map_or(i64::MAX, |costs| costs.gain(at, n, at - candidate));
                    if costs.is_none() || saved > gain {
                        (len, dist, gain) = (n, at - candidate, saved);
                        if n >= nice {
                            break;
                        }
                    }
                }
            }
            if candidate <= least {
                break;
            }
            match (self.prev[candidate & (WINDOW - 1)] as usize).checked_sub(1) {
                Some(next) => candidate = next,
                None => break,
            }
        }
        (len, dist)
    }
}
