//! State of a simulated disk, and its open files.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::VfsFile;
use super::content::Content;
use super::crash::Image;
use super::fault::{Fault, FaultError, FaultOp, Lie, Plans};
use super::replay::{Durability, FileState, Inode, Names, Node, Op, SyncResult};

/// Journal operations between two checkpoints.
const CHECKPOINT: usize = 32;

#[derive(Default)]
pub(super) struct Disk {
    /// What the running system sees.
    pub names: Names,
    files: BTreeMap<Inode, Content>,
    next_inode: Inode,
    pub journal: Vec<Op>,
    /// What is durable before any of the journal.
    start: Durability,
    /// `checkpoints[n]`: after `(n + 1) * CHECKPOINT` operations. Made when first needed.
    checkpoints: Vec<Durability>,
    pub plans: Plans,
    pub free: Option<u64>,
    pub locks: HashSet<PathBuf>,
}

impl Disk {
    pub fn from_image(image: Image) -> Self {
        let mut disk = Disk { names: image.names, ..Disk::default() };
        disk.start.names = Arc::new(disk.names.clone());
        for (inode, content) in image.files {
            disk.next_inode = disk.next_inode.max(inode + 1);
            let state = FileState { base: content.clone(), effects: Vec::new() };
            disk.start.files.insert(inode, Arc::new(state));
            disk.files.insert(inode, content);
        }
        disk
    }

    /// The same live state on a disk of its own.
    pub fn copy(&self) -> Disk {
        let linked = |inode: &Inode| self.names.values().any(|node| *node == Node::File(*inode));
        let files = self.files.iter().filter(|(inode, _)| linked(inode));
        let files = files.map(|(inode, content)| (*inode, content.clone())).collect();
        Disk::from_image(Image { names: self.names.clone(), files })
    }

    pub fn record(&mut self, op: Op) {
        self.journal.push(op);
    }

    pub fn durability_at(&mut self, at: usize) -> Durability {
        assert!(at <= self.journal.len(), "position {at} of a journal of {}", self.journal.len());
        while (self.checkpoints.len() + 1) * CHECKPOINT <= at {
            let from = self.checkpoints.len() * CHECKPOINT;
            let next = self.replayed(from, from + CHECKPOINT);
            self.checkpoints.push(next);
        }
        self.replayed(at / CHECKPOINT * CHECKPOINT, at)
    }

    /// State at `to`, from the checkpoint at `from`.
    fn replayed(&self, from: usize, to: usize) -> Durability {
        let mut durability = match from / CHECKPOINT {
            0 => self.start.clone(),
            number => self.checkpoints[number - 1].clone(),
        };
        for (index, op) in self.journal[from..to].iter().enumerate() {
            durability.apply(from + index, op);
        }
        durability
    }

    pub fn alive(&self) -> io::Result<()> {
        if self.plans.halted { Err(FaultError::Io.to_io()) } else { Ok(()) }
    }

    /// Counts a call for planned faults, and fails if one hits.
    pub fn check(&mut self, op: FaultOp, path: &Path) -> io::Result<()> {
        self.alive()?;
        self.plans.check(op, path).map_or(Ok(()), |fault| Err(fault.error.to_io()))
    }

    pub fn create(&mut self, path: &Path) -> io::Result<Inode> {
        if self.is_dir(path) || self.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.require_dir(path.parent().unwrap_or(Path::new("")))?;
        let inode = self.next_inode;
        self.next_inode += 1;
        self.names.insert(path.to_path_buf(), Node::File(inode));
        self.files.insert(inode, Content::default());
        self.record(Op::Link { path: path.to_path_buf(), node: Node::File(inode) });
        Ok(inode)
    }

    pub fn inode(&self, path: &Path) -> io::Result<Inode> {
        match self.names.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(not_found(path)),
        }
    }

    pub fn content(&mut self, inode: Inode) -> &mut Content {
        self.files.entry(inode).or_default()
    }

    pub fn is_dir(&self, path: &Path) -> bool {
        path.parent().is_none() || self.names.get(path) == Some(&Node::Dir)
    }

    pub fn require_dir(&self, path: &Path) -> io::Result<()> {
        if self.is_dir(path) { Ok(()) } else { Err(not_found(path)) }
    }

    /// Gives back the space of a name that is about to go.
    pub fn credit(&mut self, path: &Path) {
        if let (Some(Node::File(inode)), Some(free)) = (self.names.get(path), &mut self.free) {
            *free += self.files.get(inode).map_or(0, Content::len);
        }
    }

    fn write(&mut self, inode: Inode, data: &[u8], offset: u64) {
        self.content(inode).write_at(data, offset);
        self.record(Op::Write { inode, offset, data: data.into() });
    }

    /// Takes the space a file needs to grow to `len`; or says up to what length there is space.
    fn grow(&mut self, inode: Inode, len: u64) -> Result<(), u64> {
        let now = self.content(inode).len();
        let growth = len.saturating_sub(now);
        match &mut self.free {
            Some(free) if growth > *free => {
                let room = *free;
                *free = 0;
                Err(now + room)
            }
            Some(free) => {
                *free -= growth;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

pub(super) fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} not found", path.display()))
}

/// The path without `.` components.
pub(super) fn normal(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

pub(super) struct SimLock {
    pub disk: Arc<Mutex<Disk>>,
    pub path: PathBuf,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.lock().locks.remove(&self.path);
    }
}

pub(super) struct SimFile {
    pub disk: Arc<Mutex<Disk>>,
    pub inode: Inode,
    pub path: PathBuf,
}

impl SimFile {
    fn fail_write(&self, disk: &mut Disk, fault: &Fault, buf: &[u8], offset: u64) -> io::Error {
        let part = fault.partial.unwrap_or(buf.len() / 2).min(buf.len());
        let part = match disk.grow(self.inode, offset + part as u64) {
            Ok(()) => part,
            Err(limit) => part.min(limit.saturating_sub(offset) as usize),
        };
        disk.write(self.inode, &buf[..part], offset);
        fault.error.to_io()
    }
}

impl VfsFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        disk.check(FaultOp::Read, &self.path)?;
        Ok(disk.content(self.inode).read_at(buf, offset))
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.alive()?;
        if let Some(fault) = disk.plans.check(FaultOp::Write, &self.path) {
            return Err(self.fail_write(&mut disk, &fault, buf, offset));
        }
        if let Err(limit) = disk.grow(self.inode, offset + buf.len() as u64) {
            let part = limit.saturating_sub(offset).min(buf.len() as u64) as usize;
            disk.write(self.inode, &buf[..part], offset);
            return Err(FaultError::NoSpace.to_io());
        }
        disk.write(self.inode, buf, offset);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.alive()?;
        let failed = disk.check(FaultOp::SyncData, &self.path);
        let sync = match (&failed, disk.plans.lies(Lie::IgnoreSyncData)) {
            (Err(_), _) => SyncResult::Failed,
            (Ok(()), true) => SyncResult::Ignored,
            (Ok(()), false) => SyncResult::Done,
        };
        disk.record(Op::SyncData { inode: self.inode, sync });
        failed
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check(FaultOp::SetLen, &self.path)?;
        if disk.plans.lies(Lie::IgnoreSetLen) {
            return Ok(());
        }
        let cut = disk.content(self.inode).len().saturating_sub(len);
        if let Some(free) = &mut disk.free {
            *free += cut;
        }
        disk.content(self.inode).set_len(len);
        disk.record(Op::SetLen { inode: self.inode, len });
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let mut disk = self.disk.lock();
        disk.alive()?;
        Ok(disk.content(self.inode).len())
    }
}
