//! Decisions of the collector that must be exact: they run on the log thread while nothing else is under way.

use std::sync::Arc;

use deltastore_format::{Change, Hash, Op, Position, SegmentId};

use super::message::{Collect, Moved, MovedParity, Relocation};
use crate::index::{Batch, BlobRow, Index, IndexError, ParityRow, Row, Table, Visit, visit};
use crate::store::bugs::{Bug, Bugs};
use crate::store::error::StoreError;
use crate::store::pins::Pins;
use crate::store::segments::Segments;

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
        let needed = Needed { index, segments, from: relocation.segment, position, bugs };
        ops.extend(visit(op, needed)?);
    }
    Ok(Live { blobs, parity, ops })
}

/// Whether an operation of a segment that is being emptied is still needed.
struct Needed<'a> {
    index: &'a Index,
    segments: &'a Segments,
    from: SegmentId,
    position: Position,
    bugs: Bugs,
}

impl Visit for Needed<'_> {
    type Output = Result<Option<Op>, IndexError>;

    /// The operation as its copy must read, or nothing when it has no effect any more.
    fn change<P: Table>(self, change: Change<P>) -> Self::Output {
        let Self { index, segments, from, position, bugs } = self;
        match change {
            Change::Put { put, .. } => {
                let here = |row: &Row<P>| row.record == position && !bugs.has(Bug::CompactionForgetsCommits);
                Ok(index.row::<P>(&put.id())?.filter(here).map(|row| {
                    let mut prior = segments.existing(&row.prior, from);
                    prior.push(from);
                    Op::put(put, if bugs.has(Bug::CompactionForgetsPrior) { Vec::new() } else { prior })
                }))
            }
            Change::Remove { id, segments: holders } => {
                let left = segments.existing(&holders, from);
                let needed = !left.is_empty() && !bugs.has(Bug::CompactionForgetsRemovals);
                Ok(needed.then(|| Op::remove::<P>(id, left)))
            }
        }
    }
}

/// Takes blobs without links and pins out of the index, and their own links with them.
pub fn drop_blobs(index: &Index, pins: &Arc<Pins>, candidates: &[Collect], bugs: Bugs) -> Result<u64, StoreError> {
    let (mut batch, mut doomed, mut dropped) = (Batch::new(), Doomed { pins, hashes: Vec::new() }, 0);
    for candidate in candidates {
        let unlinked = index.links(&candidate.hash)? <= 0;
        let there = index.blob(&candidate.hash)?.is_some_and(|row| row.position == candidate.position);
        if !unlinked || !there {
            continue;
        }
        if pins.doom(&candidate.hash) {
            doomed.hashes.push(candidate.hash);
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
    index.write(batch)?;
    drop(doomed);
    Ok(dropped)
}

/// Hashes that nobody can pin while they leave the index. However that ends, whoever waits to pin one goes on.
struct Doomed<'a> {
    pins: &'a Pins,
    hashes: Vec<Hash>,
}

impl Drop for Doomed<'_> {
    fn drop(&mut self) {
        self.hashes.iter().for_each(|hash| self.pins.undoom(hash));
    }
}
