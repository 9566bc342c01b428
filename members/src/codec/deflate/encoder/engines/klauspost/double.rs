//! klauspost's levels 4, 5 and 6 (`level4.go`, `level5.go`, `level6.go`): one table for hashes of four bytes and one
//! for hashes of seven, which at levels 5 and 6 remembers two positions.

use super::fast::Search;
use super::place::Version;
use super::tables::{Entry, Found, MARGIN, REACH, Table, Two, back, common, eight, entry, hash4, hash7, same4};

/// Bytes of a match that may differ when it is looked for by its end.
const SKIPPED: usize = 2;
/// The longest match.
const MAX_MATCH: usize = 258;

pub(super) struct Level4 {
    short: Table<15, Entry>,
    long: Table<15, Entry>,
    version: Version,
}

impl Search for Level4 {
    fn new(version: Version) -> Self {
        Self { short: Table::new(), long: Table::new(), version }
    }

    fn search(&mut self, found: &mut Found) {
        let Self { short, long, version } = self;
        let (buf, end) = (found.buf, found.buf.len());
        let limit = end.saturating_sub(MARGIN);
        let mut at = found.done;
        'scan: loop {
            let mut bytes = eight(buf, at);
            let mut next = at;
            let dist = loop {
                at = next;
                next = at + 1 + ((at - found.done) >> 6);
                if next > limit {
                    break 'scan;
                }
                let by_short = back(at, std::mem::replace(short.at(hash4::<15>(bytes)), entry(at)));
                let by_long = back(at, std::mem::replace(long.at(hash7::<15>(bytes)), entry(at)));
                if same4(buf, bytes, at, by_long, REACH) {
                    break by_long;
                }
                let ahead = eight(buf, next);
                if same4(buf, bytes, at, by_short, REACH) {
                    let dist = back(next, *long.at(hash7::<15>(ahead)));
                    // From 1.18 on, the distance is taken for a place in the encoder's buffer.
                    let there = match *version {
                        Version::Earliest => dist,
                        _ => next.wrapping_sub(found.held.wrapping_add(dist)),
                    };
                    if same4(buf, ahead, next, dist, REACH)
                        && common(buf, next + 4, there, end) > common(buf, at + 4, by_short, end)
                    {
                        at = next;
                        break dist;
                    }
                    break by_short;
                }
                bytes = ahead;
            };
            let len = 4 + common(buf, at + 4, dist, end);
            let (from, len) = found.take(at, dist, len);
            at = from + len;
            if next >= at {
                at = next + 1;
            }
            if at >= limit {
                if at + 8 < end {
                    let bytes = eight(buf, at);
                    *short.at(hash4::<15>(bytes)) = entry(at);
                    *long.at(hash7::<15>(bytes)) = entry(at);
                }
                break 'scan;
            }
            for inner in (next..at - 1).step_by(3) {
                let bytes = eight(buf, inner);
                *long.at(hash7::<15>(bytes)) = entry(inner);
                *long.at(hash7::<15>(bytes >> 8)) = entry(inner + 1);
                *short.at(hash4::<15>(bytes >> 8)) = entry(inner + 1);
            }
            let bytes = eight(buf, at - 1);
            *short.at(hash4::<15>(bytes)) = entry(at - 1);
            *long.at(hash7::<15>(bytes)) = entry(at - 1);
        }
    }
}

/// Tables of levels 5 and 6.
struct Tables {
    short: Table<15, Entry>,
    long: Table<15, Two>,
}

/// A match: where, how far back, how long, at most [`MAX_MATCH`]; not more than four bytes were compared if `len` is 0.
#[derive(Clone, Copy)]
struct Match {
    at: usize,
    dist: usize,
    len: usize,
}

impl Tables {
    fn new() -> Self {
        Self { short: Table::new(), long: Table::new() }
    }

    #[inline(always)]
    fn enter_short(&mut self, bytes: u64, at: usize) -> Entry {
        std::mem::replace(self.short.at(hash4::<15>(bytes)), entry(at))
    }

    #[inline(always)]
    fn enter_long(&mut self, bytes: u64, at: usize) -> Two {
        let slot = self.long.at(hash7::<15>(bytes));
        let before = *slot;
        slot.push(entry(at));
        before
    }

    /// Puts `at` into both; returns how far back the same hashes were: of four bytes, of seven, of seven before that.
    #[inline(always)]
    fn enter(&mut self, bytes: u64, at: usize) -> (usize, usize, usize) {
        let (short, long) = (self.enter_short(bytes, at), self.enter_long(bytes, at));
        (back(at, short), back(at, long.latest), back(at, long.earlier))
    }

    /// The match at `at`, if there is one, or one at `next` that is longer. `repeat` is the distance of the match
    /// before, at level 6.
    #[inline(always)]
    fn find(&mut self, buf: &[u8], at: usize, next: usize, bytes: u64, repeat: Option<usize>) -> Option<Match> {
        let four_more = |at: usize, dist: usize| 4 + common(buf, at + 4, dist, buf.len().min(at + MAX_MATCH));
        let (short, latest, earlier) = self.enter(bytes, at);
        let ahead = eight(buf, next);
        if latest.wrapping_sub(1) < REACH - 1 {
            let older = same4(buf, bytes, at, earlier, REACH);
            if same4(buf, bytes, at, latest, REACH) {
                self.enter(ahead, next);
                if !older {
                    return Some(Match { at, dist: latest, len: 0 });
                }
                let (len, other) = (four_more(at, latest), four_more(at, earlier));
                let (dist, len) = if other > len { (earlier, other) } else { (latest, len) };
                return Some(Match { at, dist, len });
            }
            if older {
                self.enter(ahead, next);
                return Some(Match { at, dist: earlier, len: 0 });
            }
        }
        if !same4(buf, bytes, at, short, REACH) {
            return None;
        }
        let mut best = Match { at, dist: short, len: four_more(at, short) };
        let (_, latest, earlier) = self.enter(ahead, next);
        if let Some(repeat) = repeat
            && same4(buf, bytes >> 8, at + 1, repeat, usize::MAX)
        {
            let len = four_more(at + 1, repeat);
            if len > best.len {
                return Some(Match { at: at + 1, dist: repeat, len });
            }
        }
        if latest.wrapping_sub(1) < REACH - 1 {
            for dist in [latest, earlier] {
                if same4(buf, ahead, next, dist, REACH) {
                    let len = four_more(next, dist);
                    if len > best.len {
                        best = Match { at: next, dist, len };
                        // Level 5 looks no further.
                        if repeat.is_none() {
                            break;
                        }
                    }
                }
            }
        }
        Some(best)
    }

    /// The match at its full length.
    #[inline(always)]
    fn extend(buf: &[u8], found: Match) -> Match {
        let len = match found.len {
            0 => 4 + common(buf, found.at + 4, found.dist, buf.len()),
            MAX_MATCH => MAX_MATCH + common(buf, found.at + MAX_MATCH, found.dist, buf.len()),
            len => len,
        };
        Match { len, ..found }
    }

    /// A longer match that was found by where `found` ends, or `found`.
    #[inline(always)]
    fn by_end(buf: &[u8], floor: usize, found: Match, ends: &[Entry]) -> Match {
        let mut best = found;
        for &entry in ends {
            // Of the second, what counts is how long the match is by now.
            let (at, len) = (found.at + SKIPPED, best.len);
            let there = (entry as usize + SKIPPED).checked_sub(len + 1).filter(|&there| entry != 0 && there >= floor);
            let dist = there.and_then(|there| at.checked_sub(there)).unwrap_or(usize::MAX);
            if dist.wrapping_sub(1) < REACH - 1 {
                let len = common(buf, at, dist, buf.len());
                if len > best.len {
                    best = Match { at, dist, len };
                }
            }
        }
        best
    }
}

pub(super) struct Level5(Tables);

impl Search for Level5 {
    fn new(_: Version) -> Self {
        Self(Tables::new())
    }

    fn search(&mut self, found: &mut Found) {
        let Self(tables) = self;
        let (buf, end) = (found.buf, found.buf.len());
        let limit = end.saturating_sub(MARGIN);
        let mut at = found.done;
        'scan: loop {
            let mut next = at;
            let hit = loop {
                at = next;
                next = at + 1 + ((at - found.done) >> 6);
                if next > limit {
                    break 'scan;
                }
                if let Some(hit) = tables.find(buf, at, next, eight(buf, at), None) {
                    break hit;
                }
            };
            let mut hit = Tables::extend(buf, hit);
            if hit.len < 30 && hit.at + hit.len < limit {
                let ends = *tables.long.at(hash7::<15>(eight(buf, hit.at + hit.len)));
                hit = Tables::by_end(buf, found.floor, hit, &[ends.latest]);
            }
            let (from, len) = found.take(hit.at, hit.dist, hit.len);
            at = from + len;
            if next >= at {
                at = next + 1;
            }
            if at >= limit {
                break 'scan;
            }
            let inner = at - len + 1;
            if inner < at - 1 {
                let bytes = eight(buf, inner);
                tables.enter_short(bytes, inner);
                tables.enter_long(bytes, inner);
                tables.enter_long(bytes >> 8, inner + 1);
                tables.enter_short(bytes >> 16, inner + 2);
            }
            for inner in (inner + 4..at - 1).step_by(3) {
                let bytes = eight(buf, inner);
                tables.enter_long(bytes, inner);
                tables.enter_short(bytes >> 8, inner + 1);
            }
            tables.enter(eight(buf, at - 1), at - 1);
        }
    }
}

pub(super) struct Level6(Tables);

impl Search for Level6 {
    fn new(_: Version) -> Self {
        Self(Tables::new())
    }

    fn search(&mut self, found: &mut Found) {
        let Self(tables) = self;
        let (buf, end) = (found.buf, found.buf.len());
        let limit = end.saturating_sub(MARGIN);
        let mut at = found.done;
        let mut repeat = 1;
        'scan: loop {
            let mut next = at;
            let hit = loop {
                at = next;
                next = at + 1 + ((at - found.done) >> 7);
                if next > limit {
                    break 'scan;
                }
                if let Some(hit) = tables.find(buf, at, next, eight(buf, at), Some(repeat)) {
                    break hit;
                }
            };
            let mut hit = Tables::extend(buf, hit);
            if hit.at + hit.len < limit {
                let ends = *tables.long.at(hash7::<15>(eight(buf, hit.at + hit.len)));
                hit = Tables::by_end(buf, found.floor, hit, &[ends.latest, ends.earlier]);
            }
            let (from, len) = found.take(hit.at, hit.dist, hit.len);
            repeat = hit.dist;
            at = from + len;
            if next >= at {
                at = next + 1;
            }
            if at >= limit {
                for inner in (next + 1..end.saturating_sub(8)).step_by(2) {
                    tables.enter(eight(buf, inner), inner);
                }
                break 'scan;
            }
            for inner in (next + 1..at - 1).step_by(2) {
                let bytes = eight(buf, inner);
                tables.enter(bytes, inner);
                tables.enter_long(bytes >> 8, inner + 1);
            }
        }
    }
}
