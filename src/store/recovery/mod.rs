//! Recovery: from a folder as a crash left it to a log that can be appended to and an index that matches it.
//!
//! Order (must)
//! 1. Survey the log from the index's position on: gaps, torn tails, the furthest position known to have been synced.
//! 2. Cut: everything from the first gap that nothing durable follows. Whole segments after it go first.
//! 3. Sync what was surveyed. What a crashed process left in the page cache is not on disk yet, and the index,
//!    once it knows a commit, must never be ahead of the disk.
//! 4. Replay commits into the index.
//!
//! Failure cases: a gap that something durable follows is damage: reported, skipped, never cut. Segments that the
//! manifest lists and that are lost or short are damage too (`inventory.rs`); an index that has seen what they held is
//! kept, since it is the better witness of it. Else an index that is missing or does not fit the log is rebuilt from
//! all segments. Behind a damaged segment header the records are used as they are, and nothing is appended any more.
//! What the log hid from the index is noted in it: it may be all that links to some blob, so garbage cannot be told.
//! Once the lost files are back, the index is rebuilt from all of them.

mod context;
mod copies;
mod cut;
mod hidden;
mod inventory;
mod rebuild;
mod replay;
mod survey;

use std::sync::Arc;

use deltastore_format::{Position, SegmentEntry, SegmentId, SegmentState};
use deltastore_segment::SegmentWriter;

use super::damage::Damage;
use super::error::StoreError;
use super::segments::Segments;
use crate::index::Batch;
use cut::new_segment;
use inventory::Inventory;
use replay::{Ends, Hides};

pub use context::RecoveryContext;
pub use rebuild::Progress;
use rebuild::rebuild;

/// A store that is ready to be written.
pub struct Recovered {
    pub writer: SegmentWriter,
    pub found: Found,
    pub next_sequence: u64,
    /// The log ends with the mark of a clean close, and everything was in the index.
    pub clean: bool,
}

/// What recovery found.
pub struct Found {
    pub segments: Arc<Segments>,
    pub damage: Vec<Damage>,
    /// Commits replayed from the log's tail.
    pub replayed: u64,
    /// Where the log ended.
    pub end: Position,
}

/// Recovers a store.
///
/// # Errors
/// [`StoreError::Unusable`] when all segments are lost, and what reading and writing give.
pub fn recover(context: &RecoveryContext<'_>) -> Result<Recovered, StoreError> {
    let inventory = inventory::take(context)?;
    if inventory.segments.is_empty() {
        refuse_nothing(context, &inventory)?;
        let next_sequence = context.index.next_sequence()?.0;
        let writer = new_segment(context, &inventory)?;
        inventory.listed.save()?;
        // From here on a crash costs a replay, not a rebuild.
        let mut batch = Batch::new();
        context.index.stage_applied(&mut batch, writer.position());
        context.index.write(batch)?;
        context.index.flush()?;
        let found = Found { segments: inventory.listed, damage: Vec::new(), replayed: 0, end: writer.position() };
        return Ok(Recovered { writer, found, next_sequence, clean: true });
    }
    let start = hidden::start(context, &inventory)?;
    let survey = survey::survey(context, &inventory, start)?;
    let (writer, segments) = cut::cut(context, &inventory, &survey)?;
    let ends = Ends { survey: &survey, resumed: writer.position(), upto: None };
    let (found, next_sequence) = fill(context, inventory, start, &segments, &ends, &mut |_| ())?;
    let clean = start.is_some() && found.replayed == 0 && found.damage.is_empty();
    Ok(Recovered { writer, found, next_sequence, clean })
}

/// Looks at a store without changing it: the index, which is a copy, is brought up to the log's end.
///
/// # Errors
/// What reading gives.
pub fn look(context: &RecoveryContext<'_>) -> Result<Found, StoreError> {
    let inventory = inventory::take(context)?;
    let start = hidden::start(context, &inventory)?;
    let survey = survey::survey(context, &inventory, start)?;
    let mut segments = inventory.segments.clone();
    segments.retain(|id| *id <= survey.end.segment);
    let ends = Ends { survey: &survey, resumed: survey.end, upto: Some(survey.end) };
    Ok(fill(context, inventory, start, &segments, &ends, &mut |_| ())?.0)
}

/// Brings the index up to the log's end, from `start` on or from nothing, and notes what was hidden from it.
fn fill(
    context: &RecoveryContext<'_>,
    inventory: Inventory,
    start: Option<Position>,
    segments: &[SegmentId],
    ends: &Ends<'_>,
    report: &mut dyn FnMut(Progress),
) -> Result<(Found, u64), StoreError> {
    let mut unseen = hidden::unseen(context, &inventory, start)?;
    let mut damage = ends.survey.damage.clone();
    let (mut next_sequence, replayed) = match start {
        Some(start) => {
            let mut hides = Hides { damage: &mut damage, unseen: &mut unseen };
            replay::replay(context, &inventory, segments, start, ends, &mut hides)?
        }
        None => (rebuild(context, &inventory, segments, ends.upto, &mut damage, report)?, 0),
    };
    next_sequence = hidden::note(context, start.is_none(), &damage, &unseen, next_sequence)?;
    damage.splice(0..0, inventory.lost);
    damage.extend(inventory.headers);
    for damage in &damage {
        tracing::error!(%damage, "damage in the log");
    }
    let end = ends.survey.end;
    Ok((Found { segments: inventory.listed, damage, replayed, end }, next_sequence))
}

/// Where no segment is there, one may be made only in a store that never had any.
fn refuse_nothing(context: &RecoveryContext<'_>, inventory: &Inventory) -> Result<(), StoreError> {
    let forgotten = inventory.listed.entries().iter().any(|entry| entry.state == SegmentState::Forgotten);
    if inventory.lost.is_empty() && (forgotten || context.index.applied()?.is_none()) {
        return Ok(());
    }
    Err(StoreError::Unusable(format!(
        "{}: all {} segments are missing or unusable; is the disk that holds them mounted?",
        context.folder.dir.display(),
        inventory.lost.len()
    )))
}

/// Gives lost segments up: they are not waited for any more, and what the index has seen of them is all there is.
///
/// # Errors
/// What reading and writing give.
pub fn forget(context: &RecoveryContext<'_>) -> Result<Vec<Damage>, StoreError> {
    let inventory = inventory::take(context)?;
    for damage in &inventory.lost {
        let Position { segment, offset } = damage.from;
        match inventory.listed.entry(segment) {
            Some(entry) if !damage.is_whole() => {
                inventory.listed.list(SegmentEntry { length: offset, state: SegmentState::Left, ..entry });
            }
            _ => inventory.listed.set_state(segment, SegmentState::Forgotten),
        }
    }
    let mut hidden = context.index.hidden()?;
    hidden.unseen.clear();
    let mut batch = Batch::new();
    context.index.stage_hidden(&mut batch, &hidden);
    context.index.write(batch)?;
    context.index.flush()?;
    // Last: until then they are lost, and giving them up can be tried again.
    inventory.listed.save()?;
    Ok(inventory.lost)
}

/// What a rebuild by hand came to.
pub struct Rebuilt {
    /// False when the index was kept: it has seen segments that are lost, so that one made without them would know
    /// less.
    pub done: bool,
    pub damage: Vec<Damage>,
}

/// Rebuilds the index without starting a log. A torn tail is cut first, as at any start.
///
/// # Errors
/// As [`recover`].
pub fn rebuild_only(context: &RecoveryContext<'_>, report: &mut dyn FnMut(Progress)) -> Result<Rebuilt, StoreError> {
    let inventory = inventory::take(context)?;
    if inventory.segments.is_empty() {
        refuse_nothing(context, &inventory)?;
    }
    if hidden::knows_lost(context, &inventory)? {
        return Ok(Rebuilt { done: false, damage: inventory.lost });
    }
    let survey = survey::survey(context, &inventory, None)?;
    let (writer, segments) = cut::cut(context, &inventory, &survey)?;
    let ends = Ends { survey: &survey, resumed: writer.position(), upto: None };
    let (found, _) = fill(context, inventory, None, &segments, &ends, report)?;
    context.index.flush()?;
    Ok(Rebuilt { done: true, damage: found.damage })
}
