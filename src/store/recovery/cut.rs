//! Cutting the torn tail, and making what is left durable.

use deltastore_format::ids::RECORD_ALIGN;
use deltastore_format::{RecordKind, SegmentEntry, SegmentId, SegmentState};

use super::super::bugs::Bug;
use super::super::error::StoreError;
use super::inventory::Inventory;
use super::survey::Survey;
use super::{RecoveryContext, new_segment};
use crate::segment::{SegmentWriter, segment_dir, segment_path};

/// Removes what lies behind the end, syncs the rest and opens the last segment for appending; the segments that are
/// left.
pub fn cut(
    context: &RecoveryContext<'_>,
    inventory: &Inventory,
    survey: &Survey,
) -> Result<(SegmentWriter, Vec<SegmentId>), StoreError> {
    let folder = context.folder;
    let mut segments = inventory.segments.clone();
    remove_later(context, inventory, survey, &mut segments)?;
    if !context.bugs.has(Bug::RecoverySkipsSync) {
        for id in segments.iter().filter(|id| id.0 + 1 >= survey.end.segment.0) {
            context.readers.get(*id)?.file().sync_data()?;
        }
        folder.vfs.sync_dir(&segment_dir(&folder.dir))?;
    }
    let (writer, segments) = open_last(context, inventory, survey, segments)?;
    // Where there was no manifest, it is learned now how long the others are.
    for id in segments.iter().filter(|id| **id < writer.position().segment) {
        if let Some(entry) = inventory.listed.entry(*id).filter(|entry| entry.length == 0) {
            let length = context.readers.get(*id)?.file_len()? / RECORD_ALIGN * RECORD_ALIGN;
            inventory.listed.list(SegmentEntry { length, state: SegmentState::Sealed, ..entry });
        }
    }
    inventory.listed.durable(writer.position());
    inventory.listed.save()?;
    Ok((writer, segments))
}

/// Removes segments behind the end, newest first. The manifest says so before, where it lists them.
fn remove_later(
    context: &RecoveryContext<'_>,
    inventory: &Inventory,
    survey: &Survey,
    segments: &mut Vec<SegmentId>,
) -> Result<(), StoreError> {
    let later: Vec<_> = segments.iter().copied().filter(|id| *id > survey.end.segment).collect();
    if later.is_empty() || context.bugs.has(Bug::RecoveryKeepsLaterSegments) {
        return Ok(());
    }
    for id in &later {
        inventory.listed.set_state(*id, SegmentState::Going);
    }
    inventory.listed.save()?;
    let folder = context.folder;
    for id in later.iter().rev() {
        folder.vfs.remove(&segment_path(&folder.dir, *id))?;
        context.readers.forget(*id);
        segments.retain(|segment| segment != id);
    }
    folder.vfs.sync_dir(&segment_dir(&folder.dir))?;
    later.into_iter().for_each(|id| inventory.listed.removed(id));
    Ok(())
}

fn open_last(
    context: &RecoveryContext<'_>,
    inventory: &Inventory,
    survey: &Survey,
    segments: Vec<SegmentId>,
) -> Result<(SegmentWriter, Vec<SegmentId>), StoreError> {
    let folder = context.folder;
    let last = segments.last().copied().unwrap_or(survey.end.segment);
    let lost = inventory.lost_ids();
    // Nothing is appended to a segment of which something is lost, nor to one before a lost one: the log's order holds.
    // Nor is what was on disk cut off of one whose last records are damaged.
    let known = inventory.listed.entry(last).map_or(0, |entry| entry.length);
    let newest = lost.iter().all(|id| *id < last) && (last != survey.end.segment || known <= survey.end.offset);
    leave_lost(inventory);
    if survey.sealed || last != survey.end.segment || !newest {
        if !survey.sealed && last == survey.end.segment {
            inventory.listed.set_state(last, SegmentState::Left);
        }
        return new_last(context, inventory, segments);
    }
    let reader = context.readers.get(last)?;
    let damaged = reader.header_damage().is_some();
    // A file that is shorter than what the index has applied of it has nothing to be cut off: it was cut and given up,
    // or it lacks even its header.
    if reader.file_len()? < survey.end.offset {
        return new_last(context, inventory, segments);
    }
    let mut writer = SegmentWriter::resume(folder.vfs.as_ref(), &folder.dir, last, survey.end.offset)?;
    if !damaged {
        return Ok((writer, segments));
    }
    // Nothing but its footer is added behind a damaged header.
    let mut footer = Vec::new();
    writer.footer().encode(&mut footer);
    writer.stage(RecordKind::Footer, &[&footer]);
    writer.write()?;
    writer.file().sync_data()?;
    inventory.listed.sealed(writer.position());
    new_last(context, inventory, segments)
}

/// A new segment behind the others, to go on in.
fn new_last(
    context: &RecoveryContext<'_>,
    inventory: &Inventory,
    mut segments: Vec<SegmentId>,
) -> Result<(SegmentWriter, Vec<SegmentId>), StoreError> {
    let writer = new_segment(context, inventory)?;
    segments.push(writer.position().segment);
    Ok((writer, segments))
}

/// The log goes on elsewhere than in what is lost: once that is back, it has no end, and that is no damage.
fn leave_lost(inventory: &Inventory) {
    for id in inventory.lost_ids() {
        if inventory.listed.entry(id).is_some_and(|entry| entry.state == SegmentState::Open) {
            inventory.listed.set_state(id, SegmentState::Left);
        }
    }
}
