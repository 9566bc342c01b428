//! Reading what is damaged: from its parity, if it has some.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use deltastore_format::{Epoch, Hash, RecordHeader};
use deltastore_segment::Record;

use super::Blobs;
use super::parity;
use crate::index::BlobRow;
use crate::store::blob::record_kind;

/// Damaged records that are remembered, to be repaired in the background; what is beyond is remembered when it is read
/// again.
const REMEMBERED: usize = 4096;

impl Blobs {
    /// The record that a blob must have, if the one it has is not whole and its parity makes up for that. To be asked
    /// only once reading has failed.
    pub(super) fn mended_record(&self, hash: &Hash, row: &BlobRow) -> Option<Record> {
        let kind = record_kind(row.kind);
        let found = self.readers.get(row.position.segment).and_then(|segment| segment.read(row.position.offset));
        if found.is_ok_and(|record| record.header.kind == kind) {
            return None;
        }
        // Where a read fails now, the caller's own error says so.
        let payload = parity::repaired(&self.index, &self.readers, hash, row.position).ok()??;
        self.mended.fetch_add(1, Ordering::Relaxed);
        let mut mendable = self.mendable.lock();
        if mendable.len() < REMEMBERED && mendable.insert(*hash) {
            tracing::warn!(%hash, position = %row.position, "a damaged record was made up for by its parity");
        }
        let header = RecordHeader::for_payload(kind, &payload, row.position, 0, Epoch::default());
        Some(Record { header, payload })
    }

    /// What reads have found damaged and made up for since this was last asked.
    pub fn take_mendable(&self) -> BTreeSet<Hash> {
        std::mem::take(&mut self.mendable.lock())
    }

    /// How often damage was made up for since start.
    pub fn mended(&self) -> u64 {
        self.mended.load(Ordering::Relaxed)
    }
}
