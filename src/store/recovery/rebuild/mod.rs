//! Rebuilding the index from the segments alone, whatever order their records come in.
//!
//! Passes: (1) every blob and every put goes in, removals are noted; (2) what was removed goes out, and so do parts
//! without their upload; (3) link counts and live bytes are counted from what is there; (4) blobs without links go:
//! they were collected or never committed, so what they need may be gone, and a new write must not count on them. Where
//! copies of one put lie in several segments, the row points at the last and lists the others as prior.
//!
//! Failure cases: damaged records are reported and skipped; what refers to them stays and fails when it is read, unless
//! there is parity that makes up for them.

mod gather;
mod links;
mod parity;
mod remove;

use std::collections::HashSet;

use deltastore_format::{Hash, Op, Position, SegmentId, Sequence};

use super::RecoveryContext;
use super::copies::Copies;
use super::inventory::Inventory;
use super::survey::Damage;
use crate::index::Batch;
use crate::store::error::StoreError;

/// Index changes after which a batch is written.
const BATCH: usize = 4096;

/// How far a rebuild is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub segments_done: usize,
    pub segments: usize,
}

/// Fills an empty index with what lies before `upto`, or all of it; answers the next sequence number.
///
/// # Errors
/// What reading segments and writing the index give. Damage is collected, not an error.
pub fn rebuild(
    context: &RecoveryContext<'_>,
    inventory: &Inventory,
    segments: &[SegmentId],
    upto: Option<Position>,
    damage: &mut Vec<Damage>,
    report: &mut dyn FnMut(Progress),
) -> Result<u64, StoreError> {
    context.index.clear()?;
    let mut builder = Builder {
        context,
        inventory,
        batch: Batch::new(),
        staged: HashSet::new(),
        copies: Copies::default(),
        removed: Vec::new(),
        next_sequence: 1,
        end: Position::default(),
        upto,
    };
    for (number, id) in segments.iter().enumerate() {
        report(Progress { segments_done: number, segments: segments.len() });
        builder.read_segment(*id, damage)?;
    }
    builder.write()?;
    builder.rescue(damage)?;
    builder.choose_copies()?;
    builder.settle_parity()?;
    builder.remove()?;
    builder.count()?;
    builder.drop_unlinked()?;
    let (next_sequence, end) = (builder.next_sequence, builder.end);
    context.index.stage_applied(&mut builder.batch, end);
    context.index.stage_next_sequence(&mut builder.batch, Sequence(next_sequence));
    builder.write()?;
    context.index.flush()?;
    report(Progress { segments_done: segments.len(), segments: segments.len() });
    Ok(next_sequence)
}

struct Builder<'a> {
    context: &'a RecoveryContext<'a>,
    inventory: &'a Inventory,
    batch: Batch,
    /// Blobs in `batch`.
    staged: HashSet<Hash>,
    copies: Copies,
    /// Removals; each names one put.
    removed: Vec<Op>,
    next_sequence: u64,
    end: Position,
    upto: Option<Position>,
}

impl Builder<'_> {
    fn write(&mut self) -> Result<(), StoreError> {
        self.staged.clear();
        Ok(self.context.index.write(std::mem::take(&mut self.batch))?)
    }

    fn write_if_full(&mut self) -> Result<(), StoreError> {
        if self.batch.len() >= BATCH { self.write() } else { Ok(()) }
    }
}
