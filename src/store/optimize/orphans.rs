//! Orphaned bases: optimized windows that no object uses any more, kept only because others are encoded against them.
//!
//! Where old versions are deleted and new ones come, they add up. A *group* is orphaned bases and the windows that
//! are to be rewritten to get rid of them, their dependents: each window is in one group, and groups do not depend on
//! each other.
//!
//! Memory: bounded by the constants here, whatever the size of the store; what is beyond them is found by a later run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use deltastore_format::{Hash, Position};

use crate::index::{BlobRow, Index, IndexError};

/// References counted in one pass over the index, some 100 bytes each.
const COUNTED: usize = 256 << 10;
/// Orphans windows found in one run, and windows that are encoded against them.
const MAX_ORPHANS: usize = 256 << 10;
/// Rows looked up at a time.
const ROWS: usize = 512;
/// A group is worth rewriting if orphaned windows make at least one part in this many of its bytes. A base that is held
/// by few then gives way to one of them, which saves what that one takes now; one that is held by many is still worth
/// its room.
const MIN_GAIN_SHARE: u64 = 4;

/// What a search found.
#[derive(Debug, Default)]
pub struct Orphans {
    /// Orphans windows and the bytes of their records, those also those of groups that gain too little: no window
    /// that is rewritten is to hold on to one.
    pub windows: BTreeMap<Hash, u64>,
    pub groups: Vec<Group>,
}

/// Orphans windows that go together, and what holds them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Record bytes of the orphaned windows.
    pub orphaned_bytes: u64,
    /// Record bytes of the windows that hold them.
    pub dependent_bytes: u64,
    /// What holds them, in the order in which it is to be rewritten: the shallowest first, since a window may only be
    /// encoded against shallower ones; of those the newest, which will be there longest and is read most.
    pub dependents: Vec<Hash>,
}

struct Dependent {
    hash: Hash,
    depth: u8,
    position: Position,
    bytes: u64,
    group: usize,
}

/// Looks for orphaned windows and for the groups that gain enough, those that gain most first; what it finds
/// is of no use once it is told to `stop`.
pub fn search(index: &Index, stop: &AtomicBool) -> Result<Orphans, IndexError> {
    let windows = orphans(index, stop, COUNTED)?;
    let mut groups: HashMap<usize, (Group, Vec<Dependent>)> = HashMap::new();
    let mut sets = Sets::of(&windows);
    let dependents = if windows.is_empty() { Vec::new() } else { dependents(index, stop, &windows, &mut sets)? };
    for dependent in dependents {
        let (group, members) = groups.entry(sets.find(dependent.group)).or_default();
        group.dependent_bytes += dependent.bytes;
        members.push(dependent);
    }
    for (number, bytes) in windows.values().enumerate() {
        if let Some((group, _)) = groups.get_mut(&sets.find(number)) {
            group.orphaned_bytes += bytes;
        }
    }
    let mut groups: Vec<Group> = groups.into_values().map(|(group, dependents)| in_order(group, dependents)).collect();
    groups.retain(|group| group.orphaned_bytes * MIN_GAIN_SHARE >= group.orphaned_bytes + group.dependent_bytes);
    groups.sort_unstable_by(|a, b| (b.orphaned_bytes, &a.dependents).cmp(&(a.orphaned_bytes, &b.dependents)));
    Ok(Orphans { windows, groups })
}

fn in_order(group: Group, mut dependents: Vec<Dependent>) -> Group {
    dependents.sort_unstable_by_key(|dependent| (dependent.depth, Reverse(dependent.position)));
    Group { dependents: dependents.into_iter().map(|dependent| dependent.hash).collect(), ..group }
}

/// Optimized windows whose every link is that of an optimized window which is encoded against them; at most so many
/// `counted` at a time.
fn orphans(index: &Index, stop: &AtomicBool, counted: usize) -> Result<BTreeMap<Hash, u64>, IndexError> {
    let mut found = BTreeMap::new();
    let mut from = Some(Hash::default());
    while let Some(start) = from {
        let (uses, next) = uses(index, stop, start, counted)?;
        let uses: Vec<(Hash, i64)> = uses.into_iter().collect();
        for some in uses.chunks(ROWS) {
            let hashes: Vec<Hash> = some.iter().map(|(hash, _)| *hash).collect();
            let rows = index.blobs(&hashes)?.into_iter().zip(index.links_of(&hashes)?);
            for ((hash, uses), (row, links)) in some.iter().zip(rows) {
                if links == *uses
                    && let Some(row) = row.filter(|row| row.optimized)
                {
                    found.insert(*hash, row.record_len);
                }
            }
        }
        from = next.filter(|_| found.len() < MAX_ORPHANS);
    }
    Ok(found)
}

/// How many references of optimized windows name each window, from one hash on, and where the next pass begins.
fn uses(
    index: &Index,
    stop: &AtomicBool,
    from: Hash,
    most: usize,
) -> Result<(BTreeMap<Hash, i64>, Option<Hash>), IndexError> {
    let mut uses: BTreeMap<Hash, i64> = BTreeMap::new();
    let mut end: Option<Hash> = None;
    for row in rows(index, stop) {
        let (_, row) = row?;
        let counted = |hash: &&Hash| **hash >= from && end.is_none_or(|end| **hash < end);
        for reference in of_optimized(&row).iter().filter(counted) {
            *uses.entry(*reference).or_default() += 1;
        }
        if uses.len() > most {
            end = uses.keys().nth(most / 2 + 1).copied();
            end.into_iter().for_each(|end| drop(uses.split_off(&end)));
        }
    }
    Ok((uses, end))
}

/// All windows and nodes. Where there are many, the server is not to wait for it when it ends.
fn rows<'a>(
    index: &'a Index,
    stop: &'a AtomicBool,
) -> impl Iterator<Item = Result<(Hash, BlobRow), IndexError>> + use<'a> {
    index.all_blobs(Hash::default()).take_while(|_| !stop.load(Ordering::Relaxed))
}

/// What an optimized window is encoded against; nothing for others.
fn of_optimized(row: &BlobRow) -> &[Hash] {
    if row.optimized { &row.references } else { &[] }
}

/// Optimized windows that are encoded against orphaned ones and are not orphaned themselves; what is connected is put
/// into one set.
fn dependents(
    index: &Index,
    stop: &AtomicBool,
    orphaned: &BTreeMap<Hash, u64>,
    sets: &mut Sets,
) -> Result<Vec<Dependent>, IndexError> {
    let numbers: HashMap<Hash, usize> = orphaned.keys().enumerate().map(|(number, hash)| (*hash, number)).collect();
    let mut found = Vec::new();
    for row in rows(index, stop) {
        let (hash, row) = row?;
        let mut held = of_optimized(&row).iter().filter_map(|reference| numbers.get(reference).copied());
        let Some(first) = held.next() else { continue };
        held.for_each(|other| sets.join(first, other));
        match numbers.get(&hash) {
            Some(own) => sets.join(first, *own),
            None if found.len() < MAX_ORPHANS && index.links(&hash)? > 0 => {
                let (depth, position, bytes) = (row.depth, row.position, row.record_len);
                found.push(Dependent { hash, depth, position, bytes, group: first });
            }
            // Garbage, which the collector takes, or for another run.
            None => {}
        }
    }
    Ok(found)
}

/// Disjoint sets of numbers: each leads to its set's smallest.
struct Sets(Vec<usize>);

impl Sets {
    fn of(windows: &BTreeMap<Hash, u64>) -> Self {
        Self((0..windows.len()).collect())
    }

    fn find(&mut self, mut number: usize) -> usize {
        while self.0[number] != number {
            self.0[number] = self.0[self.0[number]];
            number = self.0[number];
        }
        number
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        self.0[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltastore_format::{Codec, PlacedKind, SegmentId};

    use super::*;
    use crate::index::{Batch, MemEngine};

    fn hash(number: u8) -> Hash {
        Hash([number; 32])
    }

    /// An index of windows: number, depth, bytes, references, and links by objects.
    fn index(windows: &[(u8, u8, u64, &[u8], i64)], optimized: bool) -> Index {
        let index = Index::open(Arc::new(MemEngine::new())).unwrap();
        let mut batch = Batch::new();
        for &(number, depth, record_len, references, used) in windows {
            let references: Vec<Hash> = references.iter().map(|number| hash(*number)).collect();
            references.iter().for_each(|reference| index.stage_links(&mut batch, reference, 1));
            index.stage_links(&mut batch, &hash(number), used);
            let position = Position { segment: SegmentId(1), offset: u64::from(number) };
            let (kind, codec) = (PlacedKind::Window, Codec::Raw);
            let row = BlobRow { kind, position, record_len, raw_len: 10, codec, depth, optimized, references };
            index.stage_blob(&mut batch, &hash(number), &row);
        }
        index.write(batch).unwrap();
        index
    }

    fn found(windows: &[(u8, u8, u64, &[u8], i64)]) -> Orphans {
        search(&index(windows, true), &AtomicBool::new(false)).unwrap()
    }

    fn names(hashes: &[Hash]) -> Vec<u8> {
        hashes.iter().map(|hash| hash.0[0]).collect()
    }

    #[test]
    fn what_only_deltas_need_is_retired_and_its_holders_come_shallowest_and_newest_first() {
        // 1 is the base of 2, which is that of 3; objects use 3, 4, 5 and 6.
        let windows: &[(u8, u8, u64, &[u8], i64)] = &[
            (1, 0, 100, &[], 0),
            (2, 1, 10, &[1], 0),
            (3, 2, 10, &[2], 1),
            (4, 1, 10, &[1], 1),
            (5, 1, 10, &[1], 2),
            (6, 0, 90, &[], 1),
        ];
        let found = found(windows);
        assert_eq!(found.windows.into_iter().collect::<Vec<_>>(), [(hash(1), 100), (hash(2), 10)]);
        let [group] = &found.groups[..] else { panic!("one group") };
        assert_eq!((group.orphaned_bytes, group.dependent_bytes, names(&group.dependents)), (110, 30, vec![5, 4, 3]));
    }

    #[test]
    fn what_an_object_or_a_window_that_is_not_cold_uses_stays() {
        let windows: &[(u8, u8, u64, &[u8], i64)] = &[(1, 0, 100, &[], 1), (2, 1, 10, &[1], 1)];
        assert!(found(windows).windows.is_empty());
        let windows: &[(u8, u8, u64, &[u8], i64)] = &[(1, 0, 100, &[], 0), (2, 1, 10, &[1], 1)];
        assert_eq!(found(windows).groups.len(), 1);
        assert!(search(&index(windows, false), &AtomicBool::new(false)).unwrap().windows.is_empty());
    }

    #[test]
    fn few_counters_need_more_passes() {
        let bases = (1..30).map(|number| (number, 0, 100, &[][..], 0));
        let references: Vec<[u8; 2]> = (1..30).map(|number| [number, number % 29 + 1]).collect();
        let dependents = references.iter().enumerate().map(|(number, two)| (100 + number as u8, 1, 10, &two[..], 1));
        let index = index(&bases.chain(dependents).collect::<Vec<_>>(), true);
        for counted in [1, 2, 5, 28, 29, 1000] {
            assert_eq!(orphans(&index, &AtomicBool::new(false), counted).unwrap().len(), 29, "{counted} at a time");
        }
    }

    #[test]
    fn families_are_apart_and_the_one_that_gives_most_comes_first() {
        let windows: &[(u8, u8, u64, &[u8], i64)] = &[
            (1, 0, 50, &[], 0),
            (2, 1, 10, &[1], 1),
            (3, 0, 100, &[], 0),
            (4, 0, 100, &[], 0),
            (5, 1, 10, &[3, 4], 1),
            // One in five only, and garbage that holds another.
            (6, 0, 20, &[], 0),
            (7, 1, 80, &[6], 1),
            (8, 0, 20, &[], 0),
            (9, 1, 1, &[8], 0),
        ];
        let found = found(windows);
        assert_eq!(found.windows.len(), 5);
        let groups: Vec<_> =
            found.groups.iter().map(|group| (group.orphaned_bytes, names(&group.dependents))).collect();
        assert_eq!(groups, [(200, vec![5]), (50, vec![2])]);
    }
}
