//! Decisions of the collector that must be exact: they run on the log thread while nothing else is under way.

use std::sync::Arc;

use deltastore_format::{Op, Position, SegmentId};

use super::bugs::{Bug, Bugs};
use super::error::StoreError;
use super::log::{Collect, Moved, MovedParity, Relocation};
use super::pins::Pins;
use super::segments::Segments;
use crate::index::{Batch, BlobRow, Index, IndexError, ParityRow};

/// What of a relocation is alive right now.
pub struct Live {
    pub blobs: Vec<(Moved, BlobRow)>,
    pub parity: Vec<(MovedParity, ParityRow)>,
    pub ops: Vec<Op>,
}

/// Keeps what the index still finds at the place it is to be moved from, and removals that are still needed.
pub fn still_alive(index: &Index, segments: &Segments, relocation: Relocation, bugs: Bugs) -> Result<Live, StoreError> {
    let mut blobs = Vec::with_capacity(relocation.blobs.len());
    for moved in relocation.blobs {
        if bugs.has(Bug::CompactionForgetsWindows) {
            break;
        }
        if let Some(row) = index.blob(&moved.hash)?.filter(|row| row.position == moved.from) {
            blobs.push((moved, row));
        }
    }
    let mut parity = Vec::with_capacity(relocation.parity.len());
    for moved in relocation.parity {
        if let Some(row) = index.parity(&moved.hash)?.filter(|row| row.position == moved.from) {
            parity.push((moved, row));
        }
    }
    let mut ops = Vec::new();
    for (position, op) in relocation.ops {
        ops.extend(needed(index, segments, relocation.segment, position, op, bugs)?);
    }
    Ok(Live { blobs, parity, ops })
}

/// The operation as its copy must read, or nothing when it has no effect any more.
fn needed(
    index: &Index,
    segments: &Segments,
    from: SegmentId,
    position: Position,
    op: Op,
    bugs: Bugs,
) -> Result<Option<Op>, IndexError> {
    let prior = |row_prior: &[SegmentId]| {
        let mut prior = segments.existing(row_prior, from);
        prior.push(from);
        if bugs.has(Bug::CompactionForgetsPrior) { Vec::new() } else { prior }
    };
    let here = |record: Position| record == position && !bugs.has(Bug::CompactionForgetsCommits);
    let left = |segments_of: &[SegmentId]| {
        let left = segments.existing(segments_of, from);
        (!left.is_empty() && !bugs.has(Bug::CompactionForgetsRemovals)).then_some(left)
    };
    Ok(match op {
        Op::PutBucket { put, .. } => index
            .bucket_by_id(put.bucket)?
            .filter(|row| here(row.record))
            .map(|row| Op::PutBucket { put, prior: prior(&row.prior) }),
        Op::PutVersion { put, .. } => index
            .version(put.bucket, &put.key, put.version)?
            .filter(|row| here(row.record))
            .map(|row| Op::PutVersion { put, prior: prior(&row.prior) }),
        Op::PutUpload { put, .. } => index
            .upload_by_id(put.upload)?
            .filter(|row| here(row.record))
            .map(|row| Op::PutUpload { put, prior: prior(&row.prior) }),
        Op::PutPart { put, .. } => index
            .part(put.upload, put.number)?
            .filter(|row| here(row.record) && row.put.part == put.part)
            .map(|row| Op::PutPart { put, prior: prior(&row.prior) }),
        Op::RemoveBucket { bucket, segments } => left(&segments).map(|segments| Op::RemoveBucket { bucket, segments }),
        Op::RemoveVersion { bucket, key, version, segments } => {
            left(&segments).map(|segments| Op::RemoveVersion { bucket, key, version, segments })
        }
        Op::RemoveUpload { upload, segments } => left(&segments).map(|segments| Op::RemoveUpload { upload, segments }),
        Op::RemovePart { upload, number, part, segments } => {
            left(&segments).map(|segments| Op::RemovePart { upload, number, part, segments })
        }
    })
}

/// Takes blobs without links and pins out of the index, and their own links with them.
pub fn drop_blobs(index: &Index, pins: &Arc<Pins>, candidates: &[Collect], bugs: Bugs) -> Result<u64, StoreError> {
    let (mut batch, mut doomed, mut dropped) = (Batch::new(), Vec::new(), 0);
    for candidate in candidates {
        let unlinked = index.links(&candidate.hash)? <= 0;
        let there = index.blob(&candidate.hash)?.is_some_and(|row| row.position == candidate.position);
        if !unlinked || !there {
            continue;
        }
        if pins.doom(&candidate.hash) {
            doomed.push(candidate.hash);
        } else if !bugs.has(Bug::CollectPinned) {
            continue;
        }
        dropped += 1;
        index.stage_remove_blob(&mut batch, &candidate.hash);
        index.stage_remove_links(&mut batch, &candidate.hash);
        let bytes = i64::try_from(candidate.record_len).unwrap_or(i64::MAX);
        index.stage_live(&mut batch, candidate.position.segment, -bytes);
        if let Some(parity) = index.parity(&candidate.hash)? {
            index.stage_remove_parity(&mut batch, &candidate.hash);
            let bytes = i64::try_from(parity.record_len).unwrap_or(i64::MAX);
            index.stage_live(&mut batch, parity.position.segment, -bytes);
        }
        for link in &candidate.links {
            index.stage_links(&mut batch, link, -1);
        }
    }
    let result = index.write(batch);
    doomed.iter().for_each(|hash| pins.undoom(hash));
    result?;
    Ok(dropped)
}
