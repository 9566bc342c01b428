//! The open segments: at most so many files, the least recently used closed first.
//!
//! Opening happens outside the lock. Two threads may open the same segment at once; one of the files is
//! kept. A reader that was handed out works on after its segment is forgotten or even removed; the disk
//! space comes back when the last one is dropped.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use deltastore_format::SegmentId;
use parking_lot::Mutex;

use super::error::SegmentError;
use super::path::segment_path;
use super::reader::SegmentReader;
use super::vfs::Vfs;

/// A bounded set of open segments, for all threads.
pub struct Readers {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    /// Most files kept open.
    capacity: usize,
    open: Mutex<Open>,
    /// Segments that must not be read, each with the reason.
    lost: Mutex<BTreeMap<SegmentId, String>>,
}

#[derive(Default)]
struct Open {
    readers: HashMap<SegmentId, (Arc<SegmentReader>, u64)>,
    /// Counts uses: the smallest is the least recent.
    uses: u64,
    /// Counts calls of `forget`: a segment opened before one is not kept after it.
    forgotten: u64,
}

impl Readers {
    /// Segments of the data folder `dir`; keeps at most `capacity` files open (at least one).
    pub fn new(vfs: Arc<dyn Vfs>, dir: PathBuf, capacity: usize) -> Self {
        Readers { vfs, dir, capacity: capacity.max(1), open: Mutex::default(), lost: Mutex::default() }
    }

    /// The segment's reader, opened if need be.
    ///
    /// # Errors
    /// Those of [`SegmentReader::open`]. A failure is not remembered.
    pub fn get(&self, id: SegmentId) -> Result<Arc<SegmentReader>, SegmentError> {
        let forgotten = {
            let mut open = self.open.lock();
            if let Some(reader) = open.used(id) {
                return Ok(reader);
            }
            open.forgotten
        };
        if let Some(reason) = self.lost.lock().get(&id).cloned() {
            return Err(SegmentError::Lost { path: segment_path(&self.dir, id), reason });
        }
        let reader = Arc::new(SegmentReader::open(&*self.vfs, &self.dir, id)?);
        let mut open = self.open.lock();
        if let Some(reader) = open.used(id) {
            return Ok(reader);
        }
        if open.forgotten == forgotten {
            open.keep(id, reader.clone(), self.capacity);
        }
        Ok(reader)
    }

    /// Closes the segment's file once nobody uses it: to be called after the file was removed.
    pub fn forget(&self, id: SegmentId) {
        let mut open = self.open.lock();
        open.forgotten += 1;
        open.readers.remove(&id);
    }

    /// From now on the segment fails with [`SegmentError::Lost`]: its file is missing or not its own.
    pub fn lose(&self, id: SegmentId, reason: String) {
        self.lost.lock().insert(id, reason);
        self.forget(id);
    }

    /// Files kept open now.
    pub fn open_count(&self) -> usize {
        self.open.lock().readers.len()
    }
}

impl Open {
    fn used(&mut self, id: SegmentId) -> Option<Arc<SegmentReader>> {
        self.uses += 1;
        let (reader, used) = self.readers.get_mut(&id)?;
        *used = self.uses;
        Some(reader.clone())
    }

    fn keep(&mut self, id: SegmentId, reader: Arc<SegmentReader>, capacity: usize) {
        while self.readers.len() >= capacity {
            let oldest = self.readers.iter().min_by_key(|(_, (_, used))| *used).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.readers.remove(&oldest);
        }
        self.readers.insert(id, (reader, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{DIR, segment_with};
    use crate::vfs::{SimVfs, Vfs};
    use std::path::Path;

    fn readers(capacity: usize) -> (SimVfs, Readers) {
        let vfs = SimVfs::new();
        for id in 1..=5 {
            segment_with(&vfs, id, &[b"x"]);
        }
        let readers = Readers::new(Arc::new(vfs.clone()), DIR.into(), capacity);
        (vfs, readers)
    }

    #[test]
    fn keeps_the_most_recent_open() {
        let (_, readers) = readers(2);
        let first = readers.get(SegmentId(1)).unwrap();
        readers.get(SegmentId(2)).unwrap();
        assert!(Arc::ptr_eq(&first, &readers.get(SegmentId(1)).unwrap()));
        readers.get(SegmentId(3)).unwrap();
        assert_eq!(readers.open_count(), 2);
        assert!(Arc::ptr_eq(&first, &readers.get(SegmentId(1)).unwrap()), "2 was the least recent");
    }

    #[test]
    fn a_forgotten_segment_is_opened_anew() {
        let (vfs, readers) = readers(4);
        let held = readers.get(SegmentId(1)).unwrap();
        vfs.remove(&segment_path(Path::new(DIR), SegmentId(1))).unwrap();
        readers.forget(SegmentId(1));
        assert!(readers.get(SegmentId(1)).err().unwrap().is_missing());
        assert_eq!(held.read(64).unwrap().payload, &b"x"[..], "those who hold it go on");
    }

    #[test]
    fn many_threads() {
        let (_, readers) = readers(2);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let readers = &readers;
                scope.spawn(move || {
                    for round in 0..200 {
                        let id = SegmentId((round * 7 + thread) % 5 + 1);
                        assert_eq!(readers.get(id).unwrap().header().segment, id);
                        if round % 13 == 0 {
                            readers.forget(id);
                        }
                    }
                });
            }
        });
        assert!(readers.open_count() <= 2);
    }
}
