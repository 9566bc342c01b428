//! Which segments exist, in memory and in the manifest on disk.
//!
//! The manifest is what tells a lost segment from one that never was. Invariants (must), which a crash at any point
//! keeps:
//! - A segment is listed only once its file and name are durable, and before anything in it is acknowledged.
//! - A listed length is durable; it never says more than the disk holds.
//! - Before a file is removed its entry says that it is going; it is dropped after the removal is durable. Until then
//!   the segment exists for whoever decides what may be forgotten on its account.
//! - An id is never used twice, that of a lost segment neither.
//!
//! Failure cases: a manifest that cannot be written leaves files as they are: the log goes on in the segment it has,
//! and a collection ends with the error.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Manifest, Position, SegmentEntry, SegmentHeader, SegmentId, SegmentState, StoreHeader};
use deltastore_segment::vfs::Vfs;
use deltastore_segment::{write_manifest, write_manifest_unsynced};
use parking_lot::Mutex;

use super::bugs::{Bug, Bugs};
use super::error::StoreError;
use super::folder::{Folder, write_header};

/// The set of existing segments, shared by the log and the collector.
pub struct Segments {
    book: Mutex<Book>,
    /// Held while the files are written, which only one may do at a time.
    disk: Mutex<Disk>,
    /// The format version that both `STORE` and the manifest say, or a higher one.
    format: AtomicU32,
    bugs: Bugs,
}

struct Book {
    /// What is on disk for certain.
    listed: BTreeMap<SegmentId, SegmentEntry>,
    /// Where segments end whose footer is written and not synced yet.
    ends: BTreeMap<SegmentId, u64>,
    /// Listed, and of no use on disk.
    lost: BTreeSet<SegmentId>,
    /// Listed, and shorter on disk.
    short: BTreeSet<SegmentId>,
    next: SegmentId,
}

struct Disk {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    header: StoreHeader,
    saved: Option<Manifest>,
}

impl Segments {
    /// As the folder's manifest lists them.
    pub fn new(folder: &Folder, bugs: Bugs) -> Self {
        let (vfs, dir, header) = (Arc::clone(&folder.vfs), folder.dir.clone(), folder.header.clone());
        let (listed, intact) = (folder.manifest.newest.as_ref(), folder.manifest.intact);
        let entries = listed.into_iter().flat_map(|manifest| &manifest.segments);
        let book = Book {
            listed: entries.map(|entry| (entry.segment, *entry)).collect(),
            ends: BTreeMap::new(),
            lost: BTreeSet::new(),
            short: BTreeSet::new(),
            next: listed.map_or(SegmentId(1), |manifest| manifest.next),
        };
        // Where a file is to be made again, what is written next differs from what is there.
        let saved = listed.map(|manifest| match intact {
            true => manifest.clone(),
            false => Manifest { segments: Vec::new(), next: SegmentId(0), ..manifest.clone() },
        });
        // A raise that a crash interrupted is made again.
        let known = saved.as_ref().map_or(0, |saved: &Manifest| saved.header.format_version.min(header.format_version));
        let disk = Mutex::new(Disk { vfs, dir, header, saved });
        Self { book: Mutex::new(book), disk, format: AtomicU32::new(known), bugs }
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
        book.next = book.next.max(SegmentId(id.0.saturating_add(1)));
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
        self.book.lock().ends.insert(end.segment, end.offset);
    }

    pub fn set_state(&self, id: SegmentId, state: SegmentState) {
        if let Some(entry) = self.book.lock().listed.get_mut(&id) {
            entry.state = state;
        }
    }

    /// Everything before the position is on disk.
    pub fn durable(&self, position: Position) {
        let mut book = self.book.lock();
        while let Some(ended) = book.ends.first_entry().filter(|ended| *ended.key() < position.segment) {
            let (id, length) = ended.remove_entry();
            if let Some(entry) = book.listed.get_mut(&id) {
                (entry.state, entry.length) = (SegmentState::Sealed, length);
            }
        }
        if let Some(entry) = book.listed.get_mut(&position.segment) {
            entry.length = entry.length.max(position.offset);
        }
    }

    /// Its file is gone, durably.
    pub fn removed(&self, id: SegmentId) {
        self.book.lock().listed.remove(&id);
    }

    /// Its file is not what is listed: of no use at all, or only shorter.
    pub fn set_lost(&self, id: SegmentId, whole: bool) {
        let mut book = self.book.lock();
        if whole {
            book.lost.insert(id)
        } else {
            book.short.insert(id)
        };
    }

    /// Those that are not as they are listed.
    pub fn lost(&self) -> BTreeSet<SegmentId> {
        let book = self.book.lock();
        book.lost.union(&book.short).copied().collect()
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
        let exists =
            |id: &SegmentId| book.listed.get(id).is_some_and(|entry| !matches!(entry.state, SegmentState::Forgotten));
        ids.iter().copied().filter(|id| *id != but && exists(id)).collect()
    }

    /// The format version that the store has at least.
    pub fn format(&self) -> u32 {
        self.format.load(Ordering::Acquire)
    }

    /// Whether it is still appended to.
    pub fn is_open(&self, id: SegmentId) -> bool {
        let book = self.book.lock();
        let ended = |entry: &SegmentEntry| matches!(entry.state, SegmentState::Sealed | SegmentState::Going);
        !book.ends.contains_key(&id) && !book.listed.get(&id).is_some_and(ended)
    }

    /// Raises the store's format version, durably, where it is lower: before anything is written that needs it.
    ///
    /// # Errors
    /// As [`Segments::save`].
    pub fn raise(&self, version: u32) -> Result<(), StoreError> {
        if self.format() >= version {
            return Ok(());
        }
        {
            let mut disk = self.disk.lock();
            let header = StoreHeader { format_version: version, ..disk.header.clone() };
            // First: an older build stops at it.
            write_header(disk.vfs.as_ref(), &disk.dir, &header).map_err(full)?;
            disk.header = header;
        }
        self.save()?;
        self.format.store(version, Ordering::Release);
        Ok(())
    }

    /// Writes the manifest, durably, if it differs from what the files hold.
    ///
    /// # Errors
    /// [`StoreError::Full`] and the file system's.
    pub fn save(&self) -> Result<(), StoreError> {
        let mut disk = self.disk.lock();
        let (segments, next) = {
            let book = self.book.lock();
            (book.listed.values().copied().collect::<Vec<_>>(), book.next)
        };
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
        self.write(&disk, &manifest)?;
        disk.saved = Some(manifest);
        Ok(())
    }

    fn write(&self, disk: &Disk, manifest: &Manifest) -> Result<(), StoreError> {
        let written = match self.bugs.has(Bug::ManifestWithoutSync) {
            true => write_manifest_unsynced(disk.vfs.as_ref(), &disk.dir, manifest),
            false => write_manifest(disk.vfs.as_ref(), &disk.dir, manifest),
        };
        written.map_err(full)
    }
}

fn full(error: std::io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full,
        _ => error.into(),
    }
}
