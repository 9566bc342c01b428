//! klauspost's levels 1, 2 and 3 (`level1.go`, `level2.go`, `level3.go`), after Snappy: one position for each hash of
//! five bytes, or two at level 3.

use super::fast::Search;
use super::place::Version;
use super::tables::{Found, MARGIN, REACH, Table, Two, back, common, eight, entry, four, hash5, same4};

/// Level 3 takes matches a bit less far.
const NEAR: usize = REACH - 4;

pub(super) struct Level1(Table<15, u32>);

impl Search for Level1 {
    fn new(_: Version) -> Self {
        Self(Table::new())
    }

    fn search(&mut self, found: &mut Found) {
        let Self(table) = self;
        let (buf, end) = (found.buf, found.buf.len());
        let limit = end.saturating_sub(MARGIN);
        let mut at = found.done;
        'scan: loop {
            let mut bytes = eight(buf, at);
            let mut next;
            let mut dist = loop {
                next = at + 2 + ((at - found.done) >> 5);
                if next > limit {
                    break 'scan;
                }
                let ahead = eight(buf, next);
                let dist = back(at, std::mem::replace(table.at(hash5::<15>(bytes)), entry(at)));
                if same4(buf, bytes, at, dist, REACH) {
                    *table.at(hash5::<15>(ahead)) = entry(next);
                    break dist;
                }
                // The next one is looked at whatever the step.
                (bytes, at, next) = (ahead, next, next + 1);
                let ahead = ahead >> 8;
                let slot = table.at(hash5::<15>(bytes));
                let dist = back(at, std::mem::replace(slot, entry(at)));
                if same4(buf, bytes, at, dist, REACH) {
                    *slot = entry(next);
                    break dist;
                }
                (bytes, at) = (ahead, next);
            };
            loop {
                let len = 4 + common(buf, at + 4, dist, end);
                let (from, len) = found.take(at, dist, len);
                at = from + len;
                if next >= at {
                    at = next + 1;
                }
                if at >= limit {
                    if at + len + 8 < end {
                        *table.at(hash5::<15>(eight(buf, at))) = entry(at);
                    }
                    break 'scan;
                }
                let bytes = eight(buf, at - 2);
                *table.at(hash5::<15>(bytes)) = entry(at - 2);
                let bytes = bytes >> 16;
                dist = back(at, std::mem::replace(table.at(hash5::<15>(bytes)), entry(at)));
                if !same4(buf, bytes, at, dist, REACH + 1) {
                    at += 1;
                    break;
                }
            }
        }
    }
}

pub(super) struct Level2(Table<17, u32>);

impl Search for Level2 {
    fn new(_: Version) -> Self {
        Self(Table::new())
    }

    fn search(&mut self, found: &mut Found) {
        let Self(table) = self;
        let (buf, end) = (found.buf, found.buf.len());
        let limit = end.saturating_sub(MARGIN);
        let mut at = found.done;
        'scan: loop {
            let mut bytes = eight(buf, at);
            let mut next = at;
            let mut dist = loop {
                at = next;
                next = at + 2 + ((at - found.done) >> 5);
                if next > limit {
                    break 'scan;
                }
                let ahead = eight(buf, next);
                let dist = back(at, std::mem::replace(table.at(hash5::<17>(bytes)), entry(at)));
                if same4(buf, bytes, at, dist, REACH) {
                    *table.at(hash5::<17>(ahead)) = entry(next);
                    break dist;
                }
                (bytes, at, next) = (ahead, next, next + 1);
                let dist = back(at, std::mem::replace(table.at(hash5::<17>(bytes)), entry(at)));
                if same4(buf, bytes, at, dist, REACH) {
                    break dist;
                }
                bytes = ahead >> 8;
            };
            loop {
                let len = 4 + common(buf, at + 4, dist, end);
                let (from, len) = found.take(at, dist, len);
                at = from + len;
                if next >= at {
                    at = next + 1;
                }
                if at >= limit {
                    if at + len + 8 < end {
                        *table.at(hash5::<17>(eight(buf, at))) = entry(at);
                    }
                    break 'scan;
                }
                for inner in (at - len + 2..at - 5).step_by(7) {
                    let bytes = eight(buf, inner);
                    for n in [0, 2, 4] {
                        *table.at(hash5::<17>(bytes >> (8 * n))) = entry(inner + n);
                    }
                }
                let bytes = eight(buf, at - 2);
                *table.at(hash5::<17>(bytes)) = entry(at - 2);
                *table.at(hash5::<17>(bytes >> 8)) = entry(at - 1);
                let bytes = bytes >> 16;
                dist = back(at, std::mem::replace(table.at(hash5::<17>(bytes)), entry(at)));
                if !same4(buf, bytes, at, dist, REACH + 1) {
                    at += 1;
                    break;
                }
            }
        }
    }
}

pub(super) struct Level3(Table<16, Two>);

impl Level3 {
    /// Puts `at` in; returns what was there.
    #[inline(always)]
    fn enter(&mut self, bytes: u64, at: usize) -> Two {
        let slot = self.0.at(hash5::<16>(bytes));
        let before = *slot;
        slot.push(entry(at));
        before
    }
}

impl Search for Level3 {
    fn new(_: Version) -> Self {
        Self(Table::new())
    }

    fn search(&mut self, found: &mut Found) {
        let (buf, end) = (found.buf, found.buf.len());
        let limit = end.saturating_sub(MARGIN);
        let mut at = found.done;
        'scan: loop {
            let mut bytes = eight(buf, at);
            let mut next = at;
            let mut dist = loop {
                at = next;
                next = at + 1 + ((at - found.done) >> 7);
                if next > limit {
                    break 'scan;
                }
                let before = self.enter(bytes, at);
                let (latest, earlier) = (back(at, before.latest), back(at, before.earlier));
                if latest <= NEAR {
                    let here = bytes as u32;
                    if four(buf, at.wrapping_sub(latest)) == here {
                        let other = same4(buf, bytes, at, earlier, NEAR + 1)
                            && common(buf, at + 4, earlier, end) > common(buf, at + 4, latest, end);
                        break if other { earlier } else { latest };
                    }
                    if same4(buf, bytes, at, earlier, NEAR) {
                        break earlier;
                    }
                }
                bytes = eight(buf, next);
            };
            loop {
                let len = 4 + common(buf, at + 4, dist, end);
                let (from, len) = found.take(at, dist, len);
                at = from + len;
                if next >= at {
                    at = next + 1;
                }
                if at >= limit {
                    // Where the match's copy ends, not the match.
                    let there = from - dist + len;
                    if there + 8 < end && there > found.floor {
                        self.enter(eight(buf, there), there);
                    }
                    break 'scan;
                }
                for inner in (at - len + 2..at - 5).step_by(6) {
                    self.enter(eight(buf, inner), inner);
                }
                let bytes = eight(buf, at - 2);
                self.enter(bytes, at - 2);
                self.enter(bytes >> 8, at - 1);
                let bytes = bytes >> 16;
                let before = self.enter(bytes, at);
                let (latest, earlier) = (back(at, before.latest), back(at, before.earlier));
                if same4(buf, bytes, at, latest, NEAR) {
                    dist = latest;
                } else if latest < NEAR && same4(buf, bytes, at, earlier, NEAR) {
                    dist = earlier;
                } else {
                    at += 1;
                    break;
                }
            }
        }
    }
}
