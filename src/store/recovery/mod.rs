//! Recovery: from a folder as a crash left it to a log that can be appended to and an index that matches it.
//!
//! Order (must)
//! 1. Survey the log from the index's position on: gaps, torn tails, the furthest position known to have been synced.
//! 2. Cut: everything from the first gap that nothing durable follows. Whole segments after it go first.
//! 3. Sync what was surveyed. What a crashed process left in the page cache is not on disk yet, and the index,
//!    once it knows a commit, must never be ahead of the disk.
//! 4. Replay commits into the index.
//!
//! Failure cases: a gap that something durable follows is damage: reported, skipped, never cut. An index that is
//! missing or ahead of the log is rebuilt from all segments. Segments of another store are refused. Behind a damaged
//! segment header the records are used as they are, and nothing is appended any more. Damage among the records of the
//! log is noted in the index: what it hid may be all that links to some blob, so garbage cannot be told.

mod copies;
mod cut;
mod rebuild;
mod replay;
mod survey;

use std::sync::Arc;

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Position, SegmentHeader, SegmentId};

use super::bugs::Bugs;
use super::error::StoreError;
use super::folder::Folder;
use crate::index::{Batch, Index};
use crate::segment::vfs::Clock;
use crate::segment::{Readers, SegmentWriter};

pub use rebuild::{Progress, rebuild};
pub use survey::Damage;

/// What recovery needs to look at.
pub struct Scene<'a> {
    pub folder: &'a Folder,
    pub index: &'a Index,
    pub readers: &'a Readers,
    pub clock: &'a Arc<dyn Clock>,
    pub bugs: Bugs,
}

/// A store that is ready to be written.
pub struct Recovered {
    pub writer: SegmentWriter,
    pub segments: Vec<SegmentId>,
    pub next_sequence: u64,
    pub damage: Vec<Damage>,
    /// Commits replayed from the log's tail.
    pub replayed: u64,
    /// The log ends with the mark of a clean close, and everything was in the index.
    pub clean: bool,
}

/// Recovers a store.
///
/// # Errors
/// [`StoreError::Unusable`] when segments belong to another store or are gone altogether, and what reading and writing give.
pub fn recover(scene: &Scene<'_>) -> Result<Recovered, StoreError> {
    let (segments, headers) = cut::usable_segments(scene)?;
    let applied = scene.index.applied()?;
    if segments.is_empty() {
        if applied.is_some() {
            return Err(StoreError::Unusable(format!(
                "{}: the index knows objects but all segments are gone",
                scene.folder.dir.display()
            )));
        }
        let writer = first_segment(scene)?;
        let segments = vec![writer.position().segment];
        // From here on a crash costs a replay, not a rebuild.
        let mut batch = Batch::new();
        scene.index.stage_applied(&mut batch, writer.position());
        scene.index.write(batch)?;
        scene.index.flush()?;
        return Ok(Recovered { writer, segments, next_sequence: 1, damage: headers, replayed: 0, clean: true });
    }
    let start = match applied {
        Some(applied) if !survey::is_ahead(scene, &segments, applied)? => Some(applied),
        Some(applied) => {
            tracing::error!(%applied, "the index is ahead of the segments; it is rebuilt from them");
            None
        }
        None => None,
    };
    let survey = survey::survey(scene, &segments, start)?;
    let (writer, segments) = cut::cut(scene, segments, &survey)?;
    let mut damage = survey.damage.clone();
    let (next_sequence, replayed) = match start {
        Some(start) => replay::replay(scene, &segments, start, &survey, writer.position(), &mut damage)?,
        None => (rebuild(scene, &segments, &mut damage, &mut |_| ())?, 0),
    };
    note_hidden(scene, start.is_none(), &damage)?;
    let clean = start.is_some() && replayed == 0 && damage.is_empty();
    damage.extend(headers);
    for damage in &damage {
        tracing::error!(%damage, "damage in the log");
    }
    Ok(Recovered { writer, segments, next_sequence, damage, replayed, clean })
}

/// Notes in the index that damage hid part of the log from it; only a rebuild without damage takes that back.
fn note_hidden(scene: &Scene<'_>, rebuilt: bool, damage: &[Damage]) -> Result<(), StoreError> {
    if damage.is_empty() && !rebuilt {
        return Ok(());
    }
    let mut batch = Batch::new();
    scene.index.stage_incomplete(&mut batch, !damage.is_empty());
    Ok(scene.index.write(batch)?)
}

fn first_segment(scene: &Scene<'_>) -> Result<SegmentWriter, StoreError> {
    new_segment(scene, SegmentId(1))
}

/// A new, durable segment.
fn new_segment(scene: &Scene<'_>, segment: SegmentId) -> Result<SegmentWriter, StoreError> {
    let Scene { folder, clock, .. } = scene;
    let header = SegmentHeader {
        store: folder.header.store,
        segment,
        epoch: folder.header.epoch,
        salt: rand::random(),
        created_ms: clock.now_ms(),
        key_id: 0,
    };
    let writer = SegmentWriter::create(folder.vfs.as_ref(), &folder.dir, header)?;
    writer.make_durable(folder.vfs.as_ref(), &folder.dir)?;
    Ok(writer)
}

/// Where the first record of a segment is.
fn first_record(segment: SegmentId) -> Position {
    Position { segment, offset: SEGMENT_HEADER_LEN as u64 }
}

/// Rebuilds the index without starting a log. A torn tail is cut first, as at any start.
///
/// # Errors
/// As [`recover`].
pub fn rebuild_only(scene: &Scene<'_>, report: &mut dyn FnMut(Progress)) -> Result<Vec<Damage>, StoreError> {
    let (segments, headers) = cut::usable_segments(scene)?;
    let survey = survey::survey(scene, &segments, None)?;
    let (_, segments) = cut::cut(scene, segments, &survey)?;
    let mut damage = survey.damage;
    rebuild(scene, &segments, &mut damage, report)?;
    note_hidden(scene, true, &damage)?;
    scene.index.flush()?;
    damage.extend(headers);
    Ok(damage)
}
