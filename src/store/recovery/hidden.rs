//! What the log hides from the index: damage, and segments that are lost.
//!
//! The index notes which lost segments it has *not seen*: those that were lost when it was made, and those behind the
//! position that it had applied. What it has seen it still knows when the segment is gone, so it is kept; once it has
//! seen nothing of all that is lost, and something that it has not seen is back, a rebuild only adds to it.
//!
//! Where something was not seen, sequence numbers in it are unknown: those given out next leap far over them.

use std::collections::BTreeMap;

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Position, SegmentId, Sequence};

use super::RecoveryContext;
use super::inventory::Inventory;
use super::survey::Damage;
use crate::index::{Batch, Hidden};
use crate::store::error::StoreError;

/// More sequence numbers than all lost segments can have used.
const LEAP: u64 = 1 << 40;

/// Where the index has to be brought up from; none where it has to be rebuilt.
pub fn start(context: &RecoveryContext<'_>, inventory: &Inventory) -> Result<Option<Position>, StoreError> {
    let Some(applied) = context.index.applied()? else { return Ok(None) };
    let noted = context.index.hidden()?;
    let lost = inventory.lost_ids();
    let back = noted.unseen.keys().any(|id| !lost.contains(id));
    let knows_more = lost.iter().any(|id| noted.unseen.get(id).is_none_or(|partly| *partly));
    if back && !knows_more {
        tracing::warn!("segments that were lost are back; the index is rebuilt with them");
        return Ok(None);
    }
    if inventory.listed.entry(applied.segment).is_none() {
        tracing::error!(%applied, "the index is older than the segments; it is rebuilt from them");
        return Ok(None);
    }
    Ok(Some(applied))
}

/// Lost segments of which the index will not have seen everything.
pub fn unseen(
    context: &RecoveryContext<'_>,
    inventory: &Inventory,
    start: Option<Position>,
) -> Result<BTreeMap<SegmentId, bool>, StoreError> {
    let lost = inventory.lost_ids();
    let Some(start) = start else { return Ok(lost.into_iter().map(|id| (id, false)).collect()) };
    let mut unseen = context.index.hidden()?.unseen;
    let begun = start.offset > SEGMENT_HEADER_LEN as u64;
    for id in lost.into_iter().filter(|id| *id >= start.segment) {
        unseen.entry(id).or_insert(begun && id == start.segment);
    }
    Ok(unseen)
}

/// Notes in the index what was hidden from it; only a rebuild without damage takes that back. Answers the next sequence
/// number.
pub fn note(
    context: &RecoveryContext<'_>,
    rebuilt: bool,
    damage: &[Damage],
    unseen: &BTreeMap<SegmentId, bool>,
    next_sequence: u64,
) -> Result<u64, StoreError> {
    let before = context.index.hidden()?;
    let now = Hidden {
        damage: damage.iter().any(|damage| !damage.restored) || before.damage && !rebuilt,
        unseen: unseen.clone(),
    };
    let hides = |hidden: &Hidden| hidden.damage || !hidden.unseen.is_empty();
    let leaps = hides(&now) && (rebuilt || now.unseen != before.unseen);
    let next_sequence = if leaps { next_sequence.saturating_add(LEAP) } else { next_sequence };
    if now != before || leaps {
        let mut batch = Batch::new();
        context.index.stage_hidden(&mut batch, &now);
        context.index.stage_next_sequence(&mut batch, Sequence(next_sequence));
        context.index.write(batch)?;
    }
    Ok(next_sequence)
}

/// True when the index has seen a segment that is lost.
pub fn knows_lost(context: &RecoveryContext<'_>, inventory: &Inventory) -> Result<bool, StoreError> {
    let Some(applied) = context.index.applied()? else { return Ok(false) };
    let unseen = context.index.hidden()?.unseen;
    let seen = |id: &SegmentId| *id <= applied.segment && unseen.get(id).is_none_or(|partly| *partly);
    Ok(inventory.lost_ids().iter().any(seen))
}
