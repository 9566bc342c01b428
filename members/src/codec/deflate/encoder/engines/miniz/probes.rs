//! How miniz searches a chain (`find_match` in `core.rs`), on positions sorted by hash.
//!
//! Every position is put into its chain, and entries from beyond the window are never of use: what they lead to has
//! either been looked at or does not begin alike. So a window of history tells all. Candidates are looked at three at a
//! time. One whose two bytes, the last of the match at hand and the one behind, are the cursor's ends its three early.
//! How many threes there may be depends on the level.

use crate::codec::deflate::encoder::matchers::sorted::{Candidates, GROUP, Sorted, Stretch};
use crate::codec::deflate::encoder::matchers::window::{Near, View, common};

/// Candidates looked at together.
const TOGETHER: usize = 3;

/// A search and what it has found.
pub(super) struct Search<'a> {
    pub(super) near: &'a Near,
    pub(super) buf: &'a [u8],
    /// Candidates up to here are too far. It may lie before the buffer.
    pub(super) limit: isize,
    /// The longest match there can be.
    pub(super) most: usize,
    /// The longest so far, at least 2, and where it begins.
    pub(super) best: usize,
    pub(super) start: usize,
    /// How many more candidates may be looked at if none passes.
    pub(super) left: usize,
}

impl<'a> Search<'a> {
    /// Searches `threes` times.
    #[inline(always)]
    pub(super) fn run(&mut self, sorted: &Sorted, candidates: &Candidates, threes: usize) {
        self.left = threes * TOGETHER;
        let (now, before) = sorted.stretches();
        if self.scan(now, candidates.now) || self.limit >= now.base as isize {
            return;
        }
        self.scan(before, candidates.before);
    }

    /// Looks at the entries from the last to the first; true if what follows need not be looked at.
    #[inline(always)]
    fn scan(&mut self, stretch: &Stretch, (begin, mut end): (usize, usize)) -> bool {
        let Some(view) = self.buf.get(stretch.base..).and_then(|buf| buf.first_chunk::<{ size_of::<View>() }>()) else {
            return true;
        };
        let low = self.limit - stretch.base as isize;
        let mut filter = Ends::new(self.near, self.best);
        while end > begin {
            let Some(group) = stretch.group(end) else { return true };
            let taken = end.wrapping_sub(begin).min(GROUP);
            let mut done = 0usize;
            // The nearest is the lowest bit.
            let all = (1u32 << taken).wrapping_sub(1);
            let mut passing = filter.passing(view, group) & all;
            while passing != 0 {
                let nth = (passing.trailing_zeros() as usize).wrapping_add(1);
                let candidate = group[GROUP.wrapping_sub(nth) & (GROUP - 1)];
                let looked = nth.wrapping_sub(done);
                if looked > self.left || candidate as isize <= low {
                    return true;
                }
                passing &= passing.wrapping_sub(1);
                self.left = self.left.wrapping_sub(looked) / TOGETHER * TOGETHER;
                done = nth;
                let len = common(self.near, view, candidate);
                if len > self.best {
                    (self.best, self.start) = (len.min(self.most), stretch.base + usize::from(candidate));
                    if len >= self.most {
                        return true;
                    }
                    filter = Ends::new(self.near, len);
                    // Others may pass now, and count.
                    passing = filter.passing(view, group) & ((all >> nth) << nth);
                }
            }
            let looked = taken.wrapping_sub(done);
            if looked >= self.left || (group[GROUP.wrapping_sub(taken) & (GROUP - 1)] as isize) <= low {
                return true;
            }
            self.left = self.left.wrapping_sub(looked);
            end = end.wrapping_sub(taken);
        }
        false
    }
}

/// The last byte of a match at hand and the one behind.
#[derive(Clone, Copy)]
struct Ends {
    offset: usize,
    bytes: u16,
}

impl Ends {
    #[inline(always)]
    fn new(near: &Near, best: usize) -> Self {
        let offset = best.wrapping_sub(1).min(256);
        Self { offset, bytes: u16::from_le_bytes([near[offset], near[offset + 1]]) }
    }

    /// Which of some candidates have them: a bit each, the lowest for the last.
    #[inline(always)]
    fn passing(self, view: &View, candidates: &[u16; GROUP]) -> u32 {
        let Some(view) = view[self.offset.min(256)..].first_chunk::<65540>() else { return u32::MAX };
        let bytes = |m: u16| u16::from_le_bytes([view[usize::from(m)], view[usize::from(m) + 1]]);
        candidates.iter().fold(0, |bits, &m| bits * 2 + u32::from(bytes(m) == self.bytes))
    }
}
