//! The pass: what many objects depend on gets parity, and what they do so no longer loses it.

use std::sync::atomic::{AtomicBool, Ordering};

use deltastore_format::{Hash, Parity};

use super::block::block_len;
use super::dependents;
use super::report::ParityReport;
use crate::index::BlobRow;
use crate::store::Store;
use crate::store::blob::record_kind;
use crate::store::error::StoreError;
use crate::store::log::{ParityChange, Protection};

/// Blobs counted at a time.
const COUNTED: usize = 1 << 20;
/// Bytes of parity, and changes, of one batch.
const CHUNK_BYTES: usize = 4 << 20;
const CHUNK: usize = 1024;

/// What a pass is asked to do.
#[derive(Clone, Copy)]
pub(in crate::store) struct ParityOptions {
    /// Count, and write nothing.
    pub dry_run: bool,
    /// Also for what lies in the active segment, which ends for it.
    pub end_active: bool,
}

impl Store {
    /// Gives parity to all that many objects depend on, to the end or until `stop`; answers the bytes that were
    /// written.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ReadOnly`] and what reading the index gives.
    pub fn protect(&self, stop: &AtomicBool) -> Result<u64, StoreError> {
        let _one_at_a_time = self.optimizer().alone();
        let mut done = ParityReport::default();
        let options = ParityOptions { dry_run: false, end_active: true };
        self.keep_parity(options, stop, &|| (), &mut done, &mut |_| ())?;
        Ok(done.parity_bytes)
    }

    /// Gives parity to what many objects depend on, and takes it from what they do not depend on any more.
    pub(in crate::store) fn keep_parity(
        &self,
        options: ParityOptions,
        stop: &AtomicBool,
        wait: &dyn Fn(),
        done: &mut ParityReport,
        report: &mut dyn FnMut(&ParityReport),
    ) -> Result<(), StoreError> {
        let enough = self.settings().parity_from;
        let payload = |hash: &Hash| self.blobs().payload(hash);
        let mut from = Some(Hash::default()).filter(|_| enough > 0);
        while let Some(start) = from {
            let found = dependents::shared(self.index(), &payload, stop, start, COUNTED, enough)?;
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if !found.incomplete && !options.dry_run {
                self.take_from_others(start, &found)?;
            }
            self.give(&found.blobs, options, stop, wait, done, report)?;
            from = found.next;
        }
        Ok(())
    }

    /// Takes parity from what too few objects depend on.
    fn take_from_others(&self, start: Hash, found: &dependents::Shared) -> Result<(), StoreError> {
        let mut gone = Vec::new();
        for row in self.index().all_parity(start) {
            let (hash, row) = row?;
            if found.next.is_some_and(|next| hash >= next) {
                break;
            }
            if found.blobs.binary_search(&hash).is_err() {
                gone.push(Protection { hash, change: ParityChange::Take(row.position) });
            }
        }
        while !gone.is_empty() {
            let rest = gone.split_off(gone.len().min(CHUNK));
            self.log()?.protect(gone)?;
            gone = rest;
        }
        Ok(())
    }

    fn give(
        &self,
        blobs: &[Hash],
        options: ParityOptions,
        stop: &AtomicBool,
        wait: &dyn Fn(),
        done: &mut ParityReport,
        report: &mut dyn FnMut(&ParityReport),
    ) -> Result<(), StoreError> {
        let active = self.index().applied()?.map(|applied| applied.segment);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for hash in blobs {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let Some(row) = self.index().blob(hash)? else { continue };
            done.shared += 1;
            done.shared_bytes += row.record_len;
            tracing::trace!(target: "measure", kind = row.kind as u8, bytes = row.record_len, "shared");
            let late = !options.end_active && active.is_some_and(|active| row.position.segment >= active);
            if late || self.index().parity(hash)?.is_some() {
                continue;
            }
            let Some(payload) = self.parity_of(hash, &row)? else { continue };
            done.parity += 1;
            bytes += payload.len();
            if options.dry_run {
                done.parity_bytes += deltastore_format::record_len(u32::try_from(payload.len()).unwrap_or(u32::MAX));
                continue;
            }
            let change = ParityChange::Give { of: row.position, payload: payload.into() };
            batch.push(Protection { hash: *hash, change });
            if bytes >= CHUNK_BYTES || batch.len() >= CHUNK {
                wait();
                done.parity_bytes += self.log()?.protect(std::mem::take(&mut batch))?;
                bytes = 0;
                report(done);
            }
        }
        if !batch.is_empty() {
            done.parity_bytes += self.log()?.protect(batch)?;
        }
        report(done);
        Ok(())
    }

    /// An encoded parity record; none for what cannot be read, or lies elsewhere by now.
    fn parity_of(&self, hash: &Hash, row: &BlobRow) -> Result<Option<Vec<u8>>, StoreError> {
        let segment = self.blobs().readers().get(row.position.segment);
        let record = match segment.and_then(|segment| segment.read(row.position.offset)) {
            Ok(record) if record.header.kind == record_kind(row.kind) => record,
            Ok(_) => return Ok(None),
            Err(error) => {
                tracing::warn!(%hash, %error, "many objects depend on what cannot be read");
                return Ok(None);
            }
        };
        let parity = Parity::new(row.kind, *hash, row.position, &record.payload, block_len(record.payload.len()));
        let mut payload = Vec::new();
        parity.encode(&mut payload);
        Ok(Some(payload))
    }
}
