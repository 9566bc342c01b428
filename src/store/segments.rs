//! Which segments exist, in memory and in the manifest on disk.
//!
//! The manifest is what tells a lost segment from one that never was. Invariants (must), which a crash at any point keeps:
//! - A segment is listed only once its file and name are durable, and before anything in it is acknowledged.
//! - A listed length is durable; it never says more than the disk holds.
//! - Before a file is removed its entry says that it is going; it is dropped after the removal is durable. Until then the
//!   segment exists for whoever decides what may be forgotten on its account.
//! - An id is never used twice, that of a lost segment neither.
//!
//! Failure cases: a manifest that cannot be written leaves files as they are: the log goes on in the segment it has, and a
//! collection ends with the error.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Manifest, Position, SegmentEntry, SegmentHeader, SegmentId, SegmentState, StoreHeader};
use parking_lot::Mutex;

use crate::segment::vfs::Vfs;
use crate::segment::write_manifest;

/// The set of existing segments, shared by the log and the collector.
pub struct Segments {
    book: Mutex<Book>,
    /// Held while the files are written, which only one may do at a time.
    disk: Mutex<Disk>,
}

struct Book {
    listed: BTreeMap<SegmentId, SegmentEntry>,
    /// Listed, and not as listed on disk.
    lost: BTreeSet<SegmentId>,
    next: SegmentId,
    /// Everything before this is on disk.
    durable: Position,
}

struct Disk {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    header: StoreHeader,
    saved: Option<Manifest>,
}

impl Segments {
    /// As `saved` lists them; `saved` is what both files hold, if they do.
    pub fn new(vfs: Arc<dyn Vfs>, dir: PathBuf, header: StoreHeader, listed: Option<&Manifest>, intact: bool) -> Self {
        let entries = listed.into_iter().flat_map(|manifest| &manifest.segments);
        let book = Book {
            listed: entries.map(|entry| (entry.segment, *entry)).collect(),
            lost: BTreeSet::new(),
            next: listed.map_or(SegmentId(1), |manifest| manifest.next),
            durable: Position::default(),
        };
        // Where a file is to be made again, what is written next differs from what is there.
        let saved = listed.map(|manifest| match intact {
            true => manifest.clone(),
            false => Manifest { segments: Vec::new(), next: SegmentId(0), ..manifest.clone() },
        });
        Self { book: Mutex::new(book), disk: Mutex::new(Disk { vfs, dir, header, saved }) }
    }

    /// What is listed of a segment.
    pub fn entry(&self, id: SegmentId) -> Option<SegmentEntry> {
        self.book.lock().listed.get(&id).copied()
    }

    /// All that is listed, by id.
    pub fn entries(&self) -> Vec<SegmentEntry> {
        self.book.lock().listed.values().copied().collect()
    }

    /// The lowest id never used.
    pub fn next(&self) -> SegmentId {
        self.book.lock().next
    }

    /// No id up to this one is given out any more.
    pub fn used(&self, id: SegmentId) {
        let mut book = self.book.lock();
        book.next = book.next.max(SegmentId(id.0 + 1));
    }

    /// Lists a segment, or changes what is listed of it.
    pub fn list(&self, entry: SegmentEntry) {
        self.used(entry.segment);
        self.book.lock().listed.insert(entry.segment, entry);
    }

    /// Lists a new segment, whose file and name are durable.
    pub fn list_new(&self, header: &SegmentHeader) {
        let (segment, salt, length) = (header.segment, header.salt, SEGMENT_HEADER_LEN as u64);
        self.list(SegmentEntry { segment, salt, length, state: SegmentState::Open });
    }

    /// A segment got its footer and ends here; it is listed so once that is durable.
    pub fn sealed(&self, end: Position) {
        self.set(end.segment, |entry| (entry.state, entry.length) = (SegmentState::Sealed, end.offset));
    }

    pub fn set_state(&self, id: SegmentId, state: SegmentState) {
        self.set(id, |entry| entry.state = state);
    }

    fn set(&self, id: SegmentId, change: impl FnOnce(&mut SegmentEntry)) {
        if let Some(entry) = self.book.lock().listed.get_mut(&id) {
            change(entry);
        }
    }

    /// Everything before the position is on disk.
    pub fn durable(&self, position: Position) {
        let mut book = self.book.lock();
        book.durable = book.durable.max(position);
    }

    /// Its file is gone, durably.
    pub fn removed(&self, id: SegmentId) {
        self.book.lock().listed.remove(&id);
    }

    /// Its file is not what is listed.
    pub fn set_lost(&self, id: SegmentId) {
        self.book.lock().lost.insert(id);
    }

    /// Those that are not as they are listed.
    pub fn lost(&self) -> BTreeSet<SegmentId> {
        self.book.lock().lost.clone()
    }

    /// All that can be read, oldest first.
    pub fn all(&self) -> Vec<SegmentId> {
        let book = self.book.lock();
        let there = |entry: &&SegmentEntry| {
            !matches!(entry.state, SegmentState::Forgotten) && !book.lost.contains(&entry.segment)
        };
        book.listed.values().filter(there).map(|entry| entry.segment).collect()
    }

    /// Those of `ids` that exist, without `but`. A lost one does: its file may come back.
    pub fn existing(&self, ids: &[SegmentId], but: SegmentId) -> Vec<SegmentId> {
        let book = self.book.lock();
        let exists = |id: &SegmentId| {
            book.listed.get(id).is_some_and(|entry| !matches!(entry.state, SegmentState::Forgotten))
        };
        ids.iter().copied().filter(|id| *id != but && exists(id)).collect()
    }

    /// Writes the manifest, durably, if it differs from what the files hold.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self) -> io::Result<()> {
        self.save_by(write_manifest)
    }

    /// As [`Segments::save`], by another way of writing.
    pub fn save_by(
        &self,
        write: impl FnOnce(&dyn Vfs, &std::path::Path, &Manifest) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let (segments, next) = self.book.lock().durable_entries();
        if let Some(saved) = &disk.saved
            && saved.segments == segments
            && saved.next == next
            && saved.header == disk.header
        {
            return Ok(());
        }
        let generation = disk.saved.as_ref().map_or(1, |saved| saved.generation + 1);
        let manifest = Manifest { header: disk.header.clone(), generation, next, segments };
        // What the files hold after a failure is one or the other: the next one is newer than both.
        disk.saved = Some(Manifest { next: SegmentId(0), ..manifest.clone() });
        write(disk.vfs.as_ref(), &disk.dir, &manifest)?;
        disk.saved = Some(manifest);
        Ok(())
    }
}

impl Book {
    /// The entries, no longer than what is on disk.
    fn durable_entries(&self) -> (Vec<SegmentEntry>, SegmentId) {
        let entry = |entry: &SegmentEntry| {
            let active = matches!(entry.state, SegmentState::Open | SegmentState::Sealed);
            let length = match entry.segment.cmp(&self.durable.segment) {
                std::cmp::Ordering::Less => return *entry,
                _ if !active => return *entry,
                std::cmp::Ordering::Equal if entry.length == self.durable.offset => return *entry,
                std::cmp::Ordering::Equal => self.durable.offset,
                std::cmp::Ordering::Greater => SEGMENT_HEADER_LEN as u64,
            };
            SegmentEntry { length, state: SegmentState::Open, ..*entry }
        };
        (self.listed.values().map(entry).collect(), self.next)
    }
}

/// Segments that may hold a put: where its row says it lies, and where copies of it may be. Its removal must name them, and
/// so must a put in its place.
pub fn holders(record: Position, prior: &[SegmentId]) -> Vec<SegmentId> {
    let mut segments = prior.to_vec();
    segments.push(record.segment);
    segments.sort_unstable();
    segments.dedup();
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_names_each_segment_once() {
        let record = Position { segment: SegmentId(3), offset: 64 };
        assert_eq!(holders(record, &[SegmentId(5), SegmentId(3), SegmentId(1)]), [1, 3, 5].map(SegmentId));
    }
}
