//! Reading all rows, which checks the checksums of all blocks.

use rocksdb::ReadOptions;

use super::engine::RocksEngine;
use crate::index::error::IndexError;
use crate::index::family::Family;

/// Bytes of table files up to which all of them are read when the index is opened.
const VERIFIED_BYTES: u64 = 1 << 30;
/// Bytes read at once then.
const READ_AHEAD: usize = 4 << 20;

impl RocksEngine {
    /// Reads all rows, and so checks the checksum of every block of theirs, unless there are too many: then reads find
    /// damage.
    pub fn verify(&self) -> Result<(), IndexError> {
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
