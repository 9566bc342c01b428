//! Closing RocksDB and opening it again, after it stopped taking writes.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::RwLockWriteGuard;
use rocksdb::Cache;

use super::RocksEngine;
use super::damage::Mark;
use super::database::{Database, closed};
use super::journal::Journal;
use super::options::RocksSettings;
use crate::index::error::IndexError;

/// How long scans under way have to notice that they must end.
const SCANS_END: Duration = Duration::from_secs(5);
/// How long an opening at start waits for what may pass.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Descriptors that an opening must find free: the manifest, the folder and a table or two of each family.
const DESCRIPTORS: usize = 32;
/// Bytes that an opening must be able to write: a manifest and options.
const PROBE_BYTES: usize = 256 << 10;

impl RocksEngine {
    /// The open database. Where it is closed because opening it again failed, this tries once more.
    pub(super) fn database(&self) -> Result<Arc<Database>, IndexError> {
        if let Some(database) = self.current.read().clone() {
            return Ok(database);
        }
        self.renew_if_suspect(&mut self.writing.lock())?;
        self.current.read().clone().ok_or_else(closed)
    }

    /// Opens the database anew if it takes no writes any more. On failure it goes on being read as it is, if it was not
    /// closed yet.
    pub(super) fn renew_if_suspect(&self, journal: &mut Journal) -> Result<(), IndexError> {
        if !self.suspect.load(Ordering::SeqCst) {
            return Ok(());
        }
        probe(&self.path).map_err(|error| refused(&error))?;
        let mut current = self.close()?;
        let database = Database::open(&self.path, &self.settings, &self.cache, &self.damage)?;
        journal.write_again(&database)?;
        *current = Some(Arc::new(database));
        self.suspect.store(false, Ordering::SeqCst);
        tracing::info!("the index was opened anew");
        Ok(())
    }

    /// Closes the database once nobody reads it, and keeps readers waiting for as long as the answer lives.
    fn close(&self) -> Result<RwLockWriteGuard<'_, Option<Arc<Database>>>, IndexError> {
        let deadline = Instant::now() + SCANS_END;
        loop {
            let mut current = self.current.write();
            match current.take().map(Arc::try_unwrap) {
                None => return Ok(current),
                Some(Ok(database)) => {
                    drop(database);
                    return Ok(current);
                }
                Some(Err(shared)) => {
                    let late = Instant::now() >= deadline;
                    shared.set_closing(!late);
                    *current = Some(shared);
                    if late {
                        let message = "a scan goes on for too long".into();
                        return Err(IndexError::NotNow { action: "open", message });
                    }
                }
            }
            drop(current);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

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
fn probe(path: &Path) -> io::Result<()> {
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
