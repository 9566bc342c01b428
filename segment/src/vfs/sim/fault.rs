//! Failures and lies a test can ask a simulated disk for.

use std::io;
use std::path::Path;

/// Kind of call a [`Fault`] hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultOp {
    Create,
    Open,
    Read,
    Write,
    SetLen,
    SyncData,
    SyncDir,
    Rename,
    Remove,
}

/// How the call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultError {
    /// `ENOSPC`.
    NoSpace,
    /// `EIO`. From `sync_data` it also dooms everything not yet synced in that file: later syncs succeed without it.
    Io,
}

impl FaultError {
    pub(super) fn to_io(self) -> io::Error {
        let errno = match self {
            FaultError::NoSpace => rustix::io::Errno::NOSPC,
            FaultError::Io => rustix::io::Errno::IO,
        };
        errno.into()
    }
}

/// One planned failure: passes `after` calls of its kind, then fails `times` of them.
#[derive(Clone, Debug)]
pub struct Fault {
    pub op: FaultOp,
    /// Matching calls that still succeed.
    pub after: u64,
    /// Calls that fail then; `u64::MAX` for all.
    pub times: u64,
    pub error: FaultError,
    /// Bytes a failing write still writes; `None` for half of them.
    pub partial: Option<usize>,
    /// Only calls on paths that contain this.
    pub path_contains: Option<String>,
}

impl Fault {
    /// Lets `after` calls pass and fails the next one.
    pub fn new(op: FaultOp, after: u64, error: FaultError) -> Self {
        Fault { op, after, times: 1, error, partial: None, path_contains: None }
    }

    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    pub fn partial(mut self, bytes: usize) -> Self {
        self.partial = Some(bytes);
        self
    }

    pub fn on(mut self, path_contains: &str) -> Self {
        self.path_contains = Some(path_contains.to_owned());
        self
    }

    /// Counts a call; true if it must fail.
    fn hits(&mut self, op: FaultOp, path: &Path) -> bool {
        let here = self.path_contains.as_ref().is_none_or(|part| path.to_string_lossy().contains(part));
        if op != self.op || !here || self.times == 0 {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        if self.times != u64::MAX {
            self.times -= 1;
        }
        true
    }
}

/// A way for the disk to answer success without doing the work: stands for a forgotten call in a planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// `sync_data` makes nothing durable.
    IgnoreSyncData,
    /// `sync_dir` makes nothing durable.
    IgnoreSyncDir,
    /// `set_len` leaves the file as it is.
    IgnoreSetLen,
    /// `lock` always succeeds.
    IgnoreLock,
}

/// What tests asked for.
#[derive(Default)]
pub(super) struct Plans {
    pub faults: Vec<Fault>,
    pub lies: Vec<Lie>,
    pub halted: bool,
}

impl Plans {
    /// Counts a call against every fault; the fault that makes it fail, if one does.
    pub fn check(&mut self, op: FaultOp, path: &Path) -> Option<Fault> {
        let mut hit = None;
        for fault in &mut self.faults {
            if fault.hits(op, path) {
                hit = hit.or_else(|| Some(fault.clone()));
            }
        }
        self.faults.retain(|fault| fault.times > 0);
        hit
    }

    pub fn lies(&self, lie: Lie) -> bool {
        self.lies.contains(&lie)
    }
}
