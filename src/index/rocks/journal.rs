//! Batches that a crash could still take from RocksDB, kept so that it can be opened anew without losing one.
//!
//! It holds what was written since RocksDB's last flush, which is less than the write buffers hold.

use std::collections::VecDeque;

use super::database::Database;
use crate::index::error::IndexError;

/// Bytes after which it is worth a look how much is durable by now.
const LOOK: usize = 1 << 20;

pub struct Journal {
    /// Number of the first batch in `batches`; the others follow.
    first: u64,
    batches: VecDeque<Vec<u8>>,
    /// Bytes added since the last look.
    grown: usize,
}

impl Journal {
    /// Of a database that was just opened.
    pub fn new(database: &Database) -> Result<Self, IndexError> {
        Ok(Self { first: database.durable_batch()? + 1, batches: VecDeque::new(), grown: 0 })
    }

    /// The number of the next batch.
    pub fn next(&self) -> u64 {
        self.first + self.batches.len() as u64
    }

    /// Adds the batch that was just written.
    pub fn push(&mut self, data: Vec<u8>, database: &Database) {
        self.grown += data.len();
        self.batches.push_back(data);
        if self.grown >= LOOK {
            self.trim(database);
        }
    }

    /// Lets go of what is durable. Where that cannot be told, nothing goes.
    pub fn trim(&mut self, database: &Database) {
        self.grown = 0;
        match database.durable_batch() {
            Ok(durable) => self.forget(durable),
            Err(error) => tracing::debug!(%error, "how much of the index is durable is unknown"),
        }
    }

    fn forget(&mut self, durable: u64) {
        let gone = (durable + 1).saturating_sub(self.first).min(self.batches.len() as u64);
        self.batches.drain(..usize::try_from(gone).unwrap_or(usize::MAX));
        self.first += gone;
    }

    /// Writes what a database that was opened anew does not have.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when the files have lost what was durable; and what writing gives.
    pub fn write_again(&mut self, database: &Database) -> Result<(), IndexError> {
        let durable = database.durable_batch()?;
        if durable + 1 < self.first {
            let message = format!("batch {durable} is the last in its files, {} was", self.first - 1);
            return Err(IndexError::Damaged { action: "open", message });
        }
        self.forget(durable);
        self.batches.iter().try_for_each(|data| database.write_again(data))
    }
}
