//! Repair: what a damaged record must have held, and the record that takes its place.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use deltastore_format::{Hash, Parity, Position, RecordKind};

use crate::index::{BlobRow, Index, ParityRow};
use crate::segment::Readers;
use crate::store::Store;
use crate::store::blob::record_kind;
use crate::store::error::StoreError;
use crate::store::log::{Moved, ParityChange, Protection, Relocation};

/// What a repair found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MendReport {
    /// Windows and nodes with parity that were looked at.
    pub checked: u64,
    /// Damaged records that others took the place of.
    pub mended: u64,
    /// Damaged parity that was dropped; a pass writes it again.
    pub dropped: u64,
    /// Damaged records that parity does not suffice for.
    pub lost: u64,
}

/// The parity that lies there.
pub fn read(readers: &Readers, hash: &Hash, row: &ParityRow) -> Result<Parity, StoreError> {
    let record = readers.get(row.position.segment)?.read(row.position.offset)?;
    if record.header.kind != RecordKind::Parity {
        return Err(StoreError::damaged(row.position, "parity", format!("{:?}", record.header.kind)));
    }
    let parity = Parity::decode(&record.payload)
        .map_err(|error| StoreError::undecodable(row.position, "parity record", &error))?;
    if parity.hash != *hash {
        return Err(StoreError::damaged(row.position, format!("parity of {hash}"), parity.hash));
    }
    Ok(parity)
}

/// The payload that belongs to a blob whose record lies, damaged or not at all, at `position`; none without parity that
/// suffices.
///
/// # Errors
/// A read that failed, without which it cannot be told.
pub fn repaired(
    index: &Index,
    readers: &Readers,
    hash: &Hash,
    position: Position,
) -> Result<Option<Bytes>, StoreError> {
    let Some(row) = index.parity(hash)? else { return Ok(None) };
    match read(readers, hash, &row) {
        Ok(parity) => from_parity(readers, &parity, position),
        Err(error) if error.is_damage() => Ok(None),
        Err(error) => Err(error),
    }
}

/// As [`repaired`], from parity that was read.
///
/// # Errors
/// As [`repaired`].
pub fn from_parity(readers: &Readers, parity: &Parity, position: Position) -> Result<Option<Bytes>, StoreError> {
    let (found, failed) = if parity.is_copy() {
        (Vec::new(), None)
    } else {
        match readers.get(position.segment) {
            Ok(segment) => segment.salvage_payload(position.offset, parity.payload_len as usize),
            // Compaction may have removed the segment that the parity was made for.
            Err(error) if error.is_damage() || error.is_missing() => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    };
    match (parity.repair(&found), failed) {
        (Some(payload), _) => Ok(Some(payload.into())),
        (None, Some(error)) => Err(error.into()),
        (None, None) => Ok(None),
    }
}

impl Store {
    /// Puts a whole record in the place of each damaged one that a read made up for by its parity; how many.
    ///
    /// # Errors
    /// What writing gives; what is left is met again by the next read.
    pub(in crate::store) fn mend_found(&self) -> Result<u64, StoreError> {
        let mut mended = 0;
        for hash in self.blobs().take_mendable() {
            if let Some(row) = self.index().blob(&hash)? {
                mended += u64::from(self.mend(&hash, &row, false)? == Mended::Yes);
            }
        }
        Ok(mended)
    }

    /// Reads every record that has parity, and the parity; repairs what it can. Parity that is dropped is written again
    /// by the next pass.
    ///
    /// # Errors
    /// What reading the index and writing give; damage is in the report.
    pub fn mend_all(
        &self,
        dry_run: bool,
        stop: &AtomicBool,
        report: &mut dyn FnMut(&MendReport),
    ) -> Result<MendReport, StoreError> {
        let mut done = MendReport::default();
        for row in self.index().all_parity(Hash::default()) {
            let (hash, parity) = row?;
            if stop.load(Ordering::Relaxed) {
                break;
            }
            done.checked += 1;
            if let Some(blob) = self.index().blob(&hash)? {
                match self.mend(&hash, &blob, dry_run)? {
                    Mended::Whole => {}
                    Mended::Yes => done.mended += 1,
                    Mended::No => done.lost += 1,
                }
            }
            if let Err(error) = read(self.blobs().readers(), &hash, &parity) {
                if !error.is_damage() {
                    tracing::warn!(%hash, %error, "parity cannot be read now and stays");
                    continue;
                }
                if !dry_run {
                    let gone = Protection { hash, change: ParityChange::Take(parity.position) };
                    self.log()?.protect(vec![gone])?;
                }
                done.dropped += 1;
            }
            report(&done);
        }
        Ok(done)
    }

    fn mend(&self, hash: &Hash, row: &BlobRow, dry_run: bool) -> Result<Mended, StoreError> {
        let readers = self.blobs().readers();
        let whole = readers.get(row.position.segment).and_then(|segment| segment.read(row.position.offset));
        if whole.is_ok_and(|record| record.header.kind == record_kind(row.kind)) {
            return Ok(Mended::Whole);
        }
        let payload = match repaired(self.index(), readers, hash, row.position) {
            Ok(Some(payload)) => payload,
            Ok(None) => return Ok(Mended::No),
            Err(error) => {
                tracing::warn!(%hash, %error, "a damaged record cannot be repaired now");
                return Ok(Mended::No);
            }
        };
        if dry_run {
            return Ok(Mended::Yes);
        }
        let moved = Moved { kind: row.kind, hash: *hash, from: row.position, payload };
        let (parity, ops) = (Vec::new(), Vec::new());
        let relocation = Relocation { segment: row.position.segment, blobs: vec![moved], parity, ops };
        if self.log()?.relocate(relocation)? > 0 {
            tracing::warn!(%hash, from = %row.position, "a damaged record was repaired and written again");
            self.blobs().soundness().healed(hash);
        }
        Ok(Mended::Yes)
    }
}

#[derive(PartialEq, Eq)]
enum Mended {
    /// It is not damaged.
    Whole,
    Yes,
    No,
}
