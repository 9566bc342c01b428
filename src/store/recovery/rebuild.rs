//! Rebuilding the index from the segments alone, whatever order their records come in.
//!
//! Passes: (1) every blob and every put goes in, removals are noted; (2) what was removed goes out, and so do parts
//! without their upload; (3) link counts and live bytes are counted from what is there; (4) blobs without links go: they
//! were collected or never committed, so what they need may be gone, and a new write must not count on them. Where copies of one put lie in
//! several segments, the row points at the last and lists the others as prior.
//!
//! Failure cases: damaged records are reported and skipped; what refers to them stays and fails when it is read.

use deltastore_format::{
    Commit, Hash, Op, Placed, PlacedKind, Position, Recipe, RecordKind, SegmentId, Sequence, UploadId, WindowHead,
};
use sha2::{Digest, Sha256};

use std::collections::HashSet;

use super::super::blob::Space;
use super::super::bugs::Bug;
use super::super::error::StoreError;
use super::super::gc::unlinked;
use super::copies::Copies;
use super::replay::{highest_sequence, placing_of};
use super::survey::Damage;
use super::{Scene, first_record};
use crate::index::{Batch, BucketRow, PartRow, SketchEntry, UploadRow, VersionRow};
use crate::segment::{Scanned, Scanner, WindowPayload};

/// Index changes after which a batch is written.
const BATCH: usize = 4096;

/// How far a rebuild is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub segments_done: usize,
    pub segments: usize,
}

/// Fills an empty index; answers the next sequence number.
///
/// # Errors
/// What reading segments and writing the index give. Damage is collected, not an error.
pub fn rebuild(
    scene: &Scene<'_>,
    segments: &[SegmentId],
    damage: &mut Vec<Damage>,
    report: &mut dyn FnMut(Progress),
) -> Result<u64, StoreError> {
    scene.index.clear()?;
    let mut builder = Builder {
        scene,
        batch: Batch::new(),
        staged: HashSet::new(),
        copies: Copies::default(),
        removed: Vec::new(),
        next_sequence: 1,
        end: Position::default(),
    };
    for (number, id) in segments.iter().enumerate() {
        report(Progress { segments_done: number, segments: segments.len() });
        builder.read_segment(*id, damage)?;
    }
    builder.write()?;
    builder.choose_copies()?;
    builder.remove()?;
    builder.count()?;
    builder.drop_unlinked()?;
    let (next_sequence, end) = (builder.next_sequence, builder.end);
    scene.index.stage_applied(&mut builder.batch, end);
    scene.index.stage_next_sequence(&mut builder.batch, Sequence(next_sequence));
    builder.write()?;
    scene.index.flush()?;
    report(Progress { segments_done: segments.len(), segments: segments.len() });
    Ok(next_sequence)
}

struct Builder<'a> {
    scene: &'a Scene<'a>,
    batch: Batch,
    /// Blobs in `batch`.
    staged: HashSet<Hash>,
    copies: Copies,
    /// Removals; each names one put.
    removed: Vec<Op>,
    next_sequence: u64,
    end: Position,
}

impl Builder<'_> {
    fn write(&mut self) -> Result<(), StoreError> {
        self.staged.clear();
        Ok(self.scene.index.write(std::mem::take(&mut self.batch))?)
    }

    fn write_if_full(&mut self) -> Result<(), StoreError> {
        if self.batch.len() >= BATCH { self.write() } else { Ok(()) }
    }

    fn read_segment(&mut self, id: SegmentId, damage: &mut Vec<Damage>) -> Result<(), StoreError> {
        let reader = self.scene.readers.get(id)?;
        let from = first_record(id);
        let mut scanner = Scanner::new(&reader, from.offset, WindowPayload::Whole)?;
        for scanned in scanner.by_ref() {
            match scanned? {
                Scanned::Record { header, payload } => {
                    let record_len = deltastore_format::record_len(header.payload_len);
                    if let Err(error) = self.record(header.kind, header.position, &payload, record_len) {
                        if !error.is_damage() {
                            return Err(error);
                        }
                        damage.push(Damage {
                            from: header.position,
                            to: header.position.offset + record_len,
                            reason: error.to_string(),
                        });
                    }
                    self.write_if_full()?;
                }
                // The same gap may have been met by the survey already.
                Scanned::Damage { from, to, error } => {
                    let from = Position { segment: id, offset: from };
                    if damage.iter().all(|known| known.from != from) {
                        damage.push(Damage { from, to, reason: error.to_string() });
                    }
                }
            }
        }
        self.end = Position { segment: id, offset: scanner.offset() };
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

    fn choose_copies(&mut self) -> Result<(), StoreError> {
        let prefer_cold = !self.scene.bugs.has(Bug::RebuildPrefersLast);
        for (hash, row) in self.copies.better(self.scene.index, prefer_cold)? {
            self.scene.index.stage_blob(&mut self.batch, &hash, &row);
        }
        self.write()
    }

    /// Pass 2.
    fn remove(&mut self) -> Result<(), StoreError> {
        let index = self.scene.index;
        for op in std::mem::take(&mut self.removed) {
            match op {
                Op::RemoveBucket { bucket, .. } => {
                    if let Some(row) = index.bucket_by_id(bucket)? {
                        index.stage_remove_bucket(&mut self.batch, bucket, &row.put.name);
                    }
                }
                Op::RemoveVersion { bucket, key, version, .. } => {
                    index.stage_remove_version(&mut self.batch, bucket, &key, version);
                }
                Op::RemoveUpload { upload, .. } => {
                    if let Some(row) = index.upload_by_id(upload)? {
                        index.stage_remove_upload(&mut self.batch, row.put.bucket, &row.put.key, upload);
                    }
                }
                Op::RemovePart { upload, number, part, .. } => {
                    if index.part(upload, number)?.is_some_and(|row| row.put.part == part) {
                        index.stage_remove_part(&mut self.batch, upload, number);
                    }
                }
                Op::PutBucket { .. } | Op::PutVersion { .. } | Op::PutUpload { .. } | Op::PutPart { .. } => {}
            }
            self.write_if_full()?;
        }
        self.write()?;
        let orphans = self.orphaned_parts()?;
        for (upload, number) in orphans {
            index.stage_remove_part(&mut self.batch, upload, number);
            self.write_if_full()?;
        }
        self.write()
    }

    fn orphaned_parts(&self) -> Result<Vec<(UploadId, u16)>, StoreError> {
        let mut orphans = Vec::new();
        for row in self.scene.index.all_parts() {
            let put = row?.put;
            if self.scene.index.upload_by_id(put.upload)?.is_none() {
                orphans.push((put.upload, put.number));
            }
        }
        Ok(orphans)
    }

    /// Pass 3.
    fn count(&mut self) -> Result<(), StoreError> {
        let index = self.scene.index;
        for row in index.all_versions() {
            let row = row?;
            self.live(row.record, row.record_len);
            self.link(&row.put.recipe)?;
        }
        for row in index.all_parts() {
            let row = row?;
            self.live(row.record, row.record_len);
            self.link(&row.put.recipe)?;
        }
        for row in index.all_blobs(Hash::default()) {
            let (hash, row) = row?;
            self.live(row.position, row.record_len);
            let placed = Placed { kind: row.kind, hash, position: row.position };
            match super::replay::read_placing(self.scene, &placed, Space::default()) {
                Ok(placing) => placing.links.iter().for_each(|link| index.stage_links(&mut self.batch, link, 1)),
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
            self.write_if_full()?;
        }
        self.write()
    }

    /// Pass 4, in rounds: each blob takes its own links with it.
    fn drop_unlinked(&mut self) -> Result<(), StoreError> {
        let index = self.scene.index;
        let mut suspects = if self.scene.bugs.has(Bug::RebuildKeepsUnlinked) { Vec::new() } else { unlinked(index)? };
        while !suspects.is_empty() {
            let mut next = Vec::new();
            for hash in suspects {
                if index.links(&hash)? > 0 {
                    continue;
                }
                let Some(row) = index.blob(&hash)? else { continue };
                let placed = Placed { kind: row.kind, hash, position: row.position };
                let needs = match super::replay::read_placing(self.scene, &placed, Space::default()) {
                    Ok(placing) => placing.links,
                    // Its links were not counted either.
                    Err(error) if error.is_damage() => Vec::new(),
                    Err(error) => return Err(error),
                };
                index.stage_remove_blob(&mut self.batch, &hash);
                index.stage_remove_links(&mut self.batch, &hash);
                let len = i64::try_from(row.record_len).unwrap_or(i64::MAX);
                index.stage_live(&mut self.batch, row.position.segment, -len);
                needs.iter().for_each(|need| index.stage_links(&mut self.batch, need, -1));
                next.extend(needs);
                self.write_if_full()?;
            }
            self.write()?;
            next.sort_unstable();
            next.dedup();
            suspects = next;
        }
        Ok(())
    }

    fn link(&mut self, recipe: &Recipe) -> Result<(), StoreError> {
        for entry in &recipe.entries {
            self.scene.index.stage_links(&mut self.batch, &entry.hash, 1);
        }
        self.write_if_full()
    }

    fn live(&mut self, record: Position, len: u64) {
        self.scene.index.stage_live(&mut self.batch, record.segment, i64::try_from(len).unwrap_or(i64::MAX));
    }
}

/// Segments that hold older copies of a put whose newest copy was just read in `record`'s segment.
fn copies(mut prior: Vec<SegmentId>, older: Position, record: Position) -> Vec<SegmentId> {
    if older.segment != record.segment && !prior.contains(&older.segment) {
        prior.push(older.segment);
    }
    prior.retain(|segment| *segment != record.segment);
    prior
}
