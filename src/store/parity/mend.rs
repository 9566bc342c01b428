//! Repair: a damaged record that has parity gives way to a whole one.

use std::sync::atomic::{AtomicBool, Ordering};

use deltastore_format::Hash;

use crate::index::BlobRow;
use crate::store::Store;
use crate::store::blob::record_kind;
use crate::store::error::StoreError;
use crate::store::fetch::{read_parity, repaired};
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
            if let Err(error) = read_parity(self.blobs().readers(), &hash, &parity) {
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
