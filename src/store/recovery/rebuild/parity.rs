//! Parity in a rebuild: blobs whose records are damaged are told from it, and what fits no record goes.

use deltastore_format::{Hash, Parity, PlacedKind, Placement, Position, SegmentId};
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
    /// Blobs that no whole record was found of and that parity makes up for: their rows point at the damage, and
    /// reading repairs it. So do those of which only a record that is not optimized was found: what optimized windows
    /// refer to must be optimized. Damage of which parity tells what lay there hides nothing.
    ///
    /// Parity outlives a blob that was collected, until its own segment is compacted. It is of no use then: what needed
    /// that blob went before it, and if the blob was stored again, it has a whole record.
    pub(super) fn rescue(&mut self, damage: &mut [Damage]) -> Result<(), StoreError> {
        let index = self.context.index;
        for row in index.all_parity(Hash::default()) {
            let (hash, row) = row?;
            let old = index.blob(&hash)?;
            let stays = old.as_ref().is_some_and(|old| old.optimized || old.kind == PlacedKind::Node);
            if stays && damage.iter().all(|gap| gap.restored) {
                continue;
            }
            let parity = match read_parity(self.context.readers, &hash, &row) {
                Ok(parity) => parity,
                Err(error) if error.is_damage() => continue,
                Err(error) => return Err(error),
            };
            let gap = self.gap_of(&parity, damage)?;
            let position = match gap {
                Some(gap) => damage[gap].from,
                None if !stays && self.may_be_damaged(parity.position.segment, old.is_some()) => parity.position,
                None => continue,
            };
            let Some(row) = self.blob_at(&parity, position)? else { continue };
            if let Some(gap) = gap {
                damage[gap].restore(std::iter::once((position, row.record_len)));
            }
            if !stays && (row.optimized || old.is_none()) {
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

    /// Which damage begins with the record that parity is for: what is left of its header says so, or the parity itself
    /// does, or more of its payload than chance leaves.
    fn gap_of(&self, parity: &Parity, damage: &[Damage]) -> Result<Option<usize>, StoreError> {
        let record_len = deltastore_format::record_len(parity.payload_len);
        for (number, Damage { from, to, .. }) in damage.iter().enumerate() {
            if to.saturating_sub(from.offset) < record_len {
                continue;
            }
            let named = match self.context.readers.get(from.segment)?.header_but_one_bit(from.offset)? {
                Some(header) => (header.payload_len, header.payload_crc) == (parity.payload_len, parity.payload_crc),
                None if parity.is_copy() => *from == parity.position,
                None => from_parity(self.context.readers, parity, *from)?.is_some(),
            };
            if named {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Whether a record in the segment may be damaged or lost. In one that was removed in good order it is neither:
    /// what was alive in it is elsewhere, damaged there or not. Where there is no manifest, nothing tells such a
    /// segment from a lost one.
    fn may_be_damaged(&self, segment: SegmentId, is_whole_elsewhere: bool) -> bool {
        let Inventory { listed, lost, .. } = self.inventory;
        let is_unknown = self.context.folder.manifest.newest.is_none() && !is_whole_elsewhere;
        listed.entry(segment).is_some() || !lost.is_empty() || is_unknown
    }

    fn blob_at(&self, parity: &Parity, position: Position) -> Result<Option<BlobRow>, StoreError> {
        let Some(payload) = from_parity(self.context.readers, parity, position)? else { return Ok(None) };
        let Parity { kind, hash, .. } = *parity;
        if kind == PlacedKind::Node && Hash(Sha256::digest(&payload).into()) != hash {
            return Ok(None);
        }
        let record_len = deltastore_format::record_len(parity.payload_len);
        let placed = Placement { kind, hash, position };
        let placing = placing_of(&placed, record_kind(kind), &payload, record_len, Space::default());
        Ok(placing.ok().map(|placing| placing.row))
    }

    /// Parity that fits the record its blob has now stays.
    pub(super) fn settle_parity(&mut self) -> Result<(), StoreError> {
        let index = self.context.index;
        for row in index.all_parity(Hash::default()) {
            let (hash, row) = row?;
            let fits = match index.blob(&hash)? {
                Some(blob) => self.fits(&hash, &row, &blob)?,
                None => false,
            };
            if !fits {
                index.stage_remove_parity(&mut self.batch, &hash);
                self.write_if_full()?;
            }
        }
        self.write()
    }

    fn fits(&self, hash: &Hash, row: &ParityRow, blob: &BlobRow) -> Result<bool, StoreError> {
        let readers = self.context.readers;
        let parity = match read_parity(readers, hash, row) {
            Ok(parity) => parity,
            Err(error) if error.is_damage() => return Ok(false),
            Err(error) => return Err(error),
        };
        let record = readers.get(blob.position.segment).and_then(|segment| segment.read(blob.position.offset));
        let same = match record {
            Ok(record) => {
                (record.header.payload_len, record.header.payload_crc) == (parity.payload_len, parity.payload_crc)
            }
            Err(error) if error.is_damage() || error.is_missing() => {
                from_parity(readers, &parity, blob.position)?.is_some()
            }
            Err(error) => return Err(error.into()),
        };
        Ok(same && blob.position.segment != row.position.segment)
    }
}
