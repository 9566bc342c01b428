//! Compaction: moving what is alive out of a segment, then removing the file.

use std::collections::BTreeSet;

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{
    Commit, Hash, Parity, PlacedKind, Position, RecordKind, SegmentHeader, SegmentId, SegmentState, WindowHead,
    record_len,
};
use deltastore_segment::{Record, Scanned, Scanner, SegmentReader, WindowPayload, segment_dir, segment_path};
use sha2::{Digest, Sha256};

use super::options::CollectOptions;
use super::parts::Parts;
use super::report::CollectReport;
use crate::store::bugs::Bug;
use crate::store::error::StoreError;
use crate::store::log::{Moved, MovedParity, Relocation};
use crate::store::stop::go_on;

/// Free bytes that a compaction wants beside what it copies: for commits and the index.
const MIN_FREE_BYTES: u64 = 8 << 20;
/// Bytes moved in one batch.
const CHUNK: usize = 4 << 20;

/// Compacts every segment that qualifies, the deadest first, so that a full disk gets room early.
pub fn compact_all(
    parts: &Parts<'_>,
    options: CollectOptions,
    done: &mut CollectReport,
    report: &mut dyn FnMut(&CollectReport),
) -> Result<(), StoreError> {
    let covered = parts.index.applied()?.map(|applied| applied.segment);
    // Uploads that were given up leave whole segments behind that no commit follows.
    if covered < parts.segments.all().last().copied() {
        match parts.log.cover() {
            Err(StoreError::Full) => {}
            covered => drop(covered?),
        }
    }
    let active = parts.index.applied()?.map(|applied| applied.segment);
    if options.seal_active
        && let Some(active) = active
        && dead_share(parts, active)? >= options.min_dead
    {
        match parts.log.seal() {
            // Not even a footer fits: other segments may be dead altogether and need no room.
            Err(StoreError::Full) => done.segments_without_room += 1,
            sealed => drop(sealed?),
        }
    }
    let Some(covered) = parts.index.applied()?.map(|applied| applied.segment) else { return Ok(()) };
    let mut victims = Vec::new();
    for id in parts.segments.all().into_iter().filter(|id| *id < covered) {
        let dead = dead_share(parts, id)?;
        if dead >= options.min_dead {
            victims.push((id, dead));
        }
    }
    victims.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (id, _) in victims {
        let compacted = if has_room(parts, id)? { compact(parts, id, done) } else { Err(StoreError::Full) };
        match compacted {
            // The next may need less.
            Err(StoreError::Full) => done.segments_without_room += 1,
            compacted => compacted?,
        }
        report(done);
    }
    Ok(())
}

/// True when what is alive in a segment fits the free space once more. Where nothing is, trying costs nothing.
fn has_room(parts: &Parts<'_>, id: SegmentId) -> Result<bool, StoreError> {
    let live = u64::try_from(parts.index.live(id)?).unwrap_or(0);
    let needed = if live == 0 { 0 } else { live + MIN_FREE_BYTES };
    Ok(parts.vfs.free_bytes(parts.dir)? >= needed)
}

/// Share of a segment's bytes that nothing needs, 0 to 1.
fn dead_share(parts: &Parts<'_>, id: SegmentId) -> Result<f64, StoreError> {
    let len = parts.blobs.readers().get(id)?.file_len()?.saturating_sub(SEGMENT_HEADER_LEN as u64);
    if len == 0 {
        return Ok(0.0);
    }
    let live = parts.index.live(id)?.max(0) as f64;
    Ok((1.0 - live / len as f64).max(0.0))
}

fn compact(parts: &Parts<'_>, id: SegmentId, done: &mut CollectReport) -> Result<(), StoreError> {
    if parts.pins.has_fresh_in(id) && !parts.bugs.has(Bug::CompactFresh) {
        done.postponed += 1;
        return Ok(());
    }
    let reader = parts.blobs.readers().get(id)?;
    let len = reader.file_len()?;
    // Checked before anything moves, or every collection would copy the part before the damage again.
    let Some(dropped) = droppable(parts, &reader, id)? else {
        tracing::warn!(segment = %id, "damaged segment left as it is");
        done.damaged_segments += 1;
        return Ok(());
    };
    let Some(moved) = move_live(parts, &reader, id, &dropped)? else {
        tracing::warn!(segment = %id, "damaged segment left as it is");
        done.damaged_segments += 1;
        return Ok(());
    };
    if !parts.bugs.has(Bug::SkipFlushBeforeUnlink) {
        parts.index.flush()?;
    }
    let late = parts.bugs.has(Bug::ManifestAfterUnlink);
    if !late {
        parts.segments.set_state(id, SegmentState::Going);
        parts.segments.save()?;
    }
    parts.vfs.remove(&segment_path(parts.dir, id))?;
    parts.vfs.sync_dir(&segment_dir(parts.dir))?;
    parts.segments.removed(id);
    if late {
        parts.segments.save()?;
    }
    parts.blobs.readers().forget(id);
    done.segments += 1;
    done.moved_bytes += moved;
    done.freed_bytes += len.saturating_sub(moved);
    Ok(())
}

/// The damaged records of a segment if nothing needs any of them, none if every record is whole; nothing when the
/// segment must stay.
fn droppable(parts: &Parts<'_>, reader: &SegmentReader, id: SegmentId) -> Result<Option<BTreeSet<u64>>, StoreError> {
    let mut damaged = BTreeSet::new();
    let mut scanner = Scanner::new(reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Whole)?;
    for scanned in scanner.by_ref() {
        go_on(parts.stop)?;
        match scanned? {
            Scanned::Damage { from, to, .. } if is_blob(reader, from, to) => drop(damaged.insert(from)),
            Scanned::Damage { from, to, .. } if flipped_commit(reader, from, to)?.is_some() => {}
            Scanned::Damage { .. } => return Ok(None),
            Scanned::Record { .. } => {}
        }
    }
    let torn = scanner.into_end().is_none_or(|end| end.torn.is_some());
    if torn || reader.header_damage().is_some() || !header_now(reader)? {
        return Ok(None);
    }
    if !damaged.is_empty() {
        for row in parts.index.all_blobs(Hash::default()) {
            let Position { segment, offset } = row?.1.position;
            if segment == id && damaged.contains(&offset) {
                return Ok(None);
            }
        }
    }
    Ok(Some(damaged))
}

/// Whether damaged bytes are one record of a window, node or member, with a whole header: a commit may be all that
/// knows of something.
fn is_blob(reader: &SegmentReader, from: u64, to: u64) -> bool {
    reader.read_header(from).is_ok_and(|header| {
        matches!(header.kind, RecordKind::Window | RecordKind::Node) && from + record_len(header.payload_len) == to
    })
}

/// The commit that damage is, if one bit of it is wrong and no more.
fn flipped_commit(reader: &SegmentReader, from: u64, to: u64) -> Result<Option<Record>, StoreError> {
    let found = reader.flipped_commits(from, to)?;
    let fills =
        |record: &Record| record.header.position.offset == from && from + record_len(record.header.payload_len) == to;
    Ok(found.into_iter().next().filter(fills))
}

/// True when the header on disk is what it was when the file was opened.
fn header_now(reader: &SegmentReader) -> Result<bool, StoreError> {
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    reader.file().read_exact_at(&mut bytes, 0)?;
    Ok(SegmentHeader::decode(&bytes).is_ok_and(|header| header == *reader.header()))
}

/// Copies everything alive; nothing when the segment has damage other than what is to be dropped.
fn move_live(
    parts: &Parts<'_>,
    reader: &SegmentReader,
    id: SegmentId,
    dropped: &BTreeSet<u64>,
) -> Result<Option<u64>, StoreError> {
    let mut moved = 0;
    let nothing = || Relocation { segment: id, blobs: Vec::new(), parity: Vec::new(), ops: Vec::new() };
    let (mut slice, mut bytes) = (nothing(), 0);
    let mut scanner = Scanner::new(reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Whole)?;
    for scanned in scanner.by_ref() {
        go_on(parts.stop)?;
        let (header, payload) = match scanned? {
            Scanned::Record { header, payload } => (header, payload),
            Scanned::Damage { from, .. } if dropped.contains(&from) => continue,
            Scanned::Damage { from, to, .. } => match flipped_commit(reader, from, to)? {
                Some(Record { header, payload }) => (header, payload),
                None => return Ok(None),
            },
        };
        let (kind, hash) = match header.kind {
            RecordKind::Footer => continue,
            RecordKind::Commit => {
                let Ok(commit) = Commit::decode(&payload) else { return Ok(None) };
                slice.ops.extend(commit.ops.into_iter().map(|op| (header.position, op)));
                bytes += payload.len();
                (None, Hash::default())
            }
            RecordKind::Window => {
                let Ok((head, _)) = WindowHead::decode(&payload) else { return Ok(None) };
                (Some(PlacedKind::Window), head.hash)
            }
            RecordKind::Node => (Some(PlacedKind::Node), Hash(Sha256::digest(&payload).into())),
            RecordKind::Parity => {
                let Ok(Parity { hash, .. }) = Parity::decode(&payload) else { return Ok(None) };
                if parts.index.parity(&hash)?.is_some_and(|row| row.position == header.position)
                    && !parts.bugs.has(Bug::CompactionDropsParity)
                {
                    bytes += payload.len();
                    slice.parity.push(MovedParity { hash, from: header.position, payload: payload.clone() });
                }
                (None, Hash::default())
            }
        };
        // A look ahead that spares copies of what is dead; the log decides.
        if let Some(kind) = kind
            && parts.index.blob(&hash)?.is_some_and(|row| row.position == header.position)
        {
            bytes += payload.len();
            slice.blobs.push(Moved { kind, hash, from: header.position, payload });
        }
        if bytes >= CHUNK {
            moved += parts.log.relocate(std::mem::replace(&mut slice, nothing()))?;
            bytes = 0;
        }
    }
    if scanner.into_end().is_none_or(|end| end.torn.is_some()) {
        return Ok(None);
    }
    moved += parts.log.relocate(slice)?;
    Ok(Some(moved))
}
