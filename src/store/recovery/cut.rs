//! Cutting the torn tail, and making what is left durable.

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Commit, Position, RecordKind, SegmentId};

use super::super::bugs::Bug;
use super::super::error::StoreError;
use super::survey::{Damage, Survey};
use super::{Scene, first_record, new_segment};
use crate::segment::{
    Scanned, Scanner, SegmentReader, SegmentWriter, WindowPayload, list_segments, segment_dir, segment_path,
};

/// The segments of this store, oldest first, and those of their headers that are damaged. A last segment whose header never
/// reached the disk is removed: nothing in it was acknowledged, because its header is synced before anything in it is.
pub fn usable_segments(scene: &Scene<'_>) -> Result<(Vec<SegmentId>, Vec<Damage>), StoreError> {
    let folder = scene.folder;
    let open = |id| SegmentReader::open(folder.vfs.as_ref(), &folder.dir, id);
    let mut segments = list_segments(folder.vfs.as_ref(), &folder.dir)?;
    let mut removed = false;
    while let Some(last) = segments.last().copied() {
        let reader = open(last)?;
        if reader.header_damage().is_none() || was_durable(scene, &reader, last)? {
            break;
        }
        folder.vfs.remove(&segment_path(&folder.dir, last))?;
        segments.pop();
        removed = true;
    }
    if removed {
        folder.vfs.sync_dir(&segment_dir(&folder.dir))?;
    }
    let mut damage = Vec::new();
    for id in &segments {
        let reader = open(*id)?;
        if let Some(error) = reader.header_damage() {
            let from = Position { segment: *id, offset: 0 };
            damage.push(Damage { from, to: SEGMENT_HEADER_LEN as u64, reason: error.to_string() });
        } else if reader.header().store != folder.header.store {
            return Err(StoreError::Unusable(format!("{} belongs to another store", reader.path().display())));
        }
    }
    Ok((segments, damage))
}

/// True when the index or a commit in the segment says that something in it was synced, and so was its header.
fn was_durable(scene: &Scene<'_>, reader: &SegmentReader, id: SegmentId) -> Result<bool, StoreError> {
    if scene.index.applied()?.is_some_and(|applied| applied > first_record(id)) {
        return Ok(true);
    }
    for scanned in Scanner::new(reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Head(0))? {
        if let Scanned::Record { header, payload } = scanned?
            && header.kind == RecordKind::Commit
            && Commit::decode(&payload).is_ok_and(|commit| commit.durable_upto.segment >= id)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what lies behind the end, syncs the rest and opens the last segment for appending.
pub fn cut(
    scene: &Scene<'_>,
    mut segments: Vec<SegmentId>,
    survey: &Survey,
) -> Result<(SegmentWriter, Vec<SegmentId>), StoreError> {
    let folder = scene.folder;
    while let Some(last) = segments.last().copied().filter(|last| *last > survey.end.segment) {
        if scene.bugs.has(Bug::RecoveryKeepsLaterSegments) {
            break;
        }
        folder.vfs.remove(&segment_path(&folder.dir, last))?;
        scene.readers.forget(last);
        segments.pop();
    }
    if !scene.bugs.has(Bug::RecoverySkipsSync) {
        for id in segments.iter().filter(|id| id.0 + 1 >= survey.end.segment.0) {
            scene.readers.get(*id)?.file().sync_data()?;
        }
        folder.vfs.sync_dir(&segment_dir(&folder.dir))?;
    }
    let last = segments.last().copied().unwrap_or(survey.end.segment);
    if survey.sealed || last != survey.end.segment {
        return new_last(scene, segments);
    }
    let reader = scene.readers.get(last)?;
    let damaged = reader.header_damage().is_some();
    // A file that is even shorter than its header has nothing to be cut off.
    if damaged && reader.file_len()? < survey.end.offset {
        return new_last(scene, segments);
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
    new_last(scene, segments)
}

/// A new segment behind the others, to go on in.
fn new_last(scene: &Scene<'_>, mut segments: Vec<SegmentId>) -> Result<(SegmentWriter, Vec<SegmentId>), StoreError> {
    let last = segments.last().map_or(0, |last| last.0);
    let writer = new_segment(scene, SegmentId(last + 1))?;
    segments.push(writer.position().segment);
    Ok((writer, segments))
}
