//! The engine on disk: RocksDB without its write-ahead log.
//!
//! The log of segments is the write-ahead log. All families flush atomically, so what a crash leaves is an exact earlier
//! state; the store replays the log from there. RocksDB may flush on its own when its memory is full.
//!
//! Failure cases: a full disk makes flushes and then writes fail with [`IndexError::NoSpace`]; files that
//! fail their checksums make reads fail with [`IndexError::Damaged`], and the index has to be rebuilt.

use super::engine::{Batch, Engine, Family, Mutation, Pair, Scan};
use super::error::IndexError;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRawIterator, Error,
    ErrorKind, FlushOptions, LogLevel, MergeOperands, Options, ReadOptions, WriteBatch, WriteBufferManager,
    WriteOptions,
};
use std::path::Path;

/// Bounds on what the engine uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksSettings {
    /// Blocks, indexes and filters of all families, in bytes.
    pub block_cache_bytes: usize,
    /// What was written and not yet flushed, of all families, in bytes; at its limit a flush begins.
    pub write_buffer_bytes: usize,
    /// Table files held open.
    pub max_open_files: i32,
    /// Threads that flush and compact.
    pub background_jobs: i32,
}

impl Default for RocksSettings {
    fn default() -> Self {
        RocksSettings {
            block_cache_bytes: 48 << 20,
            write_buffer_bytes: 48 << 20,
            max_open_files: 256,
            background_jobs: 2,
        }
    }
}

/// See the module.
pub struct RocksEngine {
    db: DB,
}

impl RocksEngine {
    /// Opens the index in folder `path`, making it when it is not there.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when the files are, else [`IndexError::Engine`]: also when another process has it open.
    pub fn open(path: &Path, settings: &RocksSettings) -> Result<Self, IndexError> {
        let cache = Cache::new_lru_cache(settings.block_cache_bytes);
        let families = Family::ALL
            .map(|family| ColumnFamilyDescriptor::new(name(family), family_options(family, settings, &cache)));
        let db = DB::open_cf_descriptors(&database_options(settings), path, families).map_err(failed("open"))?;
        Ok(RocksEngine { db })
    }

    /// Removes the index in folder `path`, whatever state it is in; no process may have it open.
    ///
    /// # Errors
    /// When files cannot be removed.
    pub fn destroy(path: &Path) -> Result<(), IndexError> {
        if !path.exists() {
            return Ok(());
        }
        DB::destroy(&Options::default(), path).map_err(failed("destroy"))?;
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(IndexError::Engine { action: "destroy", message: error.to_string() })
            }
            _ => Ok(()),
        }
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
    }
}

fn database_options(settings: &RocksSettings) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_atomic_flush(true);
    options.set_paranoid_checks(true);
    options.set_max_open_files(settings.max_open_files);
    options.set_max_background_jobs(settings.background_jobs);
    // While one flush runs, writes fill up to half of this again: two thirds keep the sum within the setting.
    // It never stalls writers: a long scan keeps memory that no flush can free.
    options.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager(
        settings.write_buffer_bytes / 3 * 2,
        false,
    ));
    options.set_bytes_per_sync(1 << 20);
    options.set_max_manifest_file_size(4 << 20);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(1 << 20);
    options.set_keep_log_file_num(2);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

fn family_options(family: Family, settings: &RocksSettings, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_bloom_filter(10.0, false);
    table.set_whole_key_filtering(true);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(settings.write_buffer_bytes);
    // Ten families share the memory: an arena takes whole blocks, however little a family holds.
    options.set_arena_block_size(256 << 10);
    options.set_compression_type(DBCompressionType::Lz4);
    // A scan over many deleted rows is slow until they are compacted away.
    options.add_compact_on_deletion_collector_factory(4096, 1024, 0.5);
    if matches!(family, Family::Links | Family::Segments) {
        options.set_merge_operator_associative("deltastore.sum", sum);
        // A counter that every batch adds to is summed up now and then, so that reading it stays cheap.
        options.set_max_successive_merges(256);
    }
    options
}

/// Sums little-endian `i64`s. Wraps, because a merge must not fail or depend on the order; anything but
/// eight bytes is damage and stops the read.
fn sum(_key: &[u8], existing: Option<&[u8]>, operands: &MergeOperands) -> Option<Vec<u8>> {
    let total = existing
        .into_iter()
        .chain(operands.iter())
        .try_fold(0i64, |total, value| Some(total.wrapping_add(i64::from_le_bytes(value.try_into().ok()?))))?;
    Some(total.to_le_bytes().to_vec())
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
        self.db.get_cf(self.handle(family), key).map_err(failed("get"))
    }

    fn multi_get(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, IndexError> {
        let found = self.db.batched_multi_get_cf(self.handle(family), keys.iter().copied(), false);
        found.into_iter().map(|value| Ok(value.map_err(failed("multi-get"))?.map(|value| value.to_vec()))).collect()
    }

    fn scan<'a>(&'a self, family: Family, from: &[u8], to: Option<&[u8]>) -> Box<dyn Scan + 'a> {
        let mut options = ReadOptions::default();
        if let Some(to) = to {
            options.set_iterate_upper_bound(to);
        }
        let mut raw = self.db.raw_iterator_cf_opt(self.handle(family), options);
        raw.seek(from);
        Box::new(RocksScan { raw, advance: false, ended: false })
    }

    fn write(&self, batch: Batch) -> Result<(), IndexError> {
        let mut rocks = WriteBatch::default();
        for mutation in batch.mutations() {
            match mutation {
                Mutation::Put { family, key, value } => rocks.put_cf(self.handle(*family), key, value),
                Mutation::Delete { family, key } => rocks.delete_cf(self.handle(*family), key),
                Mutation::DeleteRange { family, from, to } => rocks.delete_range_cf(self.handle(*family), from, to),
                Mutation::MergeAdd { counter, key, delta } => {
                    rocks.merge_cf(self.handle(counter.family()), key, delta.to_le_bytes())
                }
            }
        }
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(rocks, &options).map_err(failed("write"))
    }

    fn flush(&self) -> Result<(), IndexError> {
        let families = Family::ALL.map(|family| self.handle(family));
        self.db.flush_cfs_opt(&families, &FlushOptions::default()).map_err(failed("flush"))
    }
}

struct RocksScan<'a> {
    raw: DBRawIterator<'a>,
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
        self.raw.status().err().map(|error| Err(failed("scan")(error)))
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
