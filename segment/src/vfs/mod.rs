//! Files behind a trait, so that the same code runs on a real and on a simulated disk.
//!
//! What callers may rely on, on both: the data and length of a file are durable after
//! [`VfsFile::sync_data`]; that a name exists, is gone or points elsewhere is durable after
//! [`Vfs::sync_dir`] of its directory. Nothing else is durable, and no order holds between what
//! has not been synced. After a failed sync, what it covered may be lost although later syncs succeed.

mod clock;
#[cfg(test)]
mod conformance;
mod memory;
mod read_only;
mod real;
mod sim;

pub use clock::{Clock, SimClock, SystemClock};
pub use memory::MemoryVfs;
pub use read_only::ReadOnlyVfs;
pub use real::RealVfs;
pub use sim::{CrashMode, Fault, FaultError, FaultOp, Lie, SimVfs};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file system.
pub trait Vfs: Send + Sync + 'static {
    /// Creates an empty file; `AlreadyExists` if the name is taken, `NotFound` without its directory.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>>;
    /// Opens an existing file for reading alone, where the file system may be read-only.
    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        self.open(path)
    }
    /// Names of the files and directories in `dir`, sorted. Names that are not UTF-8 are left out.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Creates a directory with its parents; fine if it is there. Durable only with [`create_dir_durable`].
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Renames a file, replacing a file of the new name in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Unlinks a file. Open handles go on working; the space comes back when they are gone.
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Makes the names in `dir` durable, not the data of its files.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes an unprivileged process can still write to the file system of `dir`.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
    /// Takes an exclusive lock on the file, creating it if needed; held until the value is dropped
    /// or the process ends. `WouldBlock` if it is taken, by this process or another.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>>;
    /// As [`Vfs::lock`], of a file that exists, where the file system may be read-only.
    fn lock_read(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        self.lock(path)
    }
}

/// An open file. Reads and writes name their offset, so handles can be shared between threads.
pub trait VfsFile: Send + Sync {
    /// Reads at most `buf.len()` bytes; 0 only at or after the end of the file (or for an empty `buf`).
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Appends what one read gives to `buf`, no more than it has room for: into memory that nobody cleared before where
    /// the file system can do so.
    fn read_to_spare(&self, buf: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        let (len, capacity) = (buf.len(), buf.capacity());
        buf.resize(capacity, 0);
        let read = self.read_at(&mut buf[len..], offset);
        buf.truncate(len + *read.as_ref().unwrap_or(&0));
        read
    }
    /// Writes all of `buf`. After an error any part of it may have been written.
    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Makes data and length durable (`fdatasync`), not the file's name.
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts the file, or extends it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buf`, or fails with `UnexpectedEof`.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Creates `dir` with its parents and syncs every directory that got a new name in it.
pub fn create_dir_durable(vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
    let mut grown: Vec<PathBuf> = Vec::new();
    let mut missing = dir;
    while !missing.as_os_str().is_empty() && !vfs.exists(missing)? {
        let Some(parent) = missing.parent() else {
            break;
        };
        grown.push(parent.to_path_buf());
        missing = parent;
    }
    vfs.create_dir(dir)?;
    grown.iter().rev().try_for_each(|parent| vfs.sync_dir(parent))
}

/// Puts `bytes` under `path` so that a crash leaves the old file or the new one, never a mixture:
/// writes `path` with `.tmp` appended, syncs it, renames it, syncs the directory.
pub fn replace_file(vfs: &dyn Vfs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    if vfs.exists(&temporary)? {
        vfs.remove(&temporary)?;
    }
    let file = vfs.create(&temporary)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()?;
    vfs.rename(&temporary, path)?;
    vfs.sync_dir(path.parent().unwrap_or(Path::new("")))
}
