//! Files in memory, up to a limit, that are gone with the last handle: for stores that are to leave nothing behind.
//!
//! Invariant: `used` is the pages of all files that are linked or open, so that it never exceeds the limit.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::{Vfs, VfsFile};

/// Bytes of one page.
const PAGE: usize = 256 << 10;

/// A disk in memory; clones are the same disk.
#[derive(Clone)]
pub struct MemoryVfs {
    names: Arc<Mutex<Names>>,
    space: Arc<Space>,
}

#[derive(Default)]
struct Names {
    files: BTreeMap<PathBuf, Arc<MemoryFile>>,
    dirs: BTreeSet<PathBuf>,
    locks: Arc<Mutex<BTreeSet<PathBuf>>>,
}

struct Space {
    limit: u64,
    used: AtomicU64,
}

impl MemoryVfs {
    /// An empty disk that holds at most `limit` bytes of files; names are not counted.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        let space = Arc::new(Space { limit, used: AtomicU64::new(0) });
        Self { names: Arc::default(), space }
    }

    /// Bytes taken.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.space.used.load(Ordering::Relaxed)
    }
}

impl MemoryVfs {
    fn empty(&self) -> Arc<MemoryFile> {
        Arc::new(MemoryFile { space: Arc::clone(&self.space), content: RwLock::default() })
    }
}

impl Names {
    fn parent_of(&self, path: &Path) -> io::Result<()> {
        let is_there = path.parent().is_some_and(|dir| self.dirs.contains(dir));
        if is_there { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
    }
}

impl Vfs for MemoryVfs {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let mut names = self.names.lock();
        if names.files.contains_key(path) || names.dirs.contains(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        names.parent_of(path)?;
        let file = self.empty();
        names.files.insert(path.to_path_buf(), Arc::clone(&file));
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let file = self.names.lock().files.get(path).cloned().ok_or(ErrorKind::NotFound)?;
        Ok(file)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = self.names.lock();
        if !names.dirs.contains(dir) {
            return Err(ErrorKind::NotFound.into());
        }
        let inside = |path: &&PathBuf| path.parent() == Some(dir);
        let found = names.files.keys().filter(inside).chain(names.dirs.iter().filter(inside));
        let mut list: Vec<String> = found.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
        list.sort_unstable();
        Ok(list)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut names = self.names.lock();
        for dir in dir.ancestors() {
            if names.files.contains_key(dir) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            names.dirs.insert(dir.to_path_buf());
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut names = self.names.lock();
        names.parent_of(to)?;
        let file = names.files.remove(from).ok_or(ErrorKind::NotFound)?;
        names.files.insert(to.to_path_buf(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.names.lock().files.remove(path).map(drop).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let names = self.names.lock();
        Ok(names.files.contains_key(path) || names.dirs.contains(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if self.names.lock().dirs.contains(dir) { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.space.limit.saturating_sub(self.used()))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        let mut names = self.names.lock();
        names.parent_of(path)?;
        names.files.entry(path.to_path_buf()).or_insert_with(|| self.empty());
        let locks = Arc::clone(&names.locks);
        if !locks.lock().insert(path.to_path_buf()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock { path: path.to_path_buf(), locks }))
    }
}

struct Lock {
    path: PathBuf,
    locks: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.locks.lock().remove(&self.path);
    }
}

struct MemoryFile {
    space: Arc<Space>,
    content: RwLock<Content>,
}

#[derive(Default)]
struct Content {
    pages: Vec<Box<[u8]>>,
    len: u64,
}

impl MemoryFile {
    /// As many pages as `len` bytes need.
    fn resize(&self, content: &mut Content, len: u64) -> io::Result<()> {
        let wanted = usize::try_from(len.div_ceil(PAGE as u64)).map_err(|_| ErrorKind::StorageFull)?;
        let more = (wanted.saturating_sub(content.pages.len()) * PAGE) as u64;
        let taken = self.space.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(more).filter(|&used| more == 0 || used <= self.space.limit)
        });
        taken.map_err(|_| ErrorKind::StorageFull)?;
        let gone = content.pages.len().saturating_sub(wanted) * PAGE;
        self.space.used.fetch_sub(gone as u64, Ordering::Relaxed);
        content.pages.resize_with(wanted, || vec![0; PAGE].into_boxed_slice());
        // What was cut off reads as zeros when the file grows again.
        if let (Some(page), true) = (content.pages.last_mut(), len < content.len) {
            page[(len - (wanted as u64 - 1) * PAGE as u64) as usize..].fill(0);
        }
        content.len = len;
        Ok(())
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        let pages = self.content.get_mut().pages.len();
        self.space.used.fetch_sub((pages * PAGE) as u64, Ordering::Relaxed);
    }
}

impl VfsFile for MemoryFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = self.content.read();
        let len = buf.len().min(usize::try_from(content.len.saturating_sub(offset)).unwrap_or(usize::MAX));
        let mut done = 0;
        while done < len {
            let at = offset as usize + done;
            let page = &content.pages[at / PAGE][at % PAGE..];
            let now = page.len().min(len - done);
            buf[done..done + now].copy_from_slice(&page[..now]);
            done += now;
        }
        Ok(len)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        if buf.is_empty() {
            return Ok(());
        }
        let mut content = self.content.write();
        let end = offset.checked_add(buf.len() as u64).ok_or(ErrorKind::StorageFull)?;
        if end > content.len {
            self.resize(&mut content, end)?;
        }
        let mut done = 0;
        while done < buf.len() {
            let at = offset as usize + done;
            let page = &mut content.pages[at / PAGE][at % PAGE..];
            let now = page.len().min(buf.len() - done);
            page[..now].copy_from_slice(&buf[done..done + now]);
            done += now;
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.resize(&mut self.content.write(), len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.content.read().len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_space_comes_back() {
        let vfs = MemoryVfs::new(3 * PAGE as u64);
        let dir = Path::new("/d");
        vfs.create_dir(dir).unwrap();
        let file = vfs.create(&dir.join("a")).unwrap();
        file.write_all_at(&vec![1; 2 * PAGE + 1], 0).unwrap();
        assert_eq!((vfs.used(), vfs.free_bytes(dir).unwrap()), (3 * PAGE as u64, 0));
        assert_eq!(file.write_all_at(&[1], 3 * PAGE as u64).unwrap_err().kind(), ErrorKind::StorageFull);
        file.set_len(1).unwrap();
        assert_eq!(vfs.used(), PAGE as u64);
        vfs.remove(&dir.join("a")).unwrap();
        assert_eq!(vfs.used(), PAGE as u64, "an open file keeps its space");
        drop(file);
        assert_eq!(vfs.used(), 0);
    }
}
