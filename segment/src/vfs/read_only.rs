//! A disk that is only looked at: every call that would change anything is refused.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use super::{Vfs, VfsFile};

/// Another disk, of which nothing is changed.
#[derive(Clone)]
pub struct ReadOnlyVfs(Arc<dyn Vfs>);

impl ReadOnlyVfs {
    pub fn new(vfs: Arc<dyn Vfs>) -> Self {
        Self(vfs)
    }
}

fn refused<T>() -> io::Result<T> {
    Err(ErrorKind::ReadOnlyFilesystem.into())
}

impl Vfs for ReadOnlyVfs {
    fn create(&self, _: &Path) -> io::Result<Arc<dyn VfsFile>> {
        refused()
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        Ok(Arc::new(ReadOnlyFile(self.0.open_read(path)?)))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.0.exists(path)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.0.free_bytes(dir)
    }

    /// Without the file there is nothing to lock, and it is not made.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        if self.0.exists(path)? { self.0.lock_read(path) } else { Ok(Box::new(())) }
    }
}

struct ReadOnlyFile(Arc<dyn VfsFile>);

impl VfsFile for ReadOnlyFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        refused()
    }

    fn sync_data(&self) -> io::Result<()> {
        refused()
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::SimVfs;

    #[test]
    fn it_reads_and_changes_nothing() {
        let sim = SimVfs::new();
        let (dir, path) = (Path::new("/d"), Path::new("/d/file"));
        sim.create_dir(dir).unwrap();
        sim.create(path).unwrap().write_all_at(b"bytes", 0).unwrap();
        let (calls, vfs) = (sim.journal_len(), ReadOnlyVfs::new(Arc::new(sim.clone())));
        let file = vfs.open(path).unwrap();
        let mut bytes = [0; 5];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!((&bytes, file.len().unwrap(), vfs.list(dir).unwrap().len()), (b"bytes", 5, 1));
        let results = [
            vfs.create(Path::new("/d/new")).map(drop),
            vfs.create_dir(Path::new("/e")),
            vfs.rename(path, Path::new("/d/other")),
            vfs.remove(path),
            vfs.sync_dir(dir),
            file.write_all_at(b"x", 0),
            file.set_len(0),
            file.sync_data(),
        ];
        for result in results {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
        }
        let lock = vfs.lock(path).unwrap();
        assert_eq!(vfs.lock(path).err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
        drop(lock);
        drop(vfs.lock(Path::new("/d/LOCK")).unwrap());
        assert_eq!(sim.journal_len(), calls);
    }
}
