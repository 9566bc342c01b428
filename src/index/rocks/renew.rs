//! Closing RocksDB and opening it again, after it stopped taking writes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::RwLockWriteGuard;

use super::database::{Database, closed};
use super::engine::RocksEngine;
use super::journal::Journal;
use super::opening;
use crate::index::error::IndexError;

/// How long scans under way have to notice that they must end.
const SCANS_END: Duration = Duration::from_secs(5);

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
        opening::probe(&self.path)?;
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
