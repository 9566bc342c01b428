//! What errors of RocksDB mean.

use rocksdb::{Error, ErrorKind};

use crate::index::error::IndexError;

/// RocksDB tells kinds of system errors apart by text alone.
pub fn failed(action: &'static str) -> impl Fn(Error) -> IndexError {
    move |error| {
        let message = error.to_string();
        match error.kind() {
            ErrorKind::Corruption => IndexError::Damaged { action, message },
            ErrorKind::IOError if message.contains("No space left") => IndexError::NoSpace { action, message },
            // Builds of format version 1 counted by merge operands, which this one cannot read: the index is rebuilt.
            ErrorKind::InvalidArgument if message.contains("merge_operator") => IndexError::Damaged { action, message },
            // A file that the manifest names is gone.
            ErrorKind::IOError if message.contains("No such file") => IndexError::Damaged { action, message },
            ErrorKind::IOError
            | ErrorKind::Busy
            | ErrorKind::TimedOut
            | ErrorKind::TryAgain
            | ErrorKind::Aborted
            | ErrorKind::Incomplete
            | ErrorKind::ShutdownInProgress => IndexError::NotNow { action, message },
            // Of the crate itself, which makes the folder; its errors have no kind.
            ErrorKind::Unknown if message.contains("StorageFull") => IndexError::NoSpace { action, message },
            ErrorKind::Unknown if message.contains("directory") && !message.contains("PermissionDenied") => {
                IndexError::NotNow { action, message }
            }
            _ => IndexError::Engine { action, message },
        }
    }
}

/// An error of opening. Files that are missing or contradict each other are damage too.
pub fn open_failed(error: Error) -> IndexError {
    let missing = matches!(error.kind(), ErrorKind::IOError) && error.to_string().contains("No such file");
    match error.kind() {
        ErrorKind::InvalidArgument | ErrorKind::NotFound => {
            IndexError::Damaged { action: "open", message: error.to_string() }
        }
        _ if missing => IndexError::Damaged { action: "open", message: error.to_string() },
        _ => failed("open")(error),
    }
}
