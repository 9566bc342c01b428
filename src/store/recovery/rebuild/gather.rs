//! Pass 1: every blob and every put goes in, removals are noted.

use deltastore_format::{Commit, Hash, Op, Parity, Placed, PlacedKind, Position, RecordKind, SegmentId, WindowHead};
use sha2::{Digest, Sha256};

use super::Builder;
use crate::index::{BucketRow, ParityRow, PartRow, SketchEntry, UploadRow, VersionRow};
use crate::segment::{Record, Scanned, Scanner, WindowPayload};
use crate::store::blob::Space;
use crate::store::bugs::Bug;
use crate::store::error::StoreError;
use crate::store::recovery::replay::{highest_sequence, placing_of};
use crate::store::recovery::survey::Damage;
use crate::store::recovery::{extent, first_record};

impl Builder<'_> {
    pub(super) fn read_segment(&mut self, id: SegmentId, damage: &mut Vec<Damage>) -> Result<(), StoreError> {
        let reader = self.scene.readers.get(id)?;
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
                self.scene.index.stage_parity(&mut self.batch, &hash, &ParityRow { position, record_len });
                return Ok(());
            }
            RecordKind::Footer => return Ok(()),
        };
        let placed = Placed { kind: placed_kind, hash, position };
        let placing = placing_of(&placed, kind, payload, record_len, Space::default())?;
        let index = self.scene.index;
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
        Ok(index.stage_window_sketch(&mut self.batch, &placing.features, entry, placing.row.cold)?)
    }

    fn commit(&mut self, commit: Commit, record: Position, record_len: u64) -> Result<(), StoreError> {
        self.next_sequence = self.next_sequence.max(highest_sequence(&commit) + 1);
        let record_len = record_len / commit.ops.len().max(1) as u64;
        // Rows are read back below, so earlier copies of the same put must be visible.
        self.write()?;
        let index = self.scene.index;
        for op in commit.ops {
            match op {
                Op::PutBucket { put, .. } => {
                    let old = index.bucket_by_id(put.bucket)?;
                    let prior = old.map_or_else(Vec::new, |old| copies(old.prior, old.record, record));
                    index.stage_bucket(&mut self.batch, &BucketRow { put, record, prior });
                }
                Op::PutVersion { put, .. } => {
                    let old = index.version(put.bucket, &put.key, put.version)?;
                    if old.is_some() && self.scene.bugs.has(Bug::RebuildTakesOlderRecipe) {
                        continue;
                    }
                    let prior = old.map_or_else(Vec::new, |old| copies(old.prior, old.record, record));
                    index.stage_version(&mut self.batch, &VersionRow { put, record, record_len, prior });
                }
                Op::PutUpload { put, .. } => {
                    let old = index.upload_by_id(put.upload)?;
                    let prior = old.map_or_else(Vec::new, |old| copies(old.prior, old.record, record));
                    index.stage_upload(&mut self.batch, &UploadRow { put, record, prior });
                }
                Op::PutPart { put, .. } => {
                    if self.scene.bugs.has(Bug::RebuildForgetsParts) {
                        continue;
                    }
                    let old = index.part(put.upload, put.number)?;
                    // A later put of the same number wins whatever order the segments are read in.
                    if old.as_ref().is_some_and(|old| old.put.part > put.part) {
                        continue;
                    }
                    let prior = old
                        .filter(|old| old.put.part == put.part)
                        .map_or_else(Vec::new, |old| copies(old.prior, old.record, record));
                    index.stage_part(&mut self.batch, &PartRow { put, record, record_len, prior });
                }
                removal => {
                    if !self.scene.bugs.has(Bug::RebuildForgetsRemovals) {
                        self.removed.push(removal);
                    }
                }
            }
            self.write()?;
        }
        Ok(())
    }

    pub(super) fn choose_copies(&mut self) -> Result<(), StoreError> {
        let prefer_cold = !self.scene.bugs.has(Bug::RebuildPrefersLast);
        for (hash, row) in self.copies.better(self.scene.index, prefer_cold)? {
            self.scene.index.stage_blob(&mut self.batch, &hash, &row);
        }
        self.write()
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
