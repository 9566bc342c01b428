//! Opening RocksDB: with patience, and after a try that shows that it can be opened.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rocksdb::Cache;

use super::damage::Mark;
use super::database::Database;
use crate::index::error::IndexError;
use crate::index::settings::RocksSettings;

/// How long an opening at start waits for what may pass.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Descriptors that an opening must find free: the manifest, the folder and a table or two of each family.
const DESCRIPTORS: usize = 32;
/// Bytes that an opening must be able to write: a manifest and options.
const PROBE_BYTES: usize = 256 << 10;

/// Opens a database, and waits for what may pass. Files that cannot be read for all that time are as good as damaged.
pub fn open_patiently(
    path: &Path,
    settings: &RocksSettings,
    cache: &Cache,
    mark: &Arc<Mark>,
) -> Result<Database, IndexError> {
    let deadline = Instant::now() + OPEN_PATIENCE;
    loop {
        match Database::open(path, settings, cache, mark) {
            Err(error) if error.is_passing() && Instant::now() < deadline => {
                tracing::debug!(%error, "the index is not opened yet");
                std::thread::sleep(PAUSE);
            }
            Err(IndexError::NotNow { action, message }) if message.contains("Input/output error") => {
                return Err(IndexError::Damaged { action, message });
            }
            opened => return opened,
        }
    }
}

/// Tries what an opening needs, before anything is closed for it.
///
/// # Errors
/// What may pass: no space, no descriptors, or a disk that fails.
pub fn probe(path: &Path) -> Result<(), IndexError> {
    try_files(path).map_err(|error| refused(&error))
}

fn try_files(path: &Path) -> io::Result<()> {
    let folders: io::Result<Vec<_>> = (0..DESCRIPTORS).map(|_| std::fs::File::open(path)).collect();
    drop(folders?);
    let name = path.join("PROBE");
    let written = std::fs::File::create(&name).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_data()
    });
    // RocksDB leaves a file of a name that it does not know alone.
    let removed = std::fs::remove_file(&name);
    written.and(removed)
}

fn refused(error: &io::Error) -> IndexError {
    let (action, message) = ("open", error.to_string());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => IndexError::NoSpace { action, message },
        _ => IndexError::NotNow { action, message },
    }
}
