//! The engine on disk: RocksDB without its write-ahead log.
//!
//! The log of segments is the write-ahead log. All families flush atomically, so what a crash leaves is an exact earlier
//! state; the store replays the log from there. RocksDB may flush on its own when its memory is full.
//!
//! Failure cases: a full disk makes flushes and then writes fail with [`IndexError::NoSpace`]; files that
//! fail their checksums make reads fail with [`IndexError::Damaged`]; that is noted in a file beside them, so that the next start
//! rebuilds the index whatever is met until then.

mod damage;
mod options;

pub use damage::open_derived;
pub use options::RocksSettings;

use super::engine::{Batch, Counter, Engine, Family, Mutation, Pair, Scan, VERSION_LEN};
use super::error::IndexError;
use options::{database_options, family_options};
use parking_lot::Mutex;
use rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBRawIterator, Error, ErrorKind, FlushOptions, ReadOptions,
    WriteBatch, WriteOptions,
};
use std::collections::HashMap;
use std::path::Path;

/// See the module.
pub struct RocksEngine {
    db: DB,
    /// Held by whoever reads counters to write them back. Counters are not merge operands, because those pile up on a
    /// counter that every batch adds to, and each later write of it would gather them all.
    counting: Mutex<()>,
    damage: damage::Mark,
}

impl RocksEngine {
    /// Opens the index in folder `path`, making it when it is not there.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when the files are, or were when they were last open, else [`IndexError::Engine`]: also when
    /// another process has it open.
    pub fn open(path: &Path, settings: &RocksSettings) -> Result<Self, IndexError> {
        let damage = damage::Mark::unmarked(path)?;
        let cache = Cache::new_lru_cache(settings.block_cache_bytes);
        let families = Family::ALL
            .map(|family| ColumnFamilyDescriptor::new(name(family), family_options(family, settings, &cache)));
        let db = DB::open_cf_descriptors(&database_options(settings), path, families).map_err(damage::open_failed)?;
        Ok(RocksEngine { db, counting: Mutex::new(()), damage })
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
    fn counters<'a>(&self, batch: &'a Batch) -> Result<HashMap<(Family, &'a [u8]), i64>, IndexError> {
        let mut counters = HashMap::new();
        for counter in [Counter::Links, Counter::Segments] {
            let mut keys: Vec<&[u8]> = batch.added_to(counter).collect();
            keys.sort_unstable();
            keys.dedup();
            for (key, value) in keys.iter().zip(self.multi_get(counter.family(), &keys)?) {
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

    fn failed(&self, action: &'static str) -> impl Fn(Error) -> IndexError {
        move |error| self.damage.noted(failed(action)(error))
    }

    fn handle(&self, family: Family) -> &ColumnFamily {
        self.db.cf_handle(name(family)).expect("every family is opened with the database")
    }
}

fn name(family: Family) -> &'static str {
    match family {
        Family::Meta => rocksdb::DEFAULT_COLUMN_FAMILY_NAME,
        Family::Buckets => "buckets",
        Family::Objects => "objects",
        Family::Uploads => "uploads",
        Family::Parts => "parts",
        Family::Blobs => "blobs",
        Family::Links => "links",
        Family::Sketches => "sketches",
        Family::Segments => "segments",
        Family::Scratch => "scratch",
        Family::Parity => "parity",
    }
}

fn failed(action: &'static str) -> impl Fn(Error) -> IndexError {
    move |error| {
        let message = error.to_string();
        match error.kind() {
            ErrorKind::Corruption => IndexError::Damaged { action, message },
            ErrorKind::IOError if message.contains("No space left") => IndexError::NoSpace { action, message },
            _ => IndexError::Engine { action, message },
        }
    }
}

impl Engine for RocksEngine {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        self.db.get_cf(self.handle(family), key).map_err(self.failed("get"))
    }

    fn multi_get(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, IndexError> {
        let found = self.db.batched_multi_get_cf(self.handle(family), keys.iter().copied(), false);
        found
            .into_iter()
            .map(|value| Ok(value.map_err(self.failed("multi-get"))?.map(|value| value.to_vec())))
            .collect()
    }

    fn scan<'a>(&'a self, family: Family, from: &[u8], to: Option<&[u8]>) -> Box<dyn Scan + 'a> {
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        if let Some(to) = to {
            options.set_iterate_upper_bound(to);
        }
        let mut raw = self.db.raw_iterator_cf_opt(self.handle(family), options);
        raw.seek(from);
        Box::new(RocksScan { raw, mark: &self.damage, advance: false, ended: false })
    }

    fn scan_versions<'a>(&'a self, prefix: &[u8]) -> Box<dyn Scan + 'a> {
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(true);
        let mut raw = self.db.raw_iterator_cf_opt(self.handle(Family::Objects), options);
        raw.seek([prefix, &[0; VERSION_LEN]].concat());
        Box::new(RocksScan { raw, mark: &self.damage, advance: false, ended: false })
    }

    fn write(&self, batch: Batch) -> Result<(), IndexError> {
        let mut rocks = WriteBatch::default();
        let _counting = self.counting.lock();
        let before = self.counters(&batch)?;
        // Written once each, after all else: `None` where the batch deletes the counter last.
        let mut after: HashMap<(Family, &[u8]), Option<i64>> = HashMap::new();
        for mutation in batch.mutations() {
            match mutation {
                Mutation::Put { family, key, value } => rocks.put_cf(self.handle(*family), key, value),
                Mutation::Delete { family, key } => {
                    if matches!(family, Family::Links | Family::Segments) {
                        after.insert((*family, key), None);
                    }
                    rocks.delete_cf(self.handle(*family), key);
                }
                Mutation::DeleteRange { family, from, to } => rocks.delete_range_cf(self.handle(*family), from, to),
                Mutation::MergeAdd { counter, key, delta } => {
                    let name = (counter.family(), key.as_slice());
                    let value = after.entry(name).or_insert_with(|| before.get(&name).copied());
                    *value = Some(value.unwrap_or(0).wrapping_add(*delta));
                }
            }
        }
        for ((family, key), value) in after {
            if let Some(value) = value {
                rocks.put_cf(self.handle(family), key, value.to_le_bytes());
            }
        }
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(rocks, &options).map_err(self.failed("write"))
    }

    fn flush(&self) -> Result<(), IndexError> {
        let families = Family::ALL.map(|family| self.handle(family));
        self.db.flush_cfs_opt(&families, &FlushOptions::default()).map_err(self.failed("flush"))
    }

    fn is_damaged(&self) -> bool {
        self.damage.is_set()
    }

    fn end(&self) -> Result<(), IndexError> {
        let flushed = self.flush();
        self.db.cancel_all_background_work(true);
        flushed
    }
}

struct RocksScan<'a> {
    raw: DBRawIterator<'a>,
    mark: &'a damage::Mark,
    /// The pair under the iterator was returned already.
    advance: bool,
    ended: bool,
}

impl Iterator for RocksScan<'_> {
    type Item = Result<Pair, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if std::mem::replace(&mut self.advance, true) {
            self.raw.next();
        }
        if let Some((key, value)) = self.raw.item() {
            return Some(Ok((key.to_vec(), value.to_vec())));
        }
        self.ended = true;
        self.raw.status().err().map(|error| Err(self.mark.noted(failed("scan")(error))))
    }
}

impl Scan for RocksScan<'_> {
    fn seek(&mut self, key: &[u8]) {
        if !self.ended {
            self.raw.seek(key);
            self.advance = false;
        }
    }
}
