//! The inventory: which segments are there, and which of those that the manifest lists are lost.
//!
//! A listed segment is *lost* if its file is missing or is another's (of another number, salt or store), and *short* if
//! the file ends before what was on disk when the manifest was written, or before what the index has applied. Both are
//! damage: named, never made good by a new file of that name, and nothing is collected while one is.
//!
//! Failure cases: a store all of whose segments are lost is not opened, since its disk is probably not mounted. A file
//! that cannot be read for another reason fails the start.

use std::collections::BTreeSet;
use std::sync::Arc;

use deltastore_format::ids::RECORD_ALIGN;
use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Commit, Hash, Position, RecordKind, SegmentEntry, SegmentId, SegmentState};

use super::super::error::StoreError;
use super::super::segments::Segments;
use super::survey::Damage;
use super::{RecoveryContext, first_record};
use crate::index::{EachKind, Index, IndexError, Table, each_kind};
use crate::segment::{Scanned, Scanner, SegmentReader, WindowPayload, list_segments, segment_dir, segment_path};

/// What is there.
pub struct Inventory {
    /// Segments that can be read, oldest first.
    pub segments: Vec<SegmentId>,
    /// Their headers that are not whole.
    pub headers: Vec<Damage>,
    /// Lost and short segments.
    pub lost: Vec<Damage>,
    pub listed: Arc<Segments>,
}

impl Inventory {
    /// Segments of which something is lost.
    pub fn lost_ids(&self) -> BTreeSet<SegmentId> {
        self.lost.iter().map(|damage| damage.from.segment).collect()
    }
}

/// Takes the inventory, and ends removals that a crash interrupted.
pub fn take(context: &RecoveryContext<'_>) -> Result<Inventory, StoreError> {
    let folder = context.folder;
    let manifest = &folder.manifest;
    let listed = Arc::new(Segments::new(folder, context.bugs));
    let mut inventory = Inventory { segments: Vec::new(), headers: Vec::new(), lost: Vec::new(), listed };
    let mut present: BTreeSet<SegmentId> = match list_segments(folder.vfs.as_ref(), &folder.dir) {
        Ok(ids) => ids.into_iter().collect(),
        Err(error) if error.is_missing() => BTreeSet::new(),
        Err(error) => return Err(error.into()),
    };
    let next = inventory.listed.next();
    present.iter().for_each(|id| inventory.listed.used(*id));
    finish_removals(context, &inventory.listed, &mut present)?;
    remove_unborn(context, &inventory.listed, &mut present)?;
    for id in &present {
        let known = inventory.listed.entry(*id);
        if known.is_none() && manifest.newest.is_some() && *id < next {
            pass_over(context, *id)?;
            continue;
        }
        inventory.look_at(context, *id, known)?;
    }
    inventory.name_missing(context, &present)?;
    for damage in &inventory.lost {
        inventory.listed.set_lost(damage.from.segment, damage.is_whole());
        if damage.is_whole() {
            context.readers.lose(damage.from.segment, damage.reason.clone());
        }
    }
    Ok(inventory)
}

/// Unlinks what the manifest says is going.
fn finish_removals(
    context: &RecoveryContext<'_>,
    listed: &Segments,
    present: &mut BTreeSet<SegmentId>,
) -> Result<(), StoreError> {
    let folder = context.folder;
    let going = |entry: &SegmentEntry| entry.state == SegmentState::Going;
    let going: Vec<_> = listed.entries().into_iter().filter(going).map(|entry| entry.segment).collect();
    for id in &going {
        if present.remove(id) && !folder.read_only {
            folder.vfs.remove(&segment_path(&folder.dir, *id))?;
        }
    }
    if !going.is_empty() && !folder.read_only {
        folder.vfs.sync_dir(&segment_dir(&folder.dir))?;
    }
    going.into_iter().for_each(|id| listed.removed(id));
    Ok(())
}

/// Removes last segments whose header never reached the disk: they are listed only after it did, so nothing in them was
/// acknowledged.
fn remove_unborn(
    context: &RecoveryContext<'_>,
    listed: &Segments,
    present: &mut BTreeSet<SegmentId>,
) -> Result<(), StoreError> {
    let folder = context.folder;
    let mut removed = false;
    while let Some(last) = present.last().copied().filter(|last| listed.entry(*last).is_none()) {
        let reader = match SegmentReader::open(folder.vfs.as_ref(), &folder.dir, last) {
            Ok(reader) => reader,
            Err(error) if error.is_misplaced() => break,
            Err(error) => return Err(error.into()),
        };
        if reader.header_damage().is_none() || was_durable(context, &reader, last)? {
            break;
        }
        present.remove(&last);
        if !folder.read_only {
            folder.vfs.remove(&segment_path(&folder.dir, last))?;
            removed = true;
        }
    }
    if removed {
        folder.vfs.sync_dir(&segment_dir(&folder.dir))?;
    }
    Ok(())
}

/// A segment that was removed in good order, or never begun, is not used. One that holds nothing is removed.
fn pass_over(context: &RecoveryContext<'_>, id: SegmentId) -> Result<(), StoreError> {
    let folder = context.folder;
    let path = segment_path(&folder.dir, id);
    if folder.vfs.open(&path)?.len()? > SEGMENT_HEADER_LEN as u64 {
        tracing::warn!(file = %path.display(), "a segment that was removed in good order is back; it is not used");
    } else if !folder.read_only {
        folder.vfs.remove(&path)?;
    }
    Ok(())
}

/// True when the index or a commit in the segment says that something in it was synced, and so was its header.
fn was_durable(context: &RecoveryContext<'_>, reader: &SegmentReader, id: SegmentId) -> Result<bool, StoreError> {
    if context.index.applied()?.is_some_and(|applied| applied > first_record(id)) {
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

impl Inventory {
    /// Holds a file against what is listed of it.
    fn look_at(
        &mut self,
        context: &RecoveryContext<'_>,
        id: SegmentId,
        known: Option<SegmentEntry>,
    ) -> Result<(), StoreError> {
        let folder = context.folder;
        let reader = match SegmentReader::open(folder.vfs.as_ref(), &folder.dir, id) {
            Ok(reader) => reader,
            Err(error) if error.is_misplaced() => return self.lose(context, id, known, error.to_string()),
            Err(error) => return Err(error.into()),
        };
        let header = reader.header();
        let broken = reader.header_damage();
        if broken.is_none() && header.store != folder.header.store {
            return self.lose(context, id, known, "the file is a segment of another store".into());
        }
        // Where the header is damaged, the salt is that of the records, if there are any.
        let salt = Some(header.salt).filter(|salt| broken.is_none() || *salt != 0);
        let expected = known.map(|entry| entry.salt).filter(|salt| *salt != 0);
        if let (Some(salt), Some(expected)) = (salt, expected)
            && salt != expected
        {
            return self.lose(context, id, known, "the file is another segment of the same number".into());
        }
        let len = reader.file_len()?;
        // Where the writer went on elsewhere, what is lost behind the length was given up.
        let left = known.is_some_and(|entry| entry.state == SegmentState::Left);
        let applied = context.index.applied()?.filter(|applied| applied.segment == id && !left);
        let wanted = known.map_or(0, |entry| entry.length).max(applied.map_or(0, |at| at.offset));
        if len < wanted && len < SEGMENT_HEADER_LEN as u64 {
            return self.lose(context, id, known, format!("the file has {len} bytes of at least {wanted}"));
        }
        self.segments.push(id);
        if let Some(error) = &broken {
            let from = Position { segment: id, offset: 0 };
            self.headers.push(Damage::new(from, SEGMENT_HEADER_LEN as u64, &error));
        }
        if len < wanted {
            let from = Position { segment: id, offset: len - len % RECORD_ALIGN };
            let reason = format!("the file has {len} bytes of at least {wanted} that were on disk");
            self.lost.push(Damage::new(from, wanted, &reason));
        }
        // What the index has applied was on disk: once its position has moved on, only the manifest tells.
        let known = known.map(|entry| SegmentEntry { length: wanted, ..entry });
        known.into_iter().filter(|_| len < wanted).for_each(|entry| self.listed.list(entry));
        match known {
            None => self.listed.list(SegmentEntry {
                segment: id,
                salt: salt.unwrap_or_default(),
                length: 0,
                state: SegmentState::Open,
            }),
            // It is found again.
            Some(entry) if entry.state == SegmentState::Forgotten => self.listed.set_state(id, SegmentState::Left),
            Some(_) => {}
        }
        Ok(())
    }

    fn lose(
        &mut self,
        context: &RecoveryContext<'_>,
        id: SegmentId,
        known: Option<SegmentEntry>,
        reason: String,
    ) -> Result<(), StoreError> {
        match known {
            Some(entry) if entry.state == SegmentState::Forgotten => {}
            Some(_) => self.lost.push(Damage::whole(id, &reason)),
            None if context.folder.manifest.newest.is_none() => {
                self.list_lost(id);
                self.lost.push(Damage::whole(id, &reason));
            }
            None => tracing::warn!(segment = %id, reason, "a file among the segments is none of this store's"),
        }
        Ok(())
    }

    fn list_lost(&self, segment: SegmentId) {
        self.listed.list(SegmentEntry { segment, salt: 0, length: 0, state: SegmentState::Left });
    }

    /// Names what is listed and not there; without a manifest, what the index points into.
    fn name_missing(&mut self, context: &RecoveryContext<'_>, present: &BTreeSet<SegmentId>) -> Result<(), StoreError> {
        for entry in self.listed.entries() {
            if entry.state == SegmentState::Forgotten {
                context.readers.lose(entry.segment, "it was given up for lost".into());
            } else if !present.contains(&entry.segment) {
                let reason = format!("the file is missing; at least {} bytes of it were on disk", entry.length);
                self.lost.push(Damage::whole(entry.segment, &reason));
            }
        }
        let mut known: BTreeSet<SegmentId> = BTreeSet::new();
        if let Some(applied) = context.index.applied()? {
            let beyond = |newest: &deltastore_format::Manifest| applied.segment >= newest.next;
            if context.folder.manifest.newest.as_ref().is_none_or(beyond) {
                known.insert(applied.segment);
            }
            if context.folder.manifest.newest.is_none() {
                known.extend(pointed_into(context)?);
            }
        }
        for id in known.into_iter().filter(|id| self.listed.entry(*id).is_none()) {
            self.list_lost(id);
            self.lost.push(Damage::whole(id, &"the file is missing, and the index knows of it"));
        }
        Ok(())
    }
}

/// Segments that the index has rows of.
fn pointed_into(context: &RecoveryContext<'_>) -> Result<BTreeSet<SegmentId>, StoreError> {
    let mut found = BTreeSet::new();
    for row in context.index.all_blobs(Hash::default()) {
        found.insert(row?.1.position.segment);
    }
    each_kind(&mut PointedInto { index: context.index, found: &mut found })?;
    Ok(found)
}

struct PointedInto<'a> {
    index: &'a Index,
    found: &'a mut BTreeSet<SegmentId>,
}

impl EachKind for PointedInto<'_> {
    type Error = IndexError;

    fn kind<P: Table>(&mut self) -> Result<(), IndexError> {
        for row in self.index.all_rows::<P>() {
            self.found.insert(row?.record.segment);
        }
        Ok(())
    }
}
