//! Compaction: moving what is alive out of a segment, then removing the file.

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Commit, Hash, PlacedKind, RecordKind, SegmentHeader, SegmentId, WindowHead};
use sha2::{Digest, Sha256};

use super::{CollectOptions, CollectReport};
use crate::segment::{Scanned, Scanner, SegmentReader, WindowPayload, segment_dir, segment_path};
use crate::store::Store;
use crate::store::bugs::Bug;
use crate::store::error::StoreError;
use crate::store::log::{Moved, Relocation};

/// Free bytes that a compaction wants beside what it copies: for commits and the index.
const ROOM: u64 = 8 << 20;
/// Bytes moved in one batch.
const CHUNK: usize = 4 << 20;

/// Compacts every segment that qualifies, the deadest first, so that a full disk gets room early.
pub fn compact_all(
    store: &Store,
    options: CollectOptions,
    done: &mut CollectReport,
    report: &mut dyn FnMut(&CollectReport),
) -> Result<(), StoreError> {
    let active = store.index().applied()?.map(|applied| applied.segment);
    if options.seal_active
        && let Some(active) = active
        && dead_share(store, active)? >= options.min_dead
    {
        match store.inner().log()?.seal() {
            // Not even a footer fits: other segments may be dead altogether and need no room.
            Err(StoreError::Full) => done.segments_without_room += 1,
            sealed => drop(sealed?),
        }
    }
    let Some(covered) = store.index().applied()?.map(|applied| applied.segment) else { return Ok(()) };
    let mut victims = Vec::new();
    for id in store.inner().segments.all().into_iter().filter(|id| *id < covered) {
        let dead = dead_share(store, id)?;
        if dead >= options.min_dead {
            victims.push((id, dead));
        }
    }
    victims.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (id, _) in victims {
        let compacted = if has_room(store, id)? { compact(store, id, done) } else { Err(StoreError::Full) };
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
fn has_room(store: &Store, id: SegmentId) -> Result<bool, StoreError> {
    let live = u64::try_from(store.index().live(id)?).unwrap_or(0);
    let needed = if live == 0 { 0 } else { live + ROOM };
    Ok(store.inner().vfs.free_bytes(store.dir())? >= needed)
}

/// Share of a segment's bytes that nothing needs, 0 to 1.
fn dead_share(store: &Store, id: SegmentId) -> Result<f64, StoreError> {
    let len = store.inner().blobs.readers().get(id)?.file_len()?.saturating_sub(SEGMENT_HEADER_LEN as u64);
    if len == 0 {
        return Ok(0.0);
    }
    let live = store.index().live(id)?.max(0) as f64;
    Ok((1.0 - live / len as f64).max(0.0))
}

fn compact(store: &Store, id: SegmentId, done: &mut CollectReport) -> Result<(), StoreError> {
    let inner = store.inner();
    if inner.pins.has_fresh_in(id) && !inner.bugs.has(Bug::CompactFresh) {
        done.postponed += 1;
        return Ok(());
    }
    let reader = inner.blobs.readers().get(id)?;
    let len = reader.file_len()?;
    // Checked before anything moves, or every collection would copy the part before the damage again.
    if !is_whole(&reader)? {
        tracing::warn!(segment = %id, "damaged segment left as it is");
        done.damaged_segments += 1;
        return Ok(());
    }
    let Some(moved) = move_live(store, &reader, id)? else {
        tracing::warn!(segment = %id, "damaged segment left as it is");
        done.damaged_segments += 1;
        return Ok(());
    };
    if !inner.bugs.has(Bug::SkipFlushBeforeUnlink) {
        store.index().flush()?;
    }
    inner.vfs.remove(&segment_path(store.dir(), id))?;
    inner.vfs.sync_dir(&segment_dir(store.dir()))?;
    inner.segments.remove(id);
    inner.blobs.readers().forget(id);
    done.segments += 1;
    done.moved_bytes += moved;
    done.freed_bytes += len.saturating_sub(moved);
    Ok(())
}

/// True when every record of the segment is whole, and its header too.
fn is_whole(reader: &SegmentReader) -> Result<bool, StoreError> {
    let mut scanner = Scanner::new(reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Whole)?;
    for scanned in scanner.by_ref() {
        if matches!(scanned?, Scanned::Damage { .. }) {
            return Ok(false);
        }
    }
    let torn = scanner.into_end().is_none_or(|end| end.torn.is_some());
    Ok(!torn && reader.header_damage().is_none() && header_now(reader)?)
}

/// True when the header on disk is what it was when the file was opened.
fn header_now(reader: &SegmentReader) -> Result<bool, StoreError> {
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    reader.file().read_exact_at(&mut bytes, 0)?;
    Ok(SegmentHeader::decode(&bytes).is_ok_and(|header| header == *reader.header()))
}

/// Copies everything alive; nothing when the segment has damage.
fn move_live(store: &Store, reader: &SegmentReader, id: SegmentId) -> Result<Option<u64>, StoreError> {
    let mut moved = 0;
    let mut slice = Relocation { segment: id, blobs: Vec::new(), ops: Vec::new() };
    let mut bytes = 0;
    let mut scanner = Scanner::new(reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Whole)?;
    for scanned in scanner.by_ref() {
        let Scanned::Record { header, payload } = scanned? else { return Ok(None) };
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
        };
        // A look ahead that spares copies of what is dead; the log decides.
        if let Some(kind) = kind
            && store.index().blob(&hash)?.is_some_and(|row| row.position == header.position)
        {
            bytes += payload.len();
            slice.blobs.push(Moved { kind, hash, from: header.position, payload });
        }
        if bytes >= CHUNK {
            moved += store.inner().log()?.relocate(std::mem::replace(
                &mut slice,
                Relocation { segment: id, blobs: Vec::new(), ops: Vec::new() },
            ))?;
            bytes = 0;
        }
    }
    if scanner.into_end().is_none_or(|end| end.torn.is_some()) {
        return Ok(None);
    }
    moved += store.inner().log()?.relocate(slice)?;
    Ok(Some(moved))
}
