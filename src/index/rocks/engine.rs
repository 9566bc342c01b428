//! The engine: batches, reads and flushes of one RocksDB that may be closed and opened anew.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use rocksdb::{Cache, WriteBatch};

use super::cursor::RocksScan;
use super::damage::Mark;
use super::database::{self, Database};
use super::journal::Journal;
use super::opening::open_patiently;
use crate::index::engine::{Batch, Counter, Engine, Mutation, Scan};
use crate::index::error::IndexError;
use crate::index::family::Family;
use crate::index::settings::RocksSettings;

/// See the folder's module.
pub struct RocksEngine {
    pub(super) path: PathBuf,
    pub(super) settings: RocksSettings,
    pub(super) cache: Cache,
    /// None when it was closed and could not be opened again so far.
    pub(super) current: RwLock<Option<Arc<Database>>>,
    /// Held by whoever writes. Counters are read to be written back, not merged, because operands pile up on a
    /// counter that every batch adds to, and each later write of it would gather them all.
    pub(super) writing: Mutex<Journal>,
    /// A write or flush failed: the database takes nothing until it is opened anew.
    pub(super) suspect: AtomicBool,
    pub(super) damage: Arc<Mark>,
}

impl RocksEngine {
    /// Opens the index in folder `path`, making it when it is not there. What may pass is waited for, for some seconds.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when the files are, or were when they were last open, or cannot be read; else what does
    /// not pass: also when another process has it open.
    pub fn open(path: &Path, settings: &RocksSettings) -> Result<Self, IndexError> {
        let damage = Arc::new(Mark::unmarked(path)?);
        let cache = Cache::new_lru_cache(settings.block_cache_bytes);
        let database = open_patiently(path, settings, &cache, &damage)?;
        let journal = Journal::new(&database)?;
        Ok(RocksEngine {
            path: path.to_owned(),
            settings: settings.clone(),
            cache,
            current: RwLock::new(Some(Arc::new(database))),
            writing: Mutex::new(journal),
            suspect: AtomicBool::new(false),
            damage,
        })
    }

    /// Removes the index in folder `path`, whatever state it is in; no process may have it open.
    ///
    /// # Errors
    /// When files cannot be removed.
    pub fn destroy(path: &Path) -> Result<(), IndexError> {
        if !path.exists() {
            return Ok(());
        }
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(IndexError::Engine { action: "destroy", message: error.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// The counters that a batch adds to, as they are before it; absent ones are left out.
    fn counters<'a>(database: &Database, batch: &'a Batch) -> Result<HashMap<(Family, &'a [u8]), i64>, IndexError> {
        let mut counters = HashMap::new();
        for counter in [Counter::Links, Counter::Segments] {
            let mut keys: Vec<&[u8]> = batch.added_to(counter).collect();
            keys.sort_unstable();
            keys.dedup();
            for (key, value) in keys.iter().zip(multi_get(database, counter.family(), &keys)?) {
                if let Some(value) = value {
                    let value = value.try_into().map_err(|value: Vec<u8>| IndexError::Damaged {
                        action: "count",
                        message: format!("{} bytes where a counter was expected", value.len()),
                    })?;
                    counters.insert((counter.family(), *key), i64::from_le_bytes(value));
                }
            }
        }
        Ok(counters)
    }

    fn write_once(&self, batch: &Batch, journal: &mut Journal) -> Result<(), IndexError> {
        let database = self.current.read().clone().ok_or_else(database::closed)?;
        let mut rocks = WriteBatch::default();
        let before = Self::counters(&database, batch)?;
        // Written once each, after all else: `None` where the batch deletes the counter last.
        let mut after: HashMap<(Family, &[u8]), Option<i64>> = HashMap::new();
        for mutation in batch.mutations() {
            match mutation {
                Mutation::Put { family, key, value } => rocks.put_cf(database.handle(*family), key, value),
                Mutation::Delete { family, key } => {
                    if matches!(family, Family::Links | Family::Segments) {
                        after.insert((*family, key), None);
                    }
                    rocks.delete_cf(database.handle(*family), key);
                }
                Mutation::DeleteRange { family, from, to } => rocks.delete_range_cf(database.handle(*family), from, to),
                Mutation::MergeAdd { counter, key, delta } => {
                    let name = (counter.family(), key.as_slice());
                    let value = after.entry(name).or_insert_with(|| before.get(&name).copied());
                    *value = Some(value.unwrap_or(0).wrapping_add(*delta));
                }
            }
        }
        for ((family, key), value) in after {
            if let Some(value) = value {
                rocks.put_cf(database.handle(family), key, value.to_le_bytes());
            }
        }
        let written = database.write(rocks, journal.next());
        let data = written.inspect_err(|_| self.suspect.store(true, Ordering::SeqCst))?;
        journal.push(data, &database);
        Ok(())
    }

    fn flush_once(&self) -> Result<(), IndexError> {
        let database = self.database()?;
        database.flush().inspect_err(|_| self.suspect.store(true, Ordering::SeqCst))?;
        self.writing.lock().trim(&database);
        Ok(())
    }
}

fn multi_get(database: &Database, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, IndexError> {
    let found = database.db().batched_multi_get_cf(database.handle(family), keys.iter().copied(), false);
    found
        .into_iter()
        .map(|value| Ok(value.map_err(database.failed("multi-get"))?.map(|value| value.to_vec())))
        .collect()
}

impl Engine for RocksEngine {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        let database = self.database()?;
        database.db().get_cf(database.handle(family), key).map_err(database.failed("get"))
    }

    fn multi_get(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, IndexError> {
        multi_get(&*self.database()?, family, keys)
    }

    fn scan<'a>(&'a self, family: Family, from: &[u8], to: Option<&[u8]>) -> Box<dyn Scan + 'a> {
        Box::new(RocksScan::range(self.database(), family, from, to))
    }

    fn scan_versions<'a>(&'a self, prefix: &[u8]) -> Box<dyn Scan + 'a> {
        Box::new(RocksScan::versions(self.database(), prefix))
    }

    fn write(&self, batch: Batch) -> Result<(), IndexError> {
        let mut journal = self.writing.lock();
        self.renew_if_suspect(&mut journal)?;
        match self.write_once(&batch, &mut journal) {
            Err(error) if error.is_passing() && self.suspect.load(Ordering::SeqCst) => {
                tracing::warn!(%error, "the index takes no writes; it is opened anew");
                self.renew_if_suspect(&mut journal)?;
                self.write_once(&batch, &mut journal)
            }
            result => result,
        }
    }

    fn flush(&self) -> Result<(), IndexError> {
        match self.flush_once() {
            Err(error) if error.is_passing() => {
                tracing::warn!(%error, "the index could not be flushed; it is opened anew");
                self.renew_if_suspect(&mut self.writing.lock())?;
                self.flush_once()
            }
            result => result,
        }
    }

    fn is_damaged(&self) -> bool {
        self.damage.is_set()
    }

    fn end(&self) -> Result<(), IndexError> {
        let flushed = self.flush();
        if let Some(database) = self.current.read().as_ref() {
            database.db().cancel_all_background_work(true);
        }
        flushed
    }
}
