//! A disk in memory that remembers what it was told, and can be asked what a power loss would leave.
//!
//! Fault model, a pessimistic ext4 or XFS:
//! - Data and length of a file are durable only after a successful `sync_data` of that file; names
//!   (create, rename, remove) only after a successful `sync_dir` of their directory. A rename
//!   happens whole or not at all; across directories it is durable with the new name's directory.
//! - An unsynced write may be missing, torn (any of its 512-byte sectors, or its first bytes), or there;
//!   an unsynced `set_len` may or may not have happened; a file may have a write's length but zeros
//!   for its bytes. Each independently of the others, and in any order.
//! - A successful sync makes durable everything that happened to that file before it.
//! - After a failed sync the running system still reads what it wrote; after a crash that may be
//!   gone, although later syncs succeeded.
//!
//! Every mutating call is appended to a journal. [`SimVfs::crash`] makes the disk that a power loss after
//! the first `at` calls leaves behind; it is cheap (shared pages, checkpoints of the journal), so
//! that every position can be tried under many seeds. The journal is kept in memory for ever: a
//! simulated disk is for tests of bounded length.

mod content;
mod crash;
mod disk;
mod fault;
mod replay;
#[cfg(test)]
mod tests;

pub use crash::CrashMode;
pub use fault::{Fault, FaultError, FaultOp, Lie};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Vfs, VfsFile};
use disk::{Disk, SimFile, SimLock, normal};
use replay::{Node, Op, SyncResult};

/// A simulated disk; clones are the same disk. See the module for what it does to unsynced data.
#[derive(Clone, Default)]
pub struct SimVfs {
    disk: Arc<Mutex<Disk>>,
}

impl SimVfs {
    /// An empty disk with a root directory (`/`, and the empty path for relative names).
    pub fn new() -> Self {
        SimVfs::default()
    }

    /// Mutating calls so far: positions `0..=journal_len()` can be given to [`SimVfs::crash`].
    pub fn journal_len(&self) -> usize {
        self.disk.lock().journal.len()
    }

    /// The disk that a power loss after the first `at` mutating calls leaves behind: all it holds is
    /// durable, its journal is empty, it has no faults, lies or locks. The same arguments give the same disk.
    ///
    /// # Panics
    /// If `at` is over [`SimVfs::journal_len`].
    pub fn crash(&self, at: usize, seed: u64, mode: CrashMode) -> SimVfs {
        let durability = self.disk.lock().durability_at(at);
        let disk = Disk::from_image(crash::resolve(&durability, seed, mode));
        SimVfs { disk: Arc::new(Mutex::new(disk)) }
    }

    /// A separate disk with what this one holds now, all of it durable.
    pub fn snapshot(&self) -> SimVfs {
        let disk = self.disk.lock().copy();
        SimVfs { disk: Arc::new(Mutex::new(disk)) }
    }

    /// The journal's calls in words, one each, for messages of failing tests.
    pub fn describe(&self) -> Vec<String> {
        self.disk.lock().journal.iter().map(Op::to_string).collect()
    }

    /// Successful `sync_data` calls so far, ignored ones included.
    pub fn sync_count(&self) -> usize {
        let synced = |op: &&Op| matches!(op, Op::SyncData { sync: SyncResult::Done | SyncResult::Ignored, .. });
        self.disk.lock().journal.iter().filter(synced).count()
    }

    /// Plans a failure.
    pub fn fail(&self, fault: Fault) {
        self.disk.lock().plans.faults.push(fault);
    }

    /// Drops all planned failures.
    pub fn clear_faults(&self) {
        self.disk.lock().plans.faults.clear();
    }

    /// From now on answers success to some calls without doing them.
    pub fn lie(&self, lie: Lie) {
        self.disk.lock().plans.lies.push(lie);
    }

    /// Ends all lies.
    pub fn stop_lying(&self) {
        self.disk.lock().plans.lies.clear();
    }

    /// Fails every further call with `EIO`, so that threads of a store given up for dead change nothing more.
    pub fn halt(&self) {
        self.disk.lock().plans.halted = true;
    }

    /// Space left: writes that would grow files by more fail with `ENOSPC`; cutting and removing gives space back.
    /// A disk has no limit until this is called.
    pub fn set_free_bytes(&self, bytes: u64) {
        self.disk.lock().free = Some(bytes);
    }

    /// Flips the bits `xor` of a byte of a file, durably, as a failing medium does; nothing past its end.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn corrupt(&self, path: &Path, offset: u64, xor: u8) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let inode = disk.inode(&normal(path))?;
        disk.content(inode).xor(offset, xor);
        disk.record(Op::Corrupt { inode, offset, xor });
        Ok(())
    }

    /// All files, sorted by path.
    pub fn files(&self) -> Vec<PathBuf> {
        let disk = self.disk.lock();
        let files = disk.names.iter().filter(|(_, node)| matches!(node, Node::File(_)));
        files.map(|(path, _)| path.clone()).collect()
    }

    /// A file's bytes as the running system sees them, without counting as a read for faults.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut disk = self.disk.lock();
        let inode = disk.inode(&normal(path))?;
        Ok(disk.content(inode).to_vec())
    }

    fn open_file(&self, inode: u64, path: PathBuf) -> Arc<dyn VfsFile> {
        Arc::new(SimFile { disk: self.disk.clone(), inode, path })
    }
}

impl Vfs for SimVfs {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let path = normal(path);
        let inode = {
            let mut disk = self.disk.lock();
            disk.check(FaultOp::Create, &path)?;
            disk.create(&path)?
        };
        Ok(self.open_file(inode, path))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let path = normal(path);
        let inode = {
            let mut disk = self.disk.lock();
            disk.check(FaultOp::Open, &path)?;
            disk.inode(&path)?
        };
        Ok(self.open_file(inode, path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let dir = normal(dir);
        let disk = self.disk.lock();
        disk.alive()?;
        disk.require_dir(&dir)?;
        let inside = disk.names.keys().filter(|path| path.parent() == Some(&dir));
        let names = inside.filter_map(|path| path.file_name()?.to_str()).map(str::to_owned);
        Ok(names.collect())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let dir = normal(dir);
        let mut disk = self.disk.lock();
        disk.alive()?;
        let mut chain: Vec<&Path> = dir.ancestors().collect();
        chain.reverse();
        for path in chain {
            if disk.is_dir(path) {
                continue;
            }
            if disk.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            disk.names.insert(path.to_path_buf(), Node::Dir);
            disk.record(Op::Link { path: path.to_path_buf(), node: Node::Dir });
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (normal(from), normal(to));
        let mut disk = self.disk.lock();
        disk.check(FaultOp::Rename, &from)?;
        let node = Node::File(disk.inode(&from)?);
        disk.require_dir(to.parent().unwrap_or(Path::new("")))?;
        if from == to {
            return Ok(());
        }
        if disk.is_dir(&to) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        disk.credit(&to);
        disk.names.remove(&from);
        disk.names.insert(to.clone(), node);
        disk.record(Op::Rename { from, to, node });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = normal(path);
        let mut disk = self.disk.lock();
        disk.check(FaultOp::Remove, &path)?;
        disk.inode(&path)?;
        disk.credit(&path);
        disk.names.remove(&path);
        disk.record(Op::Remove { path });
        Ok(())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let path = normal(path);
        let disk = self.disk.lock();
        disk.alive()?;
        Ok(disk.is_dir(&path) || disk.names.contains_key(&path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let dir = normal(dir);
        let mut disk = self.disk.lock();
        disk.require_dir(&dir)?;
        let failed = disk.check(FaultOp::SyncDir, &dir);
        let sync = match (&failed, disk.plans.lies(Lie::IgnoreSyncDir)) {
            (Err(_), _) => SyncResult::Failed,
            (Ok(()), true) => SyncResult::Ignored,
            (Ok(()), false) => SyncResult::Done,
        };
        if !disk.plans.halted {
            disk.record(Op::SyncDir { dir, sync });
        }
        failed
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let disk = self.disk.lock();
        disk.alive()?;
        disk.require_dir(&normal(dir)).or_else(|_| disk.inode(&normal(dir)).map(|_| ()))?;
        Ok(disk.free.unwrap_or(u64::MAX))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        let path = normal(path);
        let mut disk = self.disk.lock();
        disk.alive()?;
        match disk.inode(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                disk.create(&path)?;
            }
            Err(error) => return Err(error),
        }
        if !disk.locks.insert(path.clone()) && !disk.plans.lies(Lie::IgnoreLock) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { disk: self.disk.clone(), path }))
    }
}
