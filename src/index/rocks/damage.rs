//! Damage to the engine's own files: found when they are opened, or later and then noted for the next start.
//!
//! The index is derived, so whoever opens it throws a damaged one away and rebuilds it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocksdb::{Error, ErrorKind, ReadOptions};

use super::database::failed;
use super::{RocksEngine, RocksSettings};
use crate::index::engine::Engine;
use crate::index::family::Family;
use crate::index::{Index, IndexError};

/// A file in the index's folder that says that it is damaged.
const MARK: &str = "DAMAGED";
/// Bytes of table files up to which all of them are read when the index is opened.
const VERIFIED_BYTES: u64 = 1 << 30;
/// Bytes read at once then.
const READ_AHEAD: usize = 4 << 20;

/// Whether damage was met, on disk too.
pub struct Mark {
    path: PathBuf,
    set: AtomicBool,
}

impl Mark {
    /// # Errors
    /// [`IndexError::Damaged`] if the mark is there.
    pub fn unmarked(index: &Path) -> Result<Self, IndexError> {
        let path = index.join(MARK);
        match std::fs::read_to_string(&path) {
            Ok(message) => Err(IndexError::Damaged { action: "open", message }),
            Err(_) => Ok(Self { path, set: AtomicBool::new(false) }),
        }
    }

    /// The error; the first that is damage leaves the mark.
    pub fn noted(&self, error: IndexError) -> IndexError {
        if error.is_damage() && !self.set.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the index is damaged; it is rebuilt from the segments at the next start");
            if let Err(error) = std::fs::write(&self.path, error.to_string()) {
                tracing::warn!(%error, "that could not be noted; the next start may have to find it again");
            }
        }
        error
    }

    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
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

/// Opens the index in folder `path`. One that is damaged is thrown away and made anew, empty; then what was wrong comes
/// with it.
///
/// # Errors
/// What opening gives for other reasons than damage.
pub fn open_derived(
    path: &Path,
    settings: &RocksSettings,
) -> Result<(Arc<dyn Engine>, Option<IndexError>), IndexError> {
    match checked(path, settings) {
        Err(error) if error.is_damage() => {
            RocksEngine::destroy(path)?;
            Ok((checked(path, settings)?, Some(error)))
        }
        // That one read of all rows failed says little: once more.
        Err(error) if error.is_passing() => Ok((checked(path, settings)?, None)),
        other => Ok((other?, None)),
    }
}

fn checked(path: &Path, settings: &RocksSettings) -> Result<Arc<dyn Engine>, IndexError> {
    let engine = Arc::new(RocksEngine::open(path, settings)?);
    engine.verify()?;
    let engine: Arc<dyn Engine> = engine;
    Index::open(Arc::clone(&engine))?;
    Ok(engine)
}

impl RocksEngine {
    /// Reads all rows, and so checks the checksum of every block of theirs, unless there are too many: then reads find
    /// damage.
    fn verify(&self) -> Result<(), IndexError> {
        let database = self.database()?;
        let live = database.db().live_files().map_err(database.failed("verify"))?;
        if live.iter().map(|file| file.size as u64).sum::<u64>() > VERIFIED_BYTES {
            return Ok(());
        }
        for family in Family::ALL {
            let mut options = ReadOptions::default();
            options.set_total_order_seek(true);
            options.fill_cache(false);
            options.set_readahead_size(READ_AHEAD);
            let mut rows = database.db().raw_iterator_cf_opt(database.handle(family), options);
            rows.seek_to_first();
            while rows.valid() {
                rows.next();
            }
            rows.status().map_err(database.failed("verify"))?;
        }
        Ok(())
    }
}
