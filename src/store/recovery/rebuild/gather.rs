//! Pass 1: every blob and every put goes in, removals are noted.

use deltastore_format::{
    Change, Commit, Hash, Kind, Parity, PlacedKind, Placement, Position, RecordKind, SegmentId, WindowHead,
};
use sha2::{Digest, Sha256};

use super::Builder;
use crate::index::{ParityRow, Row, SketchEntry, Table, Visit, visit};
use crate::segment::{Record, Scanned, Scanner, WindowPayload};
use crate::store::blob::Space;
use crate::store::bugs::Bug;
use crate::store::error::StoreError;
use crate::store::recovery::replay::{highest_sequence, placing_of};
use crate::store::recovery::survey::Damage;
use crate::store::recovery::{extent, first_record};

impl Builder<'_> {
    pub(super) fn read_segment(&mut self, id: SegmentId, damage: &mut Vec<Damage>) -> Result<(), StoreError> {
        let reader = self.context.readers.get(id)?;
        let from = first_record(id);
        let mut scanner = Scanner::new(&reader, from.offset, WindowPayload::Whole)?;
        let upto = self.upto;
        let beyond = |offset| upto.is_some_and(|upto| Position { segment: id, offset } >= upto);
        let mut end = None;
        for scanned in scanner.by_ref() {
            match scanned? {
                Scanned::Record { header, .. } if beyond(header.position.offset) => {
                    end = upto;
                    break;
                }
                Scanned::Damage { from, .. } if beyond(from) => {
                    end = upto;
                    break;
                }
                Scanned::Record { header, payload } => {
                    let record_len = deltastore_format::record_len(header.payload_len);
                    if let Err(error) = self.record(header.kind, header.position, &payload, record_len) {
                        if !error.is_damage() {
                            return Err(error);
                        }
                        let to = header.position.offset + record_len;
                        damage.push(Damage::new(header.position, to, &error));
                    }
                    self.write_if_full()?;
                }
                Scanned::Damage { from, to, error } => {
                    let mut flipped = reader.flipped_commits(from, to)?;
                    flipped.retain(|record| Commit::decode(&record.payload).is_ok());
                    for Record { header, payload } in &flipped {
                        let record_len = deltastore_format::record_len(header.payload_len);
                        self.record(header.kind, header.position, payload, record_len)?;
                    }
                    let gap = gap(damage, Damage::new(Position { segment: id, offset: from }, to, &error));
                    gap.restore(flipped.iter().map(extent));
                }
            }
        }
        self.end = end.unwrap_or(Position { segment: id, offset: scanner.offset() });
        Ok(())
    }

    fn record(
        &mut self,
        kind: RecordKind,
        position: Position,
        payload: &[u8],
        record_len: u64,
    ) -> Result<(), StoreError> {
        let (placed_kind, hash) = match kind {
            RecordKind::Window => {
                let (head, _) = WindowHead::decode(payload)
                    .map_err(|error| StoreError::undecodable(position, "window head", &error))?;
                (PlacedKind::Window, head.hash)
            }
            RecordKind::Node => (PlacedKind::Node, Hash(Sha256::digest(payload).into())),
            RecordKind::Commit => {
                let commit =
                    Commit::decode(payload).map_err(|error| StoreError::undecodable(position, "commit", &error))?;
                return self.commit(commit, position, record_len);
            }
            RecordKind::Parity => {
                let Parity { hash, .. } = Parity::decode(payload)
                    .map_err(|error| StoreError::undecodable(position, "parity record", &error))?;
                // The last one of a blob is of its last form, if any is.
                self.context.index.stage_parity(&mut self.batch, &hash, &ParityRow { position, record_len });
                return Ok(());
            }
            RecordKind::Footer => return Ok(()),
        };
        let placed = Placement { kind: placed_kind, hash, position };
        let placing = placing_of(&placed, kind, payload, record_len, Space::default())?;
        let index = self.context.index;
        if !self.staged.insert(hash) {
            self.write()?;
            self.staged.insert(hash);
        }
        if let Some(old) = index.blob(&hash)? {
            self.copies.replaced(hash, old, &placing.row);
        }
        index.stage_blob(&mut self.batch, &hash, &placing.row);
        let entry = SketchEntry {
            hash,
            space: 0,
            bucket: placing.space.bucket,
            depth: placing.row.depth,
            raw_len: placing.row.raw_len,
        };
        Ok(index.stage_window_sketch(&mut self.batch, &placing.features, entry, placing.row.optimized)?)
    }

    fn commit(&mut self, commit: Commit, record: Position, record_len: u64) -> Result<(), StoreError> {
        self.next_sequence = self.next_sequence.max(highest_sequence(&commit) + 1);
        let share = record_len / commit.ops.len().max(1) as u64;
        // Rows are read back below, so earlier copies of the same put must be visible.
        self.write()?;
        for op in commit.ops {
            // As the running store counts it.
            if commit.relocated && op.is_removal() {
                self.live(record, share);
            }
            visit(op, Gather { builder: &mut *self, record, share })?;
            self.write()?;
        }
        Ok(())
    }

    pub(super) fn choose_copies(&mut self) -> Result<(), StoreError> {
        let prefer_optimized = !self.context.bugs.has(Bug::RebuildPrefersLast);
        for (hash, row) in self.copies.better(self.context.index, prefer_optimized)? {
            self.context.index.stage_blob(&mut self.batch, &hash, &row);
        }
        self.write()
    }
}

/// One operation on its way into the index, or among the removals.
struct Gather<'a, 'b> {
    builder: &'a mut Builder<'b>,
    record: Position,
    share: u64,
}

impl Visit for Gather<'_, '_> {
    type Output = Result<(), StoreError>;

    fn change<P: Table>(self, change: Change<P>) -> Self::Output {
        let Self { builder, record, share } = self;
        let (index, bugs) = (builder.context.index, builder.context.bugs);
        let put = match change {
            Change::Put { put, .. } => put,
            Change::Remove { .. } => {
                if !bugs.has(Bug::RebuildForgetsRemovals) {
                    builder.removed.push(P::op(change));
                }
                return Ok(());
            }
        };
        if P::KIND == Kind::Part && bugs.has(Bug::RebuildForgetsParts) {
            return Ok(());
        }
        let mut prior = Vec::new();
        if let Some(old) = index.row_at::<P>(&put.key())? {
            let (id, old_id) = (put.id(), old.put.id());
            // Of two puts of one name the later counts, whatever order the segments are read in.
            if P::sequence(&old_id) > P::sequence(&id) {
                return Ok(());
            }
            if old_id == id {
                if P::KIND == Kind::Version && bugs.has(Bug::RebuildTakesOlderRecipe) {
                    return Ok(());
                }
                prior = copies(old.prior, old.record, record);
            } else {
                index.stage_remove_row(&mut builder.batch, &old.put);
            }
        }
        index.stage_row(&mut builder.batch, &Row { put, record, record_len: share, prior });
        Ok(())
    }
}

/// The gap in the list; the survey may have met it already.
fn gap(damage: &mut Vec<Damage>, new: Damage) -> &mut Damage {
    let at = damage.iter().position(|known| known.from == new.from).unwrap_or_else(|| {
        damage.push(new);
        damage.len() - 1
    });
    &mut damage[at]
}

/// Segments that hold older copies of a put whose newest copy was just read in `record`'s segment.
fn copies(mut prior: Vec<SegmentId>, older: Position, record: Position) -> Vec<SegmentId> {
    if older.segment != record.segment && !prior.contains(&older.segment) {
        prior.push(older.segment);
    }
    prior.retain(|segment| *segment != record.segment);
    prior
}
