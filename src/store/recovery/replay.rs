//! Replay: the commits of the log's tail, applied once, in the batches they were committed in.

use std::sync::Arc;

use deltastore_format::{
    Change, Commit, NodePayload, Op, PlacedKind, Placement, Position, RecordKind, SegmentId, WindowHead,
    window::MAX_WINDOW_HEAD_LEN,
};

use super::super::apply::Applier;
use super::super::blob::{AppendedBlob, Space};
use super::super::bugs::Bug;
use super::super::error::StoreError;
use super::inventory::Inventory;
use super::survey::{Damage, Survey};
use super::{Ends, Hides, RecoveryContext, extent, first_record};
use crate::index::BlobRow;
use crate::segment::{Record, Scanned, Scanner, SegmentReader, WindowPayload};

struct Pending {
    commit: Commit,
    position: Position,
    record_len: u64,
    placings: Vec<Arc<AppendedBlob>>,
}

/// Where the index stands, and what is known to be damaged.
struct Known<'a> {
    start: Position,
    survey: &'a Survey,
    lost: &'a [Damage],
}

/// Applies everything between `start` and the survey's end; the next sequence number and the number of commits.
/// The index then covers the log up to `resumed`, where it goes on: behind a footer nothing could be told from there.
pub fn replay(
    context: &RecoveryContext<'_>,
    inventory: &Inventory,
    segments: &[SegmentId],
    start: Position,
    ends: &Ends<'_>,
    hides: &mut Hides<'_>,
) -> Result<(u64, u64), StoreError> {
    let Ends { survey, resumed, .. } = *ends;
    let known = Known { start, survey, lost: &inventory.lost };
    let mut next_sequence = context.index.next_sequence()?.0.max(1);
    let mut pending: Vec<Pending> = Vec::new();
    let mut replayed = 0;
    let mut covered = start;
    for id in segments.iter().copied().filter(|id| *id >= start.segment && *id <= survey.end.segment) {
        let from =
            if id == start.segment && !context.bugs.has(Bug::RecoveryReplaysTwice) { start } else { first_record(id) };
        let reader = context.readers.get(id)?;
        let mut scanner = Scanner::new(&reader, from.offset, WindowPayload::Head(0))?;
        for scanned in scanner.by_ref() {
            for Record { header, payload } in commits(&reader, scanned?, hides)? {
                if header.position >= survey.end {
                    continue;
                }
                let Ok(commit) = Commit::decode(&payload) else { continue };
                // Commits of one batch know the same durable position and touch different things.
                if pending.first().is_some_and(|first| first.commit.durable_upto != commit.durable_upto) {
                    apply(context, &mut pending, covered, next_sequence)?;
                }
                let record_len = deltastore_format::record_len(header.payload_len);
                covered = Position { segment: id, offset: header.position.offset + record_len };
                next_sequence = next_sequence.max(highest_sequence(&commit) + 1);
                let placings = placings(context, &commit, &known, hides)?;
                pending.push(Pending { commit, position: header.position, record_len, placings });
                replayed += 1;
            }
        }
    }
    if context.bugs.has(Bug::RecoverySkipsLastCommit) {
        pending.pop();
    }
    if context.bugs.has(Bug::RecoveryReusesSequences) {
        next_sequence = 1;
    }
    let upto = if context.bugs.has(Bug::AppliedBehindFooter) { survey.end } else { resumed };
    apply(context, &mut pending, upto.max(start), next_sequence)?;
    Ok((next_sequence, replayed))
}

/// The commits of what was scanned; of damage, those in which one bit is wrong.
fn commits(reader: &SegmentReader, scanned: Scanned, hides: &mut Hides<'_>) -> Result<Vec<Record>, StoreError> {
    let (from, to) = match scanned {
        Scanned::Record { header, payload } if header.kind == RecordKind::Commit => {
            return Ok(vec![Record { header, payload }]);
        }
        Scanned::Record { .. } => return Ok(Vec::new()),
        Scanned::Damage { from, to, .. } => (from, to),
    };
    let mut flipped = reader.flipped_commits(from, to)?;
    flipped.retain(|record| Commit::decode(&record.payload).is_ok());
    let at = Position { segment: reader.header().segment, offset: from };
    for gap in hides.damage.iter_mut().filter(|gap| gap.from == at) {
        gap.restore(flipped.iter().map(extent));
    }
    Ok(flipped)
}

fn apply(
    context: &RecoveryContext<'_>,
    pending: &mut Vec<Pending>,
    upto: Position,
    next_sequence: u64,
) -> Result<(), StoreError> {
    let mut applier = Applier::new(context.index, context.bugs);
    for Pending { commit, position, record_len, placings } in pending.drain(..) {
        applier.commit(&commit, position, record_len, &placings)?;
    }
    Ok(applier.finish(upto, next_sequence)?)
}

/// What the commit places and the index does not know, read from the records themselves.
fn placings(
    context: &RecoveryContext<'_>,
    commit: &Commit,
    Known { start, survey, lost }: &Known<'_>,
    hides: &mut Hides<'_>,
) -> Result<Vec<Arc<AppendedBlob>>, StoreError> {
    let mut found = Vec::with_capacity(commit.placed.len());
    for placed in &commit.placed {
        let known = context.index.blob(&placed.hash)?;
        // An optimized window may take the place of one that is not.
        if known.is_some() && context.bugs.has(Bug::ReplayKeepsReplaced) {
            continue;
        }
        let heals = commit.healing && !context.bugs.has(Bug::HealForgottenInReplay);
        let stays = |row: &BlobRow| {
            row.position == placed.position || !heals && (row.optimized || row.kind == PlacedKind::Node)
        };
        if known.as_ref().is_some_and(stays) {
            continue;
        }
        // Links of a record that is not whole would be counted wrong. The survey has checked what lies in the tail.
        let whole = if lost.iter().any(|lost| lost.covers(placed.position)) {
            // The index may have seen what is before it in the lost segment, and never sees this otherwise.
            hides.unseen.entry(placed.position.segment).or_insert(true);
            continue;
        } else if placed.position < *start {
            check_whole(context, placed.position)
        } else if survey.damage.iter().any(|gap| gap.covers(placed.position)) {
            continue;
        } else {
            Ok(())
        };
        match whole.and_then(|()| read_placing(context, placed, space_of(commit))) {
            Ok(placing) if known.is_none() || placing.row.optimized || heals => found.push(Arc::new(placing)),
            Ok(_) => {}
            // A read that fails now says nothing of what is stored: applied without the blob, the commit would be lost.
            Err(error) if !error.is_damage() => return Err(error),
            Err(error) => hides.damage.push(Damage::new(
                placed.position,
                placed.position.offset,
                &format_args!("{:?} {} of a commit: {error}", placed.kind, placed.hash),
            )),
        }
    }
    Ok(found)
}

fn check_whole(context: &RecoveryContext<'_>, position: Position) -> Result<(), StoreError> {
    context.readers.get(position.segment)?.read(position.offset)?;
    Ok(())
}

/// The deltaspace of what a commit puts, so that its windows are found again as references.
fn space_of(commit: &Commit) -> Space {
    commit
        .ops
        .iter()
        .find_map(|op| match op {
            Op::Version(Change::Put { put, .. }) => Some(Space::of(put.bucket, &put.key)),
            _ => None,
        })
        .unwrap_or_default()
}

/// A blob as its record describes it.
pub fn read_placing(
    context: &RecoveryContext<'_>,
    placed: &Placement,
    space: Space,
) -> Result<AppendedBlob, StoreError> {
    let reader = context.readers.get(placed.position.segment)?;
    let wanted = match placed.kind {
        PlacedKind::Window => MAX_WINDOW_HEAD_LEN,
        PlacedKind::Node => usize::MAX,
    };
    let record = reader.read_prefix(placed.position.offset, wanted)?;
    let record_len = deltastore_format::record_len(record.header.payload_len);
    placing_of(placed, record.header.kind, &record.payload, record_len, space)
}

/// A blob from the first bytes of its record's payload.
pub fn placing_of(
    placed: &Placement,
    kind: RecordKind,
    payload: &[u8],
    record_len: u64,
    space: Space,
) -> Result<AppendedBlob, StoreError> {
    let position = placed.position;
    let mut row = BlobRow {
        kind: placed.kind,
        position,
        record_len,
        raw_len: 0,
        codec: deltastore_format::Codec::Raw,
        depth: 0,
        optimized: false,
        references: Vec::new(),
    };
    match (placed.kind, kind) {
        (PlacedKind::Window, RecordKind::Window) => {
            let (head, _) = WindowHead::decode_prefix(payload)
                .map_err(|error| StoreError::undecodable(position, "window head", &error))?;
            if head.hash != placed.hash {
                return Err(StoreError::damaged(position, placed.hash, head.hash));
            }
            row.raw_len = head.raw_len;
            row.codec = head.codec;
            row.depth = head.depth;
            row.optimized = head.optimized;
            row.references = head.references.clone();
            Ok(AppendedBlob {
                hash: placed.hash,
                row,
                links: head.references,
                features: head.features,
                space,
                heals: false,
            })
        }
        (PlacedKind::Node, RecordKind::Node) => {
            let node = NodePayload::decode(payload)
                .map_err(|error| StoreError::undecodable(position, "recipe node", &error))?;
            let links = node.links().collect();
            Ok(AppendedBlob { hash: placed.hash, row, links, features: Vec::new(), space, heals: false })
        }
        (wanted, found) => Err(StoreError::damaged(position, format!("{wanted:?}"), format!("{found:?}"))),
    }
}

/// The highest sequence number a commit uses.
pub fn highest_sequence(commit: &Commit) -> u64 {
    commit.ops.iter().map(Op::sequence).max().unwrap_or(0)
}
