//! One open RocksDB: what is asked of it, and what its errors mean.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, DB, Error, FlushOptions, ReadOptions, ReadTier, WriteBatch,
    WriteOptions,
};

use super::damage::Mark;
use super::errors::{failed, open_failed};
use super::options::{database_options, family_options};
use crate::index::error::IndexError;
use crate::index::family::Family;
use crate::index::settings::RocksSettings;

/// Row of [`Family::Meta`] with the number of the last batch. Every batch writes it, and all families flush together:
/// so it tells of a state of the files which batches are in it.
const LAST_BATCH: &[u8] = b"last-batch";

pub struct Database {
    db: DB,
    /// It is about to be closed: cursors end, and none is made.
    closing: AtomicBool,
    mark: Arc<Mark>,
}

impl Database {
    pub fn open(path: &Path, settings: &RocksSettings, cache: &Cache, mark: &Arc<Mark>) -> Result<Self, IndexError> {
        let families = Family::ALL
            .map(|family| ColumnFamilyDescriptor::new(name(family), family_options(family, settings, cache)));
        let db = DB::open_cf_descriptors(&database_options(settings), path, families).map_err(open_failed)?;
        Ok(Self { db, closing: AtomicBool::new(false), mark: Arc::clone(mark) })
    }

    pub fn db(&self) -> &DB {
        &self.db
    }

    pub fn handle(&self, family: Family) -> &ColumnFamily {
        self.db.cf_handle(name(family)).expect("every family is opened with the database")
    }

    /// Writes a batch and its number; the bytes to write the same again.
    pub fn write(&self, mut batch: WriteBatch, number: u64) -> Result<Vec<u8>, IndexError> {
        batch.put_cf(self.handle(Family::Meta), LAST_BATCH, number.to_le_bytes());
        let data = batch.data().to_vec();
        self.write_as_is(batch)?;
        Ok(data)
    }

    /// Writes what [`Database::write`] gave.
    pub fn write_again(&self, data: &[u8]) -> Result<(), IndexError> {
        self.write_as_is(WriteBatch::from_data(data))
    }

    fn write_as_is(&self, batch: WriteBatch) -> Result<(), IndexError> {
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(batch, &options).map_err(self.failed("write"))
    }

    pub fn flush(&self) -> Result<(), IndexError> {
        let families = Family::ALL.map(|family| self.handle(family));
        self.db.flush_cfs_opt(&families, &FlushOptions::default()).map_err(self.failed("flush"))
    }

    /// Number of the last batch that a crash would keep; 0 when there is none.
    pub fn durable_batch(&self) -> Result<u64, IndexError> {
        let mut options = ReadOptions::default();
        options.set_read_tier(ReadTier::Persisted);
        let value = self.db.get_cf_opt(self.handle(Family::Meta), LAST_BATCH, &options).map_err(self.failed("get"))?;
        let Some(value) = value else { return Ok(0) };
        let number = value.as_slice().try_into().map_err(|_| IndexError::Damaged {
            action: "get",
            message: format!("{} bytes where the number of a batch was expected", value.len()),
        })?;
        Ok(u64::from_le_bytes(number))
    }

    /// What an error means; damage is noted for the next start.
    pub fn failed(&self, action: &'static str) -> impl Fn(Error) -> IndexError {
        move |error| self.mark.noted(failed(action)(error))
    }

    pub fn set_closing(&self, closing: bool) {
        self.closing.store(closing, Ordering::SeqCst);
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }
}

/// The answer to who comes while the database is closed.
pub fn closed() -> IndexError {
    IndexError::NotNow { action: "open", message: "it is opened anew after a failure".into() }
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
        Family::Small => "small",
    }
}
