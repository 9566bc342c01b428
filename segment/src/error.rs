//! What can go wrong with a segment file; always names the file and the offset.

use std::io;
use std::path::PathBuf;

use deltastore_format::DecodeError;

/// An error of one segment file. Offsets are in bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The file system failed a call. `offset` is 0 for calls on the whole file.
    #[error("{op} {} at offset {offset}: {source}", .path.display())]
    Io { op: &'static str, path: PathBuf, offset: u64, source: io::Error },
    /// The bytes at `offset` are not what stands there in a healthy file.
    #[error("{} at offset {offset}: {source}", .path.display())]
    Decode { path: PathBuf, offset: u64, source: DecodeError },
    /// A whole header stands there, but of another place, segment or epoch.
    #[error("{} at offset {offset}: {what} is {found:#x}, expected {expected:#x}", .path.display())]
    Misplaced { path: PathBuf, offset: u64, what: &'static str, expected: u64, found: u64 },
    /// The segment is listed in the manifest, and its file is not there or is another's.
    #[error("{}: {reason}", .path.display())]
    Lost { path: PathBuf, reason: String },
    /// The disk (or quota) is full. The append was cut back: the writer can go on once there is space.
    #[error("append to {} at offset {offset}: no space: {source}", .path.display())]
    Full { path: PathBuf, offset: u64, source: io::Error },
    /// An append failed and was cut back: the writer can go on.
    #[error("append to {} at offset {offset}: {source}", .path.display())]
    Append { path: PathBuf, offset: u64, source: io::Error },
    /// An append failed and could not be cut back: what lies after `offset` is unknown, the writer refuses to go on.
    #[error("append to {} at offset {offset}: {source}; cutting it back: {cut}", .path.display())]
    NotCut { path: PathBuf, offset: u64, source: io::Error, cut: io::Error },
    /// The writer was used after [`SegmentError::NotCut`] or after the segment was sealed.
    #[error("append to {} at offset {offset}: the segment is {state}", .path.display())]
    Closed { path: PathBuf, offset: u64, state: &'static str },
    /// Appending cannot go on at `offset`: it is no place where a record of this file can start.
    #[error("append to {} at offset {offset}: {reason} (file has {file_len} bytes)", .path.display())]
    BadEnd { path: PathBuf, offset: u64, file_len: u64, reason: &'static str },
}

/// True when the system lacks something now that it may have soon: descriptors, memory, a turn.
pub fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let passing = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN, Errno::INTR];
    Errno::from_io_error(error).is_some_and(|errno| passing.contains(&errno))
}

impl SegmentError {
    /// True when the same call may well succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            SegmentError::Io { source, .. } | SegmentError::Append { source, .. } => is_passing(source),
            _ => false,
        }
    }

    /// True if the bytes are wrong, false if the file could not be read or written.
    pub fn is_damage(&self) -> bool {
        matches!(self, SegmentError::Decode { .. } | SegmentError::Misplaced { .. } | SegmentError::Lost { .. })
    }

    /// True if a whole record or header stands there that is of another place.
    pub fn is_misplaced(&self) -> bool {
        matches!(self, SegmentError::Misplaced { .. })
    }

    /// True if there was no space.
    pub fn is_full(&self) -> bool {
        match self {
            SegmentError::Full { .. } => true,
            SegmentError::Io { source, .. } => is_full(source),
            _ => false,
        }
    }

    /// True if a failed append left the file as it was and the writer can go on.
    pub fn was_cut_back(&self) -> bool {
        matches!(self, SegmentError::Full { .. } | SegmentError::Append { .. })
    }

    /// True if the file does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, SegmentError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// True if a call failed because there is no space.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
