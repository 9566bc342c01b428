//! Parity in a rebuild: blobs whose records are damaged are told from it, and what fits no record goes.

use deltastore_format::{Hash, Parity, Placed, PlacedKind, Position, SegmentId};
use sha2::{Digest, Sha256};

use super::Builder;
use crate::index::{BlobRow, ParityRow};
use crate::store::blob::{Space, record_kind};
use crate::store::error::StoreError;
use crate::store::parity::{from_parity, read_parity};
use crate::store::recovery::inventory::Inventory;
use crate::store::recovery::replay::placing_of;
use crate::store::recovery::survey::Damage;

impl Builder<'_> {
    /// Blobs that no whole record was found of and that parity makes up for: their rows point at the damage, and reading repairs
    /// it. So do those of which only a record that is not cold was found: what cold windows refer to must be cold.
    ///
    /// Parity outlives a blob that was collected, until its own segment is compacted. It is of no use then: what needed that blob went
    /// before it, and if the blob was stored again, it has a whole record.
    pub(super) fn rescue(&mut self, damage: &[Damage]) -> Result<(), StoreError> {
        let index = self.scene.index;
        for row in index.all_parity(Hash::default()) {
            let (hash, row) = row?;
            let old = index.blob(&hash)?;
            if old.as_ref().is_some_and(|old| old.cold || old.kind == PlacedKind::Node) {
                continue;
            }
            let Ok(parity) = read_parity(self.scene.readers, &hash, &row) else { continue };
            let first = Some(parity.position).filter(|at| self.may_be_damaged(at.segment, old.is_some()));
            let gaps = damage.iter().map(|gap| gap.from);
            let rescued = first.into_iter().chain(gaps).find_map(|at| self.blob_at(&parity, at));
            if let Some(row) = rescued.filter(|row| row.cold || old.is_none()) {
                tracing::debug!(%hash, position = %row.position, "known by its parity alone");
                index.stage_blob(&mut self.batch, &hash, &row);
                if let Some(old) = old {
                    self.copies.replaced(hash, old, &row);
                }
                self.write_if_full()?;
            }
        }
        self.write()
    }

    /// Whether a record in the segment may be damaged or lost. In one that was removed in good order it is neither: what was alive in it
    /// is elsewhere, damaged there or not. Where there is no manifest, nothing tells such a segment from a lost one.
    fn may_be_damaged(&self, segment: SegmentId, is_whole_elsewhere: bool) -> bool {
        let Inventory { listed, lost, .. } = self.inventory;
        let is_unknown = self.scene.folder.manifest.newest.is_none() && !is_whole_elsewhere;
        listed.entry(segment).is_some() || !lost.is_empty() || is_unknown
    }

    fn blob_at(&self, parity: &Parity, position: Position) -> Option<BlobRow> {
        let payload = from_parity(self.scene.readers, parity, position)?;
        let Parity { kind, hash, .. } = *parity;
        if kind == PlacedKind::Node && Hash(Sha256::digest(&payload).into()) != hash {
            return None;
        }
        let record_len = deltastore_format::record_len(parity.payload_len);
        let placed = Placed { kind, hash, position };
        placing_of(&placed, record_kind(kind), &payload, record_len, Space::default()).ok().map(|placing| placing.row)
    }

    /// Parity that fits the record its blob has now stays.
    pub(super) fn settle_parity(&mut self) -> Result<(), StoreError> {
        let index = self.scene.index;
        for row in index.all_parity(Hash::default()) {
            let (hash, row) = row?;
            if !index.blob(&hash)?.is_some_and(|blob| self.fits(&hash, &row, &blob)) {
                index.stage_remove_parity(&mut self.batch, &hash);
                self.write_if_full()?;
            }
        }
        self.write()
    }

    fn fits(&self, hash: &Hash, row: &ParityRow, blob: &BlobRow) -> bool {
        let readers = self.scene.readers;
        let Ok(parity) = read_parity(readers, hash, row) else { return false };
        let record = readers.get(blob.position.segment).and_then(|segment| segment.read(blob.position.offset));
        let same = match record {
            Ok(record) => {
                (record.header.payload_len, record.header.payload_crc) == (parity.payload_len, parity.payload_crc)
            }
            Err(_) => from_parity(readers, &parity, blob.position).is_some(),
        };
        same && blob.position.segment != row.position.segment
    }
}
