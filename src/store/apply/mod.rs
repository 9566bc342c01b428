//! Applying commits to the index: the same code for the running log and for recovery.
//!
//! Invariants
//! - Everything one [`Applier`] does becomes visible in one batch, with the log position it covers.
//! - Parity is of the form that a blob's row names: it goes when the row takes another form.
//! - A blob that the index knows already is not placed again, but every use of it is counted. Only an optimized window
//!   takes the place of one that is not optimized, by a rotation that of an optimized one, and what heals that of a
//!   damaged one: the links of its references with it.
//! - Link counts are exact: each recipe entry of a version or part, each child of a placed node and each
//!   reference of a placed window counts once.

mod ops;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deltastore_format::{Commit, Hash, PlacedKind, Placement, Position, Sequence};

use super::blob::AppendedBlob;
use super::bugs::{Bug, Bugs};
use crate::index::{Batch, BlobRow, Index, IndexError, ParityRow, SketchEntry};
use crate::invariants::invariant;

/// Collects the index changes of consecutive commits.
pub struct Applier<'a> {
    index: &'a Index,
    batch: Batch,
    /// What `batch` places.
    placed: HashMap<Hash, BlobRow>,
    /// What has lost its parity in `batch`.
    bare: HashSet<Hash>,
    bugs: Bugs,
}

impl<'a> Applier<'a> {
    pub fn new(index: &'a Index, bugs: Bugs) -> Self {
        Self { index, batch: Batch::new(), placed: HashMap::new(), bare: HashSet::new(), bugs }
    }

    /// True when the index, with what was collected, knows the blob.
    pub fn knows(&self, placed: &Placement) -> Result<bool, IndexError> {
        Ok(self.placed.contains_key(&placed.hash) || self.index.blob(&placed.hash)?.is_some())
    }

    /// Adds a commit whose record lies at `position`.
    pub fn commit(
        &mut self,
        commit: &Commit,
        position: Position,
        record_len: u64,
        placings: &[Arc<AppendedBlob>],
    ) -> Result<(), IndexError> {
        for placing in placings {
            if !self.knows(&placing.placed())? {
                self.place(placing)?;
            } else if commit.healing && placing.row.references.is_empty() {
                self.heal(placing)?;
            } else if placing.row.optimized {
                self.replace(placing)?;
            }
        }
        let share = record_len / commit.ops.len().max(1) as u64;
        commit.ops.iter().try_for_each(|op| self.op(op, position, share, commit.relocated))
    }

    /// Points the index at a copy of a blob, which the log thread found alive at `from`.
    pub fn move_blob(&mut self, hash: &Hash, from: Position, row: &BlobRow) {
        self.index.stage_blob(&mut self.batch, hash, row);
        self.index.stage_live(&mut self.batch, row.position.segment, signed(row.record_len));
        self.index.stage_live(&mut self.batch, from.segment, -signed(row.record_len));
    }

    /// Points the index at other parity of a blob, or at none. At most once a blob in one batch.
    pub fn set_parity(&mut self, hash: &Hash, row: Option<&ParityRow>) -> Result<(), IndexError> {
        self.bare(hash)?;
        if let Some(row) = row {
            self.index.stage_parity(&mut self.batch, hash, row);
            self.live(row.position, signed(row.record_len));
        }
        Ok(())
    }

    /// Points the index at another form of an optimized window, which the log thread found fitting.
    pub fn rotate(&mut self, placing: &AppendedBlob) -> Result<(), IndexError> {
        match self.index.blob(&placing.hash)? {
            Some(old) => self.supersede(&old, placing),
            None => Ok(()),
        }
    }

    /// Writes everything collected; the index then covers the log up to `applied`.
    pub fn finish(mut self, applied: Position, next_sequence: u64) -> Result<(), IndexError> {
        let applied = match applied {
            Position { segment, offset } if self.bugs.has(Bug::AppliedTooFar) => {
                Position { segment, offset: offset + 512 }
            }
            Position { segment, offset } if self.bugs.has(Bug::AppliedTooShort) => {
                Position { segment, offset: offset.saturating_sub(512).max(64) }
            }
            exact => exact,
        };
        self.check_progress(applied, next_sequence)?;
        self.index.stage_applied(&mut self.batch, applied);
        self.index.stage_next_sequence(&mut self.batch, Sequence(next_sequence));
        self.index.write(self.batch)
    }

    /// What the index covers only grows.
    fn check_progress(&self, applied: Position, next_sequence: u64) -> Result<(), IndexError> {
        if cfg!(feature = "invariants") {
            let (before, next) = (self.index.applied()?, self.index.next_sequence()?.0);
            invariant!(Some(applied) >= before, "the index was applied up to {before:?} and now up to {applied}");
            invariant!(next_sequence >= next, "the next sequence was {next} and now is {next_sequence}");
        }
        Ok(())
    }

    /// An optimized window needs only optimized ones of less depth: no chain of references leads back to itself.
    fn check_references(&self, row: &BlobRow) -> Result<(), IndexError> {
        if cfg!(feature = "invariants") && row.optimized {
            for reference in &row.references {
                let Some(needed) = self.known(reference)? else { continue };
                let falls = needed.optimized && needed.depth < row.depth;
                invariant!(falls, "an optimized window of depth {} needs {needed:?}", row.depth);
            }
        }
        Ok(())
    }

    fn place(&mut self, placing: &AppendedBlob) -> Result<(), IndexError> {
        self.check_references(&placing.row)?;
        self.placed.insert(placing.hash, placing.row.clone());
        self.index.stage_blob(&mut self.batch, &placing.hash, &placing.row);
        self.index.stage_live(&mut self.batch, placing.row.position.segment, signed(placing.row.record_len));
        let forget = match placing.row.kind {
            PlacedKind::Window => Bug::ForgetReferenceLinks,
            PlacedKind::Node => Bug::ForgetNodeLinks,
        };
        if !self.bugs.has(forget) {
            for link in &placing.links {
                self.index.stage_links(&mut self.batch, link, 1);
            }
        }
        let entry = SketchEntry {
            hash: placing.hash,
            space: placing.space.deltaspace,
            bucket: placing.space.bucket,
            depth: placing.row.depth,
            raw_len: placing.row.raw_len,
        };
        self.index.stage_window_sketch(&mut self.batch, &placing.features, entry, placing.row.optimized)
    }

    /// Points the index at the optimized form of a window that it knows in another.
    fn replace(&mut self, placing: &AppendedBlob) -> Result<(), IndexError> {
        match self.known(&placing.hash)?.filter(|old| !old.optimized) {
            Some(old) => self.supersede(&old, placing),
            None => Ok(()),
        }
    }

    /// Points the index at another record of a blob whose record is damaged. One that is not optimized never takes the
    /// place of an optimized one.
    fn heal(&mut self, placing: &AppendedBlob) -> Result<(), IndexError> {
        let known = self.known(&placing.hash)?;
        let Some(old) =
            known.filter(|old| old.position != placing.row.position && (placing.row.optimized || !old.optimized))
        else {
            return Ok(());
        };
        match old.kind {
            PlacedKind::Window => self.supersede(&old, placing),
            // The same payload names the same children: their links stay.
            PlacedKind::Node => {
                // Its parity may lie where the new record lies.
                self.bare(&placing.hash)?;
                self.live(old.position, -signed(old.record_len));
                self.live(placing.row.position, signed(placing.row.record_len));
                self.placed.insert(placing.hash, placing.row.clone());
                self.index.stage_blob(&mut self.batch, &placing.hash, &placing.row);
                Ok(())
            }
        }
    }

    /// A blob's row, as this batch leaves it.
    fn known(&self, hash: &Hash) -> Result<Option<BlobRow>, IndexError> {
        match self.placed.get(hash) {
            Some(row) => Ok(Some(row.clone())),
            None => self.index.blob(hash),
        }
    }

    fn supersede(&mut self, old: &BlobRow, placing: &AppendedBlob) -> Result<(), IndexError> {
        // It was for the old form; the next pass makes that of the new one.
        if !self.bugs.has(Bug::ReplacedWindowKeepsParity) {
            self.bare(&placing.hash)?;
        }
        self.live(old.position, -signed(old.record_len));
        if !self.bugs.has(Bug::ReplacedWindowKeepsLinks) {
            for reference in &old.references {
                self.index.stage_links(&mut self.batch, reference, -1);
            }
        }
        self.place(placing)
    }

    /// Takes the parity away that the index has of a blob.
    fn bare(&mut self, hash: &Hash) -> Result<(), IndexError> {
        let old = self.index.parity(hash)?;
        if let Some(old) = old.filter(|_| self.bare.insert(*hash)) {
            self.index.stage_remove_parity(&mut self.batch, hash);
            self.live(old.position, -signed(old.record_len));
        }
        Ok(())
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use deltastore_format::{Codec, SegmentId};

    use super::*;
    use crate::index::MemEngine;
    use crate::store::blob::Space;

    fn hash(number: u8) -> Hash {
        Hash([number; 32])
    }

    fn placing(number: u8, offset: u64, optimized: bool, references: &[u8]) -> Arc<AppendedBlob> {
        let links: Vec<_> = references.iter().map(|number| hash(*number)).collect();
        let row = BlobRow {
            kind: PlacedKind::Window,
            position: Position { segment: SegmentId(1), offset },
            record_len: 100,
            raw_len: 10,
            codec: Codec::Raw,
            depth: 0,
            optimized,
            references: links.clone(),
        };
        Arc::new(AppendedBlob {
            hash: hash(number),
            row,
            links,
            features: Vec::new(),
            space: Space::default(),
            heals: false,
        })
    }

    /// Applies commits that place these, in one batch or in one each.
    fn applied(placings: &[Arc<AppendedBlob>], one_batch: bool) -> Index {
        let index = Index::open(Arc::new(MemEngine::new())).expect("a new index");
        let commit = Commit {
            time_ms: 0,
            durable_upto: Position::default(),
            relocated: false,
            healing: false,
            placed: Vec::new(),
            ops: Vec::new(),
        };
        for batch in placings.chunks(if one_batch { placings.len().max(1) } else { 1 }) {
            let mut applier = Applier::new(&index, Bugs::default());
            for placing in batch {
                let placings = std::slice::from_ref(placing);
                applier.commit(&commit, Position::default(), 64, placings).expect("memory takes it");
            }
            applier.finish(Position::default(), 1).expect("memory takes it");
        }
        index
    }

    #[test]
    fn an_optimized_form_takes_the_place_of_another_in_the_same_batch_too() {
        let hot = placing(1, 64, false, &[8]);
        let optimized = placing(1, 264, true, &[9, 9]);
        for one_batch in [false, true] {
            for order in [[&hot, &optimized], [&optimized, &hot]] {
                let index = applied(&order.map(Arc::clone), one_batch);
                let row = index.blob(&hash(1)).expect("memory reads").expect("placed");
                assert_eq!(row, optimized.row, "in one batch: {one_batch}");
                let links = |number| index.links(&hash(number)).expect("memory reads");
                assert_eq!((links(8), links(9)), (0, 2));
                assert_eq!(index.live(SegmentId(1)).expect("memory reads"), 100);
            }
        }
    }

    #[cfg(feature = "invariants")]
    mod invariants {
        use deltastore_format::{Change, DocumentPut, Durable, Listed, Op};

        use super::*;

        fn document() -> DocumentPut {
            let (scope, name) = ("scope".to_owned(), "name".to_owned());
            DocumentPut { scope, name, document: Sequence(4), modified_ms: 0, bytes: Vec::new() }
        }

        /// Applies commits of these operations at rising positions.
        fn apply(ops: Vec<Op>) {
            let index = applied(&[], true);
            for (number, op) in ops.into_iter().enumerate() {
                let position = Position { segment: SegmentId(1 + number as u64), offset: 64 };
                let mut applier = Applier::new(&index, Bugs::default());
                applier.op(&op, position, 100, false).expect("memory takes it");
                applier.finish(position, 9).expect("memory takes it");
            }
        }

        #[test]
        fn documents_are_put_and_removed() {
            apply(vec![
                Op::put(document(), Vec::new()),
                Op::put(document(), vec![SegmentId(1)]),
                Op::remove::<DocumentPut>(document().id(), vec![SegmentId(1), SegmentId(2)]),
                Op::put(document(), Vec::new()),
            ]);
        }

        #[test]
        #[should_panic(expected = "invariant: DocumentId")]
        fn a_first_put_of_what_is_there() {
            apply(vec![Op::put(document(), Vec::new()), Op::put(document(), Vec::new())]);
        }

        #[test]
        #[should_panic(expected = "invariant: the removal of DocumentId")]
        fn a_removal_that_does_not_name_its_put() {
            let removal = Change::Remove { id: document().id(), segments: vec![SegmentId(9)] };
            apply(vec![Op::put(document(), Vec::new()), DocumentPut::op(removal)]);
        }

        #[test]
        #[should_panic(expected = "invariant: an optimized window of depth 0 needs")]
        fn an_optimized_window_that_needs_one_as_deep() {
            applied(&[placing(1, 64, true, &[]), placing(2, 264, true, &[1])], false);
        }

        #[test]
        #[should_panic(expected = "invariant: an optimized window of depth 0 needs")]
        fn an_optimized_window_that_needs_one_that_is_not_cold() {
            applied(&[placing(1, 64, false, &[]), placing(2, 264, true, &[1])], true);
        }

        /// Finishes batches that cover so much of a segment and leave such a next sequence.
        fn finish(batches: [(u64, u64); 2]) {
            let index = applied(&[], true);
            for (offset, next) in batches {
                let applied = Position { segment: SegmentId(1), offset };
                Applier::new(&index, Bugs::default()).finish(applied, next).expect("memory takes it");
            }
        }

        #[test]
        #[should_panic(expected = "invariant: the index was applied up to")]
        fn a_batch_behind_the_one_before() {
            finish([(128, 5), (64, 5)]);
        }

        #[test]
        #[should_panic(expected = "invariant: the next sequence was 5 and now is 4")]
        fn a_sequence_that_falls() {
            finish([(64, 5), (64, 4)]);
        }
    }
}
