//! klauspost's levels 7 to 9 (`deflate.go`): zlib's lazy matcher over four bytes, which also looks for matches by where
//! they would end, and passes over bytes where nothing matches for long. Level 9 takes a match only if it saves more
//! than the literals cost; what these cost is reckoned anew for each filling of the double window.
//!
//! Every position is put into the chains, so a restart needs a window of history, and level 9 also what the costs are
//! of.

use super::chains::{Chains, Costs, MAX_MATCH, NONE, WINDOW};
use super::place::{Matcher, Place, Version};
use super::sections::Sections;
use super::state::{AT_SEAM, Carried, Middle};
use super::tables::common;
use crate::codec::deflate::encoder::engines::go;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::form::LITERALS;
use std::ops::ControlFlow;

/// Symbols in a full section.
const FULL: usize = 32768;
/// Fewer bytes wait for more input.
const NEEDED: usize = 262;
/// Bytes that the longest passing over and a match take.
const PASSING: usize = 1300;
/// Bytes of a match that may differ when it is looked for by its end.
const SKIPPED: usize = 2;
/// The last positions that have no hash.
const UNHASHED: usize = 3;
/// Bytes that are counted for the costs of literals.
const COUNTED: usize = 32768;

/// What a level tries: no search after a match of `lazy` bytes or at one of `nice`, `chain` candidates.
#[derive(Clone, Copy)]
struct Effort {
    lazy: usize,
    nice: usize,
    chain: u32,
}

const EFFORT: [Effort; 3] = [
    Effort { lazy: 12, nice: 16, chain: 24 },
    Effort { lazy: 30, nice: 40, chain: 64 },
    Effort { lazy: 258, nice: 258, chain: 1024 },
];

pub(super) struct Lazy<'a> {
    place: Place<'a>,
    effort: Effort,
    chains: Chains,
    /// Level 9 only.
    costs: Option<Costs>,
    /// Lower edge of the double window.
    base: i64,
    at: usize,
    /// The match at the position before the cursor.
    found: (usize, usize),
    /// That position is not written yet.
    waiting: bool,
    /// Literals since the last match.
    run: u16,
    /// To be done first.
    middle: Middle,
    /// Positions from here on are not hashed now.
    unhashed: usize,
    /// A flush follows the window: no section goes on with the codes of the one before.
    closing: bool,
    /// All of the input so far was written, so that the window may move before more comes.
    flushed: bool,
}

impl<'a> Lazy<'a> {
    pub(super) fn new(place: Place<'a>, level: u8, carried: Carried) -> Self {
        let effort = EFFORT[usize::from(level).clamp(7, 9) - 7];
        let at = place.at;
        let mut made = Self {
            effort,
            chains: Chains::new(),
            costs: None,
            base: place.start,
            at,
            found: NONE,
            waiting: false,
            run: 0,
            middle: Middle::default(),
            unhashed: usize::MAX,
            closing: false,
            flushed: false,
            place,
        };
        // The dictionary's last positions are in no chain.
        let gap = made.place.seam - UNHASHED as i64..made.place.seam;
        for at in (made.place.start.max(0) as usize..at).filter(|&at| !gap.contains(&(at as i64))) {
            made.insert(at);
        }
        made.resume(carried.middle);
        let beyond = made.at as i64 - made.place.start - (2 * WINDOW - NEEDED) as i64;
        if beyond > 0 {
            made.base += (beyond + WINDOW as i64 - 1) / WINDOW as i64 * WINDOW as i64;
            // The window does not move when the input ends in it.
            if made.place.end.is_some_and(|end| end as i64 <= made.base + WINDOW as i64) {
                made.base -= WINDOW as i64;
            }
        }
        if level == 9 {
            let from = match carried.step {
                0 => at as i64,
                AT_SEAM => made.place.seam,
                before => made.base + WINDOW as i64 + 1 - i64::from(before),
            };
            made.costs = Some(Costs { from: from.clamp(0, at as i64) as usize, sums: Vec::new() });
        }
        made
    }

    /// Goes on where the block before ended.
    fn resume(&mut self, middle: Middle) {
        if self.at + 2 * NEEDED > self.place.buf.len() {
            return;
        }
        match middle {
            Middle::Match(len, dist) if dist <= self.at => (self.found, self.waiting) = ((len, dist), true),
            Middle::Literal { run } => (self.run, self.waiting) = (run, true),
            Middle::Skip { run, .. } => (self.run, self.middle) = (run, middle),
            Middle::Owe { dist, .. } if dist <= self.at => self.middle = middle,
            Middle::Done { run } => {
                self.run = run;
                return;
            }
            _ => return,
        }
        self.insert(self.at);
        self.at += 1;
        if matches!(middle, Middle::Owe { .. }) {
            self.insert(self.at);
        }
    }

    #[inline(always)]
    fn insert(&mut self, at: usize) -> Option<usize> {
        if at < self.unhashed { self.chains.insert(self.place.buf, at) } else { None }
    }

    /// Reckons the costs of literals in the window that ends at `end`.
    fn reckon(&mut self, end: usize) {
        let Some(costs) = &mut self.costs else { return };
        if !costs.sums.is_empty() || end - costs.from > 3 * WINDOW {
            costs.from = self.at;
        }
        let bytes = &self.place.buf[costs.from..end];
        let counted = if self.place.version == Version::Earliest { bytes.len() } else { bytes.len().min(COUNTED) };
        let mut freq = [0u16; 256];
        bytes[..counted].iter().for_each(|&b| freq[usize::from(b)] = freq[usize::from(b)].wrapping_add(1));
        let code = go::build(&freq, &LITERALS);
        costs.sums.clear();
        let mut sum = 0;
        costs.sums.push(sum);
        costs.sums.extend(bytes.iter().map(|&byte| {
            sum += u32::from(code.len[usize::from(byte)]);
            sum
        }));
    }

    /// Works through the window that ends at `end`, of which the bytes before `known` are known, until more input is
    /// needed.
    fn window(&mut self, w: &mut Sections, end: usize, known: usize, sync: Option<Carried>) -> Flow {
        if self.at > known {
            return ControlFlow::Break(());
        }
        self.unhashed = end.saturating_sub(UNHASHED);
        self.closing = sync.is_some();
        self.reckon(end.min(known));
        match std::mem::take(&mut self.middle) {
            Middle::Skip { left, .. } => self.skip(w, left, end.min(known))?,
            Middle::Owe { left, len, dist } => self.owe(w, left, len, dist)?,
            _ => {}
        }
        while self.at < end && (sync.is_some() || end - self.at >= NEEDED) {
            if known < end && known.saturating_sub(self.at) < PASSING {
                return ControlFlow::Continue(());
            }
            w.look()?;
            self.step(w, end)?;
        }
        if self.at > known {
            return ControlFlow::Break(());
        }
        if let Some(after) = sync {
            if std::mem::take(&mut self.waiting) {
                w.literal(self.place.buf[self.at - 1]);
            }
            if w.count() > 0 {
                self.write(w, Some(after), Middle::default())?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Encodes the position at the cursor.
    #[inline(always)]
    fn step(&mut self, w: &mut Sections, end: usize) -> Flow {
        let (at, lookahead) = (self.at, end - self.at);
        let head = self.insert(at);
        let before = std::mem::replace(&mut self.found, NONE);
        let least = at.saturating_sub(WINDOW).max(self.base.max(0) as usize);
        if let Some(head) = head
            && head >= least
            && lookahead > before.0
            && before.0 < self.effort.lazy
        {
            let (most, tries) = (lookahead.min(MAX_MATCH), (self.effort.chain, self.effort.nice));
            self.found = self.chains.longest(self.place.buf, (at, most), head, least, tries, self.costs.as_ref());
        }
        if before.0 > NONE.0 && self.found.0 <= before.0 {
            self.found = NONE;
            let (owed, len, dist) = self.by_end(before, lookahead, least);
            return match owed {
                0 => self.take(w, len, dist),
                // The cursor is at the second of the bytes from which the match was looked for.
                _ => self.owe(w, owed, len, dist),
            };
        }
        if self.found.0 > NONE.0 {
            self.run = 0;
        }
        if !std::mem::replace(&mut self.waiting, true) {
            self.at += 1;
            return ControlFlow::Continue(());
        }
        self.run = self.run.wrapping_add(1);
        w.literal(self.place.buf[at - 1]);
        let left = match u32::from(self.run).saturating_sub(self.effort.chain) {
            0 => 0,
            over => 1 + (over >> 6) as u16,
        };
        if w.count() == FULL {
            let (run, (len, dist)) = (self.run, self.found);
            let middle = match () {
                () if left > 0 => Middle::Skip { left, run },
                () if len > NONE.0 => Middle::Match(len, dist),
                () => Middle::Literal { run },
            };
            self.write(w, None, middle)?;
        }
        self.at += 1;
        if left > 0 { self.skip(w, left, end) } else { ControlFlow::Continue(()) }
    }

    /// The match `before`, or a longer one behind some literals that begins no later than two bytes behind it: how
    /// many, and the match.
    #[inline(always)]
    fn by_end(&self, before: (usize, usize), lookahead: usize, least: usize) -> (usize, usize, usize) {
        let (buf, from, (len, dist)) = (self.place.buf, self.at - 1, before);
        let keep = (0, len, dist);
        if len >= MAX_MATCH - SKIPPED || from + len >= self.unhashed {
            return keep;
        }
        let there = self.chains.latest(buf, from + len).and_then(|latest| latest.checked_sub(len));
        let Some(there) = there.filter(|&there| there > least + SKIPPED && there < from && from - there != dist) else {
            return keep;
        };
        let (end, dist) = (from + lookahead.min(MAX_MATCH + SKIPPED), from - there);
        let mut longer = common(buf, from + SKIPPED, dist, end);
        if longer <= len {
            return keep;
        }
        for owed in (1..=SKIPPED).rev() {
            if longer >= MAX_MATCH || buf[from + owed - 1] != buf[there + owed - 1] {
                return (owed, longer, dist);
            }
            longer += 1;
        }
        (0, longer, dist)
    }

    /// Writes so many literals, then a match.
    fn owe(&mut self, w: &mut Sections, owed: usize, len: usize, dist: usize) -> Flow {
        for left in (0..owed).rev() {
            w.literal(self.place.buf[self.at - 1]);
            if w.count() == FULL {
                self.write(w, None, Middle::Owe { left, len, dist })?;
            }
            self.at += 1;
            self.insert(self.at);
        }
        self.take(w, len, dist)
    }

    /// Writes a match that begins before the cursor.
    #[inline(always)]
    fn take(&mut self, w: &mut Sections, len: usize, dist: usize) -> Flow {
        w.matched(len, dist);
        let next = self.at + len - 1;
        for at in self.at + 1..next.min(self.unhashed) {
            self.chains.insert(self.place.buf, at);
        }
        (self.at, self.waiting, self.run) = (next, false, 0);
        if w.count() == FULL { self.write(w, None, Middle::Done { run: self.run }) } else { ControlFlow::Continue(()) }
    }

    /// Writes so many literals without looking for matches, and the one that waits then.
    fn skip(&mut self, w: &mut Sections, left: u16, end: usize) -> Flow {
        for left in (0..left).rev() {
            if self.at + 1 >= end {
                break;
            }
            w.literal(self.place.buf[self.at - 1]);
            if w.count() == FULL {
                self.write(w, None, Middle::Skip { left, run: self.run })?;
            }
            self.insert(self.at);
            self.at += 1;
        }
        w.literal(self.place.buf[self.at - 1]);
        self.waiting = false;
        if w.count() == FULL { self.write(w, None, Middle::Done { run: self.run }) } else { ControlFlow::Continue(()) }
    }

    /// Writes the section before the cursor.
    fn write(&mut self, w: &mut Sections, sync: Option<Carried>, middle: Middle) -> Flow {
        let Place { seam, start, buf, version, .. } = self.place;
        let first = seam != start && w.start as i64 == seam;
        // It is stored only if it is still whole in the window, and before 1.20 it was not behind a dictionary.
        let storable = w.start as i64 >= self.base && (!first || version == Version::Current);
        let from = self.costs.as_ref().map(|costs| costs.from as i64);
        let step = match from.map(|from| (from, self.base + WINDOW as i64 - from)) {
            Some((from, _)) if from == seam => AT_SEAM,
            Some((_, before @ 0..262)) => before as u16 + 1,
            _ => 0,
        };
        let carried = sync.unwrap_or(Carried { middle, step, ..Carried::default() });
        let Some(plain) = buf.get(w.start..self.at) else { return ControlFlow::Break(()) };
        w.write(plain.len(), storable.then_some(plain), self.closing, carried)
    }
}

impl Matcher for Lazy<'_> {
    fn run(&mut self, w: &mut Sections, to: usize, sync: Option<Carried>) -> Flow {
        if self.flushed && to > self.at && self.at as i64 - self.base >= (2 * WINDOW - NEEDED) as i64 {
            self.base += WINDOW as i64;
        }
        self.flushed = sync.is_some();
        loop {
            let room = (self.base + 2 * WINDOW as i64).max(0) as usize;
            if to > room || to == room && sync.is_none() {
                self.window(w, room, room, None)?;
                self.base += WINDOW as i64;
            } else if sync.is_some() {
                return self.window(w, to, to, sync);
            } else if self.costs.is_some() {
                return ControlFlow::Continue(());
            } else {
                return self.window(w, room, to, None);
            }
        }
    }
}
