//! Which record of a blob counts where segments hold several that need different references.
//!
//! Two uploads may encode the same window at the same time, and a collected window may be stored anew. While the store
//! ran, the index pointed at one of the records, and only its references were kept from collection: those of the others
//! may be gone. A rebuild cannot tell which one it was; any that can be decoded is as good, but for one thing: what
//! optimized windows refer to must be optimized, so an optimized record goes before one that is not.

use std::collections::HashMap;

use deltastore_format::Hash;

use crate::index::{BlobRow, Index, IndexError};

/// Records that a later one of the same blob took the row from, where their references differ or only one is optimized.
#[derive(Default)]
pub struct Copies(HashMap<Hash, Vec<BlobRow>>);

impl Copies {
    /// Notes that `new` takes the place of `old`.
    pub fn replaced(&mut self, hash: Hash, old: BlobRow, new: &BlobRow) {
        if old.references != new.references || old.optimized != new.optimized || self.0.contains_key(&hash) {
            self.0.entry(hash).or_default().push(old);
        }
    }

    /// The rows to change: a record whose references can all be decoded, in place of one of which that is not so; and a
    /// optimized one, with nothing but optimized ones behind it, in place of one that is not optimized.
    pub fn better(&self, index: &Index, prefer_optimized: bool) -> Result<Vec<(Hash, BlobRow)>, IndexError> {
        let candidates = self.with_everything_needed(index)?;
        let mut chosen = HashMap::new();
        if prefer_optimized {
            choose(&candidates, &mut chosen, |row| row.optimized);
        }
        choose(&candidates, &mut chosen, |_| true);
        let other = chosen.into_iter().filter(|(_, number)| *number > 0);
        Ok(other.map(|(hash, number)| (hash, candidates[&hash][number].clone())).collect())
    }

    /// The records of every blob in question and of all they refer to, the one the index knows first.
    fn with_everything_needed(&self, index: &Index) -> Result<HashMap<Hash, Vec<BlobRow>>, IndexError> {
        let mut candidates: HashMap<Hash, Vec<BlobRow>> = HashMap::new();
        let mut open: Vec<Hash> = self.0.keys().copied().collect();
        while let Some(hash) = open.pop() {
            if candidates.contains_key(&hash) {
                continue;
            }
            let mut rows: Vec<BlobRow> = index.blob(&hash)?.into_iter().collect();
            rows.extend(self.0.get(&hash).into_iter().flatten().rev().cloned());
            open.extend(rows.iter().flat_map(|row| row.references.iter().copied()));
            candidates.insert(hash, rows);
        }
        Ok(candidates)
    }
}

/// Chooses a record of each blob that has a wanted one which needs only what is chosen.
fn choose(candidates: &HashMap<Hash, Vec<BlobRow>>, chosen: &mut HashMap<Hash, usize>, wanted: fn(&BlobRow) -> bool) {
    // Each round finds what needs only the rounds before, so that no choice leads back to itself.
    loop {
        let mut found = Vec::new();
        for (hash, rows) in candidates.iter().filter(|(hash, _)| !chosen.contains_key(*hash)) {
            let usable = |row: &BlobRow| wanted(row) && row.references.iter().all(|other| chosen.contains_key(other));
            found.extend(rows.iter().position(usable).map(|number| (*hash, number)));
        }
        if found.is_empty() {
            return;
        }
        chosen.extend(found);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltastore_format::{Codec, PlacedKind, Position, SegmentId};

    use super::*;
    use crate::index::{Batch, MemEngine};

    fn hash(number: u8) -> Hash {
        Hash([number; 32])
    }

    fn row(offset: u64, references: &[u8]) -> BlobRow {
        BlobRow {
            kind: PlacedKind::Window,
            position: Position { segment: SegmentId(1), offset },
            record_len: 100,
            optimized: false,
            raw_len: 10,
            codec: Codec::Raw,
            depth: 0,
            references: references.iter().map(|number| hash(*number)).collect(),
        }
    }

    #[test]
    fn a_record_without_its_references_gives_way_to_one_that_decodes() {
        let index = Index::open(Arc::new(MemEngine::new())).unwrap();
        let mut batch = Batch::new();
        // 1 needs 2, 2 needs 1 in its last record and nothing in its first; 3 needs 9, which is gone.
        for (number, row) in [(1, row(8, &[2])), (2, row(16, &[1])), (3, row(24, &[9]))] {
            index.stage_blob(&mut batch, &hash(number), &row);
        }
        index.write(batch).unwrap();
        let mut copies = Copies::default();
        copies.replaced(hash(1), row(0, &[2]), &row(8, &[2]));
        assert!(copies.better(&index, true).unwrap().is_empty());
        copies.replaced(hash(2), row(0, &[]), &row(16, &[1]));
        copies.replaced(hash(3), row(0, &[1]), &row(24, &[9]));
        let mut better = copies.better(&index, true).unwrap();
        better.sort_by_key(|(hash, _)| *hash);
        assert_eq!(better, [(hash(2), row(0, &[])), (hash(3), row(0, &[1]))]);
    }

    #[test]
    fn an_optimized_record_goes_before_one_that_is_not_and_needs_only_cold_ones() {
        let index = Index::open(Arc::new(MemEngine::new())).unwrap();
        let optimized = |offset, references: &[u8]| BlobRow { optimized: true, ..row(offset, references) };
        let mut batch = Batch::new();
        // 1 was stored anew as optimized, against 2, and then once more by an upload; so was 3, against 4, which is not
        // optimized.
        for (number, row) in [(1, row(8, &[])), (2, optimized(16, &[])), (3, row(24, &[])), (4, row(32, &[]))] {
            index.stage_blob(&mut batch, &hash(number), &row);
        }
        index.write(batch).unwrap();
        let mut copies = Copies::default();
        copies.replaced(hash(1), optimized(0, &[2]), &row(8, &[]));
        copies.replaced(hash(3), optimized(4, &[4]), &row(24, &[]));
        copies.replaced(hash(2), row(2, &[]), &optimized(16, &[]));
        assert_eq!(copies.better(&index, true).unwrap(), [(hash(1), optimized(0, &[2]))]);
    }
}
