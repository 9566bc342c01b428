//! Cutting the torn tail, and making what is left durable.

use deltastore_format::SegmentId;
use deltastore_format::segment::SEGMENT_HEADER_LEN;

use super::super::bugs::Bug;
use super::super::error::StoreError;
use super::survey::Survey;
use super::{Scene, new_segment};
use crate::segment::{SegmentError, SegmentReader, SegmentWriter, list_segments, segment_dir, segment_path};

/// Segments with a header of this store, oldest first. A last segment whose header never reached the disk is removed:
/// nothing in it was acknowledged, because its header is synced before anything in it is.
pub fn usable_segments(scene: &Scene<'_>) -> Result<Vec<SegmentId>, StoreError> {
    let folder = scene.folder;
    let mut segments = list_segments(folder.vfs.as_ref(), &folder.dir)?;
    let mut removed = false;
    while let Some(last) = segments.last().copied() {
        match SegmentReader::open(folder.vfs.as_ref(), &folder.dir, last) {
            Ok(_) => break,
            Err(error) if never_written(scene, last, &error)? => {
                folder.vfs.remove(&segment_path(&folder.dir, last))?;
                segments.pop();
                removed = true;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if removed {
        folder.vfs.sync_dir(&segment_dir(&folder.dir))?;
    }
    for id in &segments {
        let reader = SegmentReader::open(folder.vfs.as_ref(), &folder.dir, *id)?;
        if reader.header().store != folder.header.store {
            return Err(StoreError::Unusable(format!("{} belongs to another store", reader.path().display())));
        }
    }
    Ok(segments)
}

/// A header that a crash kept from the disk: its last bytes are missing or zero, and the index has seen nothing behind it.
fn never_written(scene: &Scene<'_>, id: SegmentId, error: &SegmentError) -> Result<bool, StoreError> {
    if !matches!(error, SegmentError::Decode { .. })
        || scene.index.applied()?.is_some_and(|applied| applied.segment >= id)
    {
        return Ok(false);
    }
    let file = scene.folder.vfs.open(&segment_path(&scene.folder.dir, id))?;
    let mut last = [0];
    Ok(file.read_at(&mut last, SEGMENT_HEADER_LEN as u64 - 1)? == 0 || last == [0])
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
        let writer = new_segment(scene, SegmentId(last.0 + 1))?;
        segments.push(writer.position().segment);
        return Ok((writer, segments));
    }
    let writer = SegmentWriter::resume(folder.vfs.as_ref(), &folder.dir, last, survey.end.offset)?;
    Ok((writer, segments))
}
