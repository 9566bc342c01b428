//! Positions sorted by hash: what zlib's chains lead through, side by side in memory.
//!
//! zlib finds candidates by following links, each of which is waited for. A lazy matcher puts every position into its
//! chain, so that the chains are known before any search: here the positions of 32 KiB at a time are sorted by hash,
//! and those before one in its chain are the entries before its own. Eight of them are looked at in the time of one
//! link.
//!
//! Invariant: candidates come in the order of zlib's chains, nearest first, and count the same.

use std::cell::Cell;

use super::window::{Near, Table, View, common, four};

/// Positions sorted at a time: the farthest match spans two such stretches.
const STRETCH: usize = 32768;
/// Where a stretch without positions begins: more than one before any index, and no less than one behind it.
const NOWHERE: usize = usize::MAX / 2;
/// Candidates looked at together.
pub(crate) const GROUP: usize = 8;

/// How a position is hashed.
pub(crate) trait Hash: Copy {
    /// The chain of a string, of which these are the first four bytes, the first lowest.
    fn of(self, string: u32) -> u16;
    /// How many chains there are.
    fn chains(self) -> usize;
}

/// Positions side by side.
pub(crate) struct Stretch {
    /// Index of its first position; see `NOWHERE`.
    pub(crate) base: usize,
    /// Where each chain ends in `places`, `GROUP` not counted.
    ends: Box<[u16; 65536]>,
    /// Positions less `base`, chain by chain, ascending, behind `GROUP` of no meaning.
    places: Box<[u16; GROUP + STRETCH]>,
}

/// The positions of two stretches: that of the cursor, and the one before.
pub(crate) struct Sorted {
    now: Stretch,
    before: Stretch,
    /// Where each position of `now` is in its `places`, `GROUP` not counted.
    ranks: Box<[u16; STRETCH]>,
    hashes: Box<[u16; STRETCH]>,
}

thread_local! {
    /// What an encoder that has ended leaves.
    static SPARE: Cell<Option<Sorted>> = const { Cell::new(None) };
}

impl Table for Sorted {
    fn lend<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        let mut sorted = SPARE.take().unwrap_or_else(|| Self {
            now: Stretch::new(),
            before: Stretch::new(),
            ranks: array(),
            hashes: array(),
        });
        (sorted.now.base, sorted.before.base) = (NOWHERE, NOWHERE);
        let done = work(&mut sorted);
        SPARE.set(Some(sorted));
        done
    }

    fn slide(&mut self, _: usize) {}
}

fn array<const N: usize>() -> Box<[u16; N]> {
    vec![0; N].into_boxed_slice().try_into().expect("the length is the array's")
}

impl Stretch {
    fn new() -> Self {
        Self { base: NOWHERE, ends: array(), places: array() }
    }

    /// Sorts `positions` of `buf`.
    fn fill<H: Hash>(
        &mut self,
        buf: &[u8],
        hash: H,
        positions: std::ops::Range<usize>,
        hashes: &mut [u16; STRETCH],
        ranks: &mut [u16; STRETCH],
    ) {
        self.base = positions.start;
        let Some(view) = buf.get(self.base..).and_then(|buf| buf.first_chunk::<{ size_of::<View>() }>()) else {
            return;
        };
        let (ends, places) = (&mut *self.ends, &mut *self.places);
        ends[..hash.chains().min(65536)].fill(0);
        let hashes = &mut hashes[..positions.len().min(STRETCH)];
        let mut string = four(view, 0) << 8;
        for (slot, &byte) in hashes.iter_mut().zip(&view[3..]) {
            string = string >> 8 | u32::from(byte) << 24;
            *slot = hash.of(string);
            ends[usize::from(*slot)] += 1;
        }
        let mut sum = 0u16;
        for end in &mut ends[..hash.chains().min(65536)] {
            let count = *end;
            *end = sum;
            sum = sum.wrapping_add(count);
        }
        for ((&hash, rank), place) in hashes.iter().zip(ranks).zip(0u16..) {
            let end = &mut ends[usize::from(hash)];
            let at = *end;
            *end = at.wrapping_add(1);
            *rank = at;
            places[GROUP + (usize::from(at) & (STRETCH - 1))] = place;
        }
    }

    /// The entries up to one where a chain or a part of it ends, the last last.
    #[inline(always)]
    pub(crate) fn group(&self, end: usize) -> Option<&[u16; GROUP]> {
        self.places.get(end..).and_then(|places| places.first_chunk())
    }

    /// Where a chain's entries begin and end.
    #[inline(always)]
    fn chain(&self, hash: u16) -> (usize, usize) {
        let begin = if hash == 0 { 0 } else { self.ends[usize::from(hash) - 1] };
        (usize::from(begin), usize::from(self.ends[usize::from(hash)]))
    }
}

/// Entries of a chain, where they begin and end: those of the cursor's stretch, and of the one before.
pub(crate) struct Candidates {
    pub(crate) now: (usize, usize),
    pub(crate) before: (usize, usize),
}

/// A search and what it has found.
pub(crate) struct Search<'a> {
    pub(crate) near: &'a Near,
    pub(crate) buf: &'a [u8],
    /// Candidates up to here are too far.
    pub(crate) limit: usize,
    /// A match of that length ends the search.
    pub(crate) nice: usize,
    /// The longest so far, and where it begins.
    pub(crate) best: usize,
    pub(crate) start: usize,
    pub(crate) filter: Tail,
}

impl Sorted {
    /// Sorts what is needed for a search at `at`; positions before `first` are no candidates, those from `end` on are
    /// not searched.
    #[inline(always)]
    pub(crate) fn reach<H: Hash>(&mut self, buf: &[u8], hash: H, at: usize, first: usize, end: usize) {
        if at.wrapping_sub(self.now.base) >= STRETCH {
            self.advance(buf, hash, at, first, end);
        }
    }

    #[cold]
    fn advance<H: Hash>(&mut self, buf: &[u8], hash: H, at: usize, first: usize, end: usize) {
        while self.now.base == NOWHERE || at >= self.now.base + STRETCH {
            std::mem::swap(&mut self.now, &mut self.before);
            let base = if self.before.base == NOWHERE { first } else { self.before.base + STRETCH };
            self.now.fill(buf, hash, base..end.min(base + STRETCH), &mut self.hashes, &mut self.ranks);
        }
    }

    /// The positions before `at` in the chain of its hash.
    #[inline(always)]
    pub(crate) fn before(&self, at: usize, hash: u16) -> Candidates {
        let rank = usize::from(self.ranks[at.wrapping_sub(self.now.base) & (STRETCH - 1)]);
        let before = if self.before.base == NOWHERE { (0, 0) } else { self.before.chain(hash) };
        Candidates { now: (self.now.chain(hash).0, rank), before }
    }

    /// The cursor's stretch, and the one before.
    #[inline(always)]
    pub(crate) fn stretches(&self) -> (&Stretch, &Stretch) {
        (&self.now, &self.before)
    }

    /// The nearest of them, if there is any.
    #[inline(always)]
    pub(crate) fn nearest(&self, candidates: &Candidates) -> Option<usize> {
        let last = |stretch: &Stretch, (begin, end): (usize, usize)| {
            (end > begin).then(|| stretch.base + usize::from(stretch.places[GROUP - 1 + end]))
        };
        last(&self.now, candidates.now).or_else(|| last(&self.before, candidates.before))
    }

    /// Looks at up to `chain` of them.
    #[inline(always)]
    pub(crate) fn search(&self, candidates: &Candidates, chain: usize, search: &mut Search<'_>) {
        let (begin, end) = candidates.now;
        let begin = begin.max(end.saturating_sub(chain));
        if search.scan(&self.now, begin, end) {
            return;
        }
        let left = chain - (end - begin);
        if left == 0 || search.limit >= self.now.base {
            return;
        }
        let (begin, end) = candidates.before;
        search.scan(&self.before, begin.max(end.saturating_sub(left)), end);
    }
}

impl Search<'_> {
    /// Looks at the entries from the last to the first; true if what follows need not be looked at.
    #[inline(always)]
    fn scan(&mut self, stretch: &Stretch, begin: usize, mut end: usize) -> bool {
        let Some(view) = self.buf.get(stretch.base..).and_then(|buf| buf.first_chunk::<{ size_of::<View>() }>()) else {
            return true;
        };
        let low = self.limit as isize - stretch.base as isize;
        while end > begin {
            let Some(group) = stretch.group(end) else { return true };
            let taken = (end - begin).min(GROUP);
            // The nearest is the lowest bit.
            let mut passing = self.filter.passing(view, group) & ((1u32 << taken) - 1);
            while passing != 0 {
                let candidate = group[(GROUP - 1).wrapping_sub(passing.trailing_zeros() as usize) & (GROUP - 1)];
                if candidate as isize <= low {
                    return true;
                }
                passing &= passing - 1;
                let len = common(self.near, view, candidate);
                if len > self.best {
                    (self.best, self.start) = (len, stretch.base + usize::from(candidate));
                    if len >= self.nice {
                        return true;
                    }
                    self.filter = Tail::new(self.near, len);
                    if passing != 0 {
                        passing &= self.filter.passing(view, group);
                    }
                }
            }
            if (group[GROUP - taken] as isize) <= low {
                return true;
            }
            end -= taken;
        }
        false
    }
}

/// What [`super::window::Filter`] tests, with four bytes at most: less work, and what passes without being longer does
/// no harm here.
#[derive(Clone, Copy)]
pub(crate) struct Tail {
    offset: usize,
    bytes: u32,
    shift: u32,
}

impl Tail {
    /// For matches of what is `near` that are longer than `best`.
    #[inline(always)]
    pub(crate) fn new(near: &Near, best: usize) -> Self {
        let (offset, shift) = (best.saturating_sub(3) & 255, if best < 3 { 8 } else { 0 });
        Self { offset, bytes: four(near, offset) << shift, shift }
    }

    /// Which of some candidates pass: a bit each, the lowest for the last.
    #[inline(always)]
    fn passing(self, view: &View, candidates: &[u16; GROUP]) -> u32 {
        let Some(view) = view[self.offset & 255..].first_chunk::<65540>() else { return u32::MAX };
        let bytes = |m: u16| {
            let m = usize::from(m);
            u32::from_le_bytes([view[m], view[m + 1], view[m + 2], view[m + 3]])
        };
        if self.shift == 0 {
            candidates.iter().fold(0, |bits, &m| bits * 2 + u32::from(bytes(m) == self.bytes))
        } else {
            candidates.iter().fold(0, |bits, &m| bits * 2 + u32::from(bytes(m) << 8 == self.bytes))
        }
    }
}
