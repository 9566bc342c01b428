//! How many objects depend on each window and node: through recipes, nodes, members and references.
//!
//! Each object is walked once, and adds one to all that it comes to. What has reached the count that is asked for is
//! not walked any further: the objects that brought it there have been counted below it too. So the work is bounded by
//! the links there are, not by the objects that share them.
//!
//! Memory: so many blobs are counted at a time, in hash order, 13 bytes each. What is outside of that range is walked
//! through.

use std::sync::atomic::{AtomicBool, Ordering};

use deltastore_format::{Entry, EntryKind, Hash, NodePayload};

use crate::index::Index;
use crate::store::error::StoreError;

/// The blobs of a range of hashes that many objects depend on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// In hash order.
    pub blobs: Vec<Hash>,
    /// Where the next range begins; none at the end.
    pub next: Option<Hash>,
    /// A node could not be read: what is below it has more dependents than were counted.
    pub incomplete: bool,
}

/// Counts of a range. Blobs go by the first eight bytes of their hash: two that share them share a count, which harms
/// nothing.
struct Counts {
    keys: Vec<u64>,
    counts: Vec<u8>,
    /// The object that was counted last.
    last: Vec<u32>,
    enough: u8,
}

/// The blobs from `from` on, at most `most` looked at, that at least `enough` objects depend on. Of no use once told to
/// `stop`.
pub fn shared(
    index: &Index,
    payload: &dyn Fn(&Hash) -> Result<NodePayload, StoreError>,
    stop: &AtomicBool,
    from: Hash,
    most: usize,
    enough: u8,
) -> Result<Shared, StoreError> {
    let (mut counts, next) = Counts::of_range(index, from, most, enough)?;
    let mut found = Shared { next, ..Shared::default() };
    for (number, row) in index.all_versions().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Ok(found);
        }
        let object = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let mut open: Vec<Entry> = row?.put.recipe.entries;
        while let Some(Entry { kind, hash, .. }) = open.pop() {
            if !counts.add(&hash, object) {
                continue;
            }
            match kind {
                EntryKind::Window => {
                    let references = index.blob(&hash)?.map(|row| row.references).unwrap_or_default();
                    let window = |hash| Entry { kind: EntryKind::Window, hash, skip: 0, len: 1 };
                    open.extend(references.into_iter().map(window));
                }
                EntryKind::Node | EntryKind::Member => match payload(&hash) {
                    Ok(NodePayload::List(node)) => open.extend(node.entries),
                    Ok(NodePayload::Member(member)) => open.extend(member.program.into_iter().chain(member.view)),
                    Err(error) if error.is_damage() => found.incomplete = true,
                    Err(error) => return Err(error),
                },
            }
        }
    }
    for row in index.all_blobs(from) {
        let (hash, _) = row?;
        if next.is_some_and(|next| hash >= next) {
            break;
        }
        if counts.reached(&hash) {
            found.blobs.push(hash);
        }
    }
    Ok(found)
}

fn key(hash: &Hash) -> u64 {
    hash.0.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

impl Counts {
    fn of_range(index: &Index, from: Hash, most: usize, enough: u8) -> Result<(Self, Option<Hash>), StoreError> {
        let (mut keys, mut next) = (Vec::new(), None);
        for row in index.all_blobs(from) {
            let (hash, _) = row?;
            if keys.len() >= most {
                next = Some(hash);
                break;
            }
            keys.push(key(&hash));
        }
        keys.dedup();
        let (counts, last) = (vec![0; keys.len()], vec![0; keys.len()]);
        Ok((Self { keys, counts, last, enough }, next))
    }

    /// Counts an object; false where nothing below needs to be counted any more.
    fn add(&mut self, hash: &Hash, object: u32) -> bool {
        let Ok(at) = self.keys.binary_search(&key(hash)) else { return true };
        if self.last[at] == object || self.counts[at] >= self.enough {
            return false;
        }
        self.last[at] = object;
        self.counts[at] += 1;
        true
    }

    fn reached(&self, hash: &Hash) -> bool {
        self.keys.binary_search(&key(hash)).is_ok_and(|at| self.counts[at] >= self.enough)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltastore_format::{
        BucketId, Codec, Metadata, Node, PlacedKind, Position, Recipe, Sequence, StorageType, VersionPut,
    };

    use super::*;
    use crate::index::{Batch, BlobRow, MemEngine, VersionRow};

    fn hash(number: u8) -> Hash {
        Hash([number; 32])
    }

    fn entry(kind: EntryKind, number: u8) -> Entry {
        Entry { kind, hash: hash(number), skip: 0, len: 1 }
    }

    /// Windows with their references, and objects with the windows and nodes of their recipes; node 100 holds windows 1
    /// and 2.
    fn index(windows: &[(u8, &[u8])], objects: &[&[u8]]) -> Index {
        let index = Index::open(Arc::new(MemEngine::new())).unwrap();
        let mut batch = Batch::new();
        for (number, references) in windows.iter().chain([&(100, &[][..])]) {
            let row = BlobRow {
                kind: if *number == 100 { PlacedKind::Node } else { PlacedKind::Window },
                position: Position::default(),
                record_len: 10,
                raw_len: 10,
                codec: Codec::Raw,
                depth: 0,
                optimized: true,
                references: references.iter().map(|number| hash(*number)).collect(),
            };
            index.stage_blob(&mut batch, &hash(*number), &row);
        }
        for (number, entries) in objects.iter().enumerate() {
            let kind = |number: u8| if number == 100 { EntryKind::Node } else { EntryKind::Window };
            let entries = entries.iter().map(|number| entry(kind(*number), *number)).collect();
            let put = VersionPut {
                bucket: BucketId(1),
                key: format!("{number}"),
                version: Sequence(number as u64 + 1),
                null_version: true,
                delete_marker: false,
                optimized: false,
                upload: None,
                modified_ms: 0,
                size: 1,
                stored_bytes: 0,
                storage_type: StorageType::Delta,
                etag: String::new(),
                metadata: Metadata::default(),
                checksum: None,
                parts: Vec::new(),
                recipe: Recipe { entries },
            };
            index.stage_row(&mut batch, &VersionRow { put, record: Position::default(), record_len: 1, prior: vec![] });
        }
        index.write(batch).unwrap();
        index
    }

    fn found(index: &Index, most: usize, enough: u8) -> Vec<u8> {
        let node = Node { level: 0, entries: vec![entry(EntryKind::Window, 1), entry(EntryKind::Window, 2)] };
        let payload = |_: &Hash| Ok(NodePayload::List(node.clone()));
        let (mut all, mut from) = (Vec::new(), Some(Hash::default()));
        while let Some(start) = from {
            let found = shared(index, &payload, &AtomicBool::new(false), start, most, enough).unwrap();
            all.extend(found.blobs.iter().map(|hash| hash.0[0]));
            from = found.next;
        }
        all
    }

    #[test]
    fn objects_count_once_and_through_everything_between() {
        // 1 is the base of 2 and 3, 3 that of 4; objects: {2, 2, 3}, {4}, {node}, {5}.
        let windows: &[(u8, &[u8])] = &[(1, &[]), (2, &[1]), (3, &[1]), (4, &[3, 1]), (5, &[])];
        let index = index(windows, &[&[2, 2, 3], &[4], &[100], &[5]]);
        for most in [1, 2, 3, 100] {
            assert_eq!(found(&index, most, 1), [1, 2, 3, 4, 5, 100], "{most} at a time");
            assert_eq!(found(&index, most, 2), [1, 2, 3], "{most} at a time");
            assert_eq!(found(&index, most, 3), [1], "{most} at a time");
            assert!(found(&index, most, 4).is_empty());
        }
    }

    #[test]
    fn what_is_counted_out_hides_nothing_below_it() {
        // Three objects share 2 and with it 1; two more come to 1 past it.
        let windows: &[(u8, &[u8])] = &[(1, &[]), (2, &[1]), (3, &[1])];
        let index = index(windows, &[&[2], &[2], &[2], &[3], &[3]]);
        assert_eq!(found(&index, 100, 2), [1, 2, 3]);
        assert_eq!(found(&index, 100, 3), [1, 2]);
        assert_eq!(found(&index, 100, 5), [1]);
    }
}
