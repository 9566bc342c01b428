//! Verification: reading records and comparing their checksums before something counts on them.
//!
//! Invariants
//! - A window is sound if its own record and those of all that it is encoded against, directly or not, are; a node or
//!   member if its own is. What these name is followed by [`Blobs::verify_entries`].
//! - What another write heals does not count before its commit: that may fail, or come too late.
//! - A record that was verified lately is not read again ([soundness](crate::store::soundness)); one that could not be
//!   read is decoded whole.
//!
//! Failure cases: damage is an error that names the place; so is a file that is gone or a sector that cannot be read.

use std::collections::HashSet;

use deltastore_delta::Decoder;
use deltastore_format::{Entry, EntryKind, Hash, NodePayload, PlacedKind, Position, WindowHead};
use sha2::{Digest, Sha256};

use super::{Blobs, CachePolicy};
use crate::index::BlobRow;
use crate::store::error::StoreError;
use crate::store::recipe::restrict;

/// What looking at one record costs of a budget at least, in bytes.
const LOOK_BYTES: u64 = 4 << 10;

/// Bytes of records that may be read to verify something.
pub struct VerifyBudget(u64);

impl VerifyBudget {
    pub fn unlimited() -> Self {
        Self(u64::MAX)
    }

    pub fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    fn is_spent(&self) -> bool {
        self.0 == 0
    }

    fn spend(&mut self, bytes: u64) {
        if self.0 != u64::MAX {
            self.0 = self.0.saturating_sub(bytes.max(LOOK_BYTES));
        }
    }
}

impl Blobs {
    /// Whether what lies at `row`, and all that it is encoded against, can be read. What cannot is logged once.
    pub fn is_sound(&self, hash: &Hash, row: &BlobRow) -> Result<bool, StoreError> {
        match self.verify(hash, row, &mut VerifyBudget::unlimited()) {
            Ok(()) => Ok(true),
            Err(error) if error.is_unreadable() => {
                if self.soundness().damaged(hash, row.position) {
                    tracing::error!(%hash, position = %row.position, %error, "a blob that a write has again is damaged");
                }
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Verifies a blob at `row` and all that it is encoded against.
    pub fn verify(&self, hash: &Hash, row: &BlobRow, budget: &mut VerifyBudget) -> Result<(), StoreError> {
        self.verify_record(hash, row, budget)?;
        let mut seen = HashSet::new();
        let mut open = row.references.clone();
        while let Some(reference) = open.pop() {
            if seen.insert(reference) {
                let row = self.settled_row(&reference)?;
                self.verify_record(&reference, &row, budget)?;
                open.extend(row.references);
            }
        }
        Ok(())
    }

    /// Verifies what entries of a recipe lead to, in their order, until the budget is spent; how many are done.
    pub fn verify_entries(&self, entries: &[Entry], budget: &mut VerifyBudget) -> Result<usize, StoreError> {
        for (number, entry) in entries.iter().enumerate() {
            if !self.verify_entry(entry, budget)? {
                return Ok(number);
            }
        }
        Ok(entries.len())
    }

    /// False when the budget is spent before its end.
    fn verify_entry(&self, entry: &Entry, budget: &mut VerifyBudget) -> Result<bool, StoreError> {
        let mut open = vec![*entry];
        while let Some(entry) = open.pop() {
            if budget.is_spent() {
                return Ok(false);
            }
            let row = self.settled_row(&entry.hash)?;
            if entry.kind == EntryKind::Window {
                self.verify(&entry.hash, &row, budget)?;
                continue;
            }
            budget.spend(row.record_len);
            match self.payload(&entry.hash)? {
                NodePayload::List(node) => {
                    let children = restrict(&node.entries, entry.skip..entry.skip.saturating_add(entry.len));
                    open.extend(children.into_iter().rev());
                }
                NodePayload::Member(member) => {
                    open.extend(member.view.iter().rev());
                    open.extend(member.program.iter().rev());
                }
            }
        }
        Ok(true)
    }

    /// What the index has of a blob; of one that it does not have, what is appended.
    fn settled_row(&self, hash: &Hash) -> Result<BlobRow, StoreError> {
        match self.indexed(hash)? {
            Some(row) => Ok(row),
            None => self.row(hash),
        }
    }

    fn is_indexed_at(&self, hash: &Hash, position: Position) -> Result<bool, StoreError> {
        Ok(self.indexed(hash)?.is_some_and(|row| row.position == position))
    }

    fn verify_record(&self, hash: &Hash, row: &BlobRow, budget: &mut VerifyBudget) -> Result<(), StoreError> {
        if self.soundness().is_verified(hash, row.position) {
            budget.spend(0);
            return Ok(());
        }
        budget.spend(row.record_len);
        let asked = row.position;
        let (row, record) = self.record_at(hash, row.clone(), row.kind)?;
        if row.position != asked && (self.fresh_at(hash, asked) || !self.is_indexed_at(hash, row.position)?) {
            return Err(StoreError::damaged(asked, "a record that can be read", "one of another form of the blob"));
        }
        let checked = record.header.check_payload(&record.payload);
        checked
            .map_err(|error| StoreError::undecodable(row.position, "record", &error))
            .and_then(|()| self.check_names(hash, &row, &record.payload))
            .inspect_err(|error| self.note_damage(hash, row.position, error))?;
        // Its checksum may be right and its content wrong: what could not be decoded once is decoded.
        if self.soundness().is_damaged(hash, row.position) && row.kind == PlacedKind::Window {
            self.read_window(hash, &mut Decoder::new(), &[], CachePolicy::No)?;
        }
        self.soundness().verified(hash, row.position);
        Ok(())
    }

    /// That the record is of the very blob.
    fn check_names(&self, hash: &Hash, row: &BlobRow, payload: &[u8]) -> Result<(), StoreError> {
        let found = match row.kind {
            PlacedKind::Window => {
                let (head, _) = WindowHead::decode(payload)
                    .map_err(|error| StoreError::undecodable(row.position, "window head", &error))?;
                head.hash
            }
            PlacedKind::Node => Hash(Sha256::digest(payload).into()),
        };
        if found == *hash { Ok(()) } else { Err(StoreError::damaged(row.position, format!("SHA-256 {hash}"), found)) }
    }
}
