//! The survey: what the log's tail holds, before anything is changed.

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Commit, Position, RecordKind, SegmentEntry, SegmentState};
use deltastore_segment::{Scanned, Scanner, WindowPayload};

use super::context::{RecoveryContext, first_record};
use super::inventory::Inventory;
use crate::store::bugs::Bug;
use crate::store::damage::Damage;
use crate::store::error::StoreError;

/// What the tail holds.
pub struct Survey {
    /// End of the log: everything from here on goes.
    pub end: Position,
    /// True when the segment at the end has its footer, so that a new one must be started.
    pub sealed: bool,
    pub damage: Vec<Damage>,
}

/// Reads the log from `start` on, or all of it.
pub fn survey(
    context: &RecoveryContext<'_>,
    inventory: &Inventory,
    start: Option<Position>,
) -> Result<Survey, StoreError> {
    let segments = &inventory.segments;
    let mut gaps = Vec::new();
    let mut durable = start.unwrap_or_default().max(listed_durable(inventory));
    let mut end = start.unwrap_or_default();
    let mut sealed = false;
    let tail: Vec<_> = segments.iter().copied().filter(|id| start.is_none_or(|start| *id >= start.segment)).collect();
    for (number, id) in tail.iter().enumerate() {
        let from = match start {
            Some(start) if start.segment == *id => start,
            _ => first_record(*id),
        };
        let segment = survey_segment(context, from, &mut durable, &mut gaps)?;
        sealed = segment.sealed;
        end = segment.end;
        let last = number + 1 == tail.len();
        if !last && !sealed {
            gaps.push(Damage::new(end, end.offset, &"the segment's end is missing"));
        }
        // The writer went on elsewhere without sealing it: what follows the last whole record was never acknowledged.
        // What is cut off of a short segment is named already.
        if left(inventory, end) || inventory.lost_ids().contains(id) {
            gaps.retain(|gap| gap.from != end);
        }
    }
    gaps.sort_by_key(|gap| gap.from);
    // The first gap with nothing durable behind it is where the crash tore the log.
    let known = |at: Position| inventory.listed.entry(at.segment).map_or(0, |entry| entry.length);
    let torn = gaps.iter().position(|gap| gap.from >= durable && gap.from.offset >= known(gap.from));
    if let Some(torn) = torn
        && !context.bugs.has(Bug::RecoveryKeepsTornTail)
    {
        end = gaps[torn].from;
        sealed = false;
        gaps.truncate(torn);
    }
    Ok(Survey { end, sealed, damage: gaps })
}

/// The furthest position that the manifest knows to be on disk. One of which nothing but the header is says nothing of
/// those before it, whose ends may not have been synced then.
fn listed_durable(inventory: &Inventory) -> Position {
    let entries = inventory.listed.entries();
    let active = |entry: &&SegmentEntry| {
        matches!(entry.state, SegmentState::Open | SegmentState::Sealed) && entry.length > SEGMENT_HEADER_LEN as u64
    };
    let position = |entry: &SegmentEntry| Position { segment: entry.segment, offset: entry.length };
    entries.iter().filter(active).map(position).max().unwrap_or_default()
}

/// True when the writer left the segment of `end`, and nothing behind `end` is known to have been on disk.
fn left(inventory: &Inventory, end: Position) -> bool {
    let left = |entry: SegmentEntry| entry.state == SegmentState::Left && end.offset >= entry.length;
    inventory.listed.entry(end.segment).is_some_and(left)
}

struct SegmentSurvey {
    end: Position,
    sealed: bool,
}

fn survey_segment(
    context: &RecoveryContext<'_>,
    from: Position,
    durable: &mut Position,
    gaps: &mut Vec<Damage>,
) -> Result<SegmentSurvey, StoreError> {
    let reader = context.readers.get(from.segment)?;
    let at = |offset| Position { segment: from.segment, offset };
    // Where the index stops right behind a footer there is nothing left to see but the footer itself.
    let mut sealed = false;
    let mut scanner = Scanner::new(&reader, from.offset, WindowPayload::Whole)?;
    for scanned in scanner.by_ref() {
        match scanned? {
            Scanned::Record { header, payload } => {
                sealed = header.kind == RecordKind::Footer;
                if header.kind == RecordKind::Commit {
                    match Commit::decode(&payload) {
                        Ok(commit) => *durable = (*durable).max(commit.durable_upto),
                        Err(error) => gaps.push(Damage::new(header.position, header.position.offset, &error)),
                    }
                }
            }
            Scanned::Damage { from, to, error } => gaps.push(Damage::new(at(from), to, &error)),
        }
    }
    let end = scanner.into_end();
    let Some(end) = end else { return Ok(SegmentSurvey { end: from, sealed }) };
    if let Some(torn) = end.torn {
        gaps.push(Damage::new(at(torn.from), torn.file_len, &torn.error));
        sealed = false;
    }
    Ok(SegmentSurvey { end: at(end.end), sealed })
}
