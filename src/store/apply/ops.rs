//! The operations of a commit: the rows they put and remove, and how those count links and live bytes.

use deltastore_format::{Change, Kind, Listed, Op, Position, Recipe, SegmentId};

use super::{Applier, signed};
use crate::index::{IndexError, Row, Table, Visit, visit};
use crate::invariants::invariant;
use crate::store::bugs::Bug;

/// One operation on its way into the index.
struct Apply<'a, 'i> {
    applier: &'a mut Applier<'i>,
    record: Position,
    /// Its share of the record's bytes.
    share: u64,
}

impl Applier<'_> {
    /// Applies an operation of a record; `share` is its part of the record's bytes.
    pub(super) fn op(&mut self, op: &Op, record: Position, share: u64, relocated: bool) -> Result<(), IndexError> {
        visit(op.clone(), Apply { applier: self, record, share })?;
        // A copied removal is counted as alive so that it is copied no further until much else around it is dead.
        if relocated && op.is_removal() {
            self.live(record, signed(share));
        }
        Ok(())
    }

    /// Counts what a recipe links to, once more or once less.
    fn link(&mut self, recipe: Option<&Recipe>, delta: i64) {
        for entry in recipe.into_iter().flat_map(|recipe| &recipe.entries) {
            self.index.stage_links(&mut self.batch, &entry.hash, delta);
        }
    }

    pub(super) fn live(&mut self, record: Position, delta: i64) {
        self.index.stage_live(&mut self.batch, record.segment, delta);
    }
}

impl Visit for Apply<'_, '_> {
    type Output = Result<(), IndexError>;

    fn change<P: Table>(self, change: Change<P>) -> Self::Output {
        match change {
            Change::Put { put, prior } => {
                let Self { applier, record, share } = self;
                // Only what was put before has a prior: a first put needs no look.
                let old = if prior.is_empty() {
                    applier.check_first(&put)?;
                    None
                } else if P::KIND == Kind::Version && applier.bugs.has(Bug::UpdateCountsTwice) {
                    None
                } else {
                    applier.index.row::<P>(&put.id())?
                };
                applier.put(old, Row { put, record, record_len: share, prior });
                Ok(())
            }
            Change::Remove { id, segments } => {
                self.applier.check_holders::<P>(&id, &segments)?;
                self.applier.remove::<P>(&id)
            }
        }
    }
}

impl Applier<'_> {
    /// Puts a row, in the place of what was put under the same id: a copy, or another state of it.
    fn put<P: Table>(&mut self, old: Option<Row<P>>, row: Row<P>) {
        let bugs = self.bugs;
        match &old {
            None if forgets_links::<P>(bugs) => {}
            None => self.link(row.put.recipe(), 1),
            Some(old) => {
                invariant!(old.put.key() == row.put.key(), "{:?} moves in the index", row.put.id());
                self.live(old.record, -signed(old.record_len));
                if old.put.recipe() != row.put.recipe() && !bugs.has(Bug::ForgetReplacedRecipe) {
                    self.link(row.put.recipe(), 1);
                    self.link(old.put.recipe(), -1);
                }
            }
        }
        self.live(row.record, signed(row.record_len));
        self.index.stage_row(&mut self.batch, &row);
    }

    fn remove<P: Table>(&mut self, id: &P::Id) -> Result<(), IndexError> {
        if !(P::KIND == Kind::Upload && self.bugs.has(Bug::RemovedUploadKeepsParts)) {
            for op in P::contents(self.index, id)? {
                visit(op, Contained { applier: &mut *self })?;
            }
        }
        if let Some(row) = self.index.row::<P>(id)? {
            self.index.stage_remove_row(&mut self.batch, &row.put);
            self.link(row.put.recipe(), -1);
            self.live(row.record, -signed(row.record_len));
        }
        Ok(())
    }
}

impl Applier<'_> {
    /// What is put without a prior was never put before.
    fn check_first<P: Table>(&self, put: &P) -> Result<(), IndexError> {
        if cfg!(feature = "invariants") {
            let old = self.index.row::<P>(&put.id())?.map(|row| row.record);
            invariant!(old.is_none(), "{:?} is put for the first time and lies at {old:?}", put.id());
        }
        Ok(())
    }

    /// A removal names the segment that the put lies in: else the put would come back with it.
    fn check_holders<P: Table>(&self, id: &P::Id, segments: &[SegmentId]) -> Result<(), IndexError> {
        if cfg!(feature = "invariants")
            && let Some(row) = self.index.row::<P>(id)?
        {
            let named = segments.contains(&row.record.segment);
            invariant!(named, "the removal of {id:?} at {} names {segments:?}", row.record);
        }
        Ok(())
    }
}

/// What goes with something that is removed.
struct Contained<'a, 'i> {
    applier: &'a mut Applier<'i>,
}

impl Visit for Contained<'_, '_> {
    type Output = Result<(), IndexError>;

    fn change<P: Table>(self, change: Change<P>) -> Self::Output {
        match change {
            Change::Put { .. } => Ok(()),
            Change::Remove { id, .. } => self.applier.remove::<P>(&id),
        }
    }
}

fn forgets_links<P: Listed>(bugs: crate::store::bugs::Bugs) -> bool {
    match P::KIND {
        Kind::Version => bugs.has(Bug::ForgetVersionLinks),
        Kind::Part => bugs.has(Bug::ForgetPartLinks),
        _ => false,
    }
}
