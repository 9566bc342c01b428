//! Passes 3 and 4: links and live bytes are counted, and blobs without links go.

use deltastore_format::{Hash, NodePayload, PlacedKind, Position};

use super::Builder;
use crate::index::{BlobRow, EachKind, Table, each_kind};
use crate::store::bugs::Bug;
use crate::store::collect::unlinked;
use crate::store::error::StoreError;
use crate::store::parity::repaired;

impl Builder<'_> {
    /// Pass 3.
    pub(super) fn count(&mut self) -> Result<(), StoreError> {
        let index = self.context.index;
        each_kind(&mut Count { builder: &mut *self })?;
        for row in index.all_blobs(Hash::default()) {
            let (hash, row) = row?;
            self.live(row.position, row.record_len);
            let links = self.links_of(&hash, &row)?;
            links.iter().for_each(|link| index.stage_links(&mut self.batch, link, 1));
            self.write_if_full()?;
        }
        for row in index.all_parity(Hash::default()) {
            let (_, row) = row?;
            self.live(row.position, row.record_len);
            self.write_if_full()?;
        }
        self.write()
    }

    /// Pass 4, in rounds: each blob takes its own links with it.
    pub(super) fn drop_unlinked(&mut self) -> Result<(), StoreError> {
        let index = self.context.index;
        let mut suspects = if self.context.bugs.has(Bug::RebuildKeepsUnlinked) { Vec::new() } else { unlinked(index)? };
        while !suspects.is_empty() {
            let mut next = Vec::new();
            for hash in suspects {
                if index.links(&hash)? > 0 {
                    continue;
                }
                let Some(row) = index.blob(&hash)? else { continue };
                let needs = self.links_of(&hash, &row)?;
                if let Some(parity) = index.parity(&hash)? {
                    index.stage_remove_parity(&mut self.batch, &hash);
                    let len = i64::try_from(parity.record_len).unwrap_or(i64::MAX);
                    index.stage_live(&mut self.batch, parity.position.segment, -len);
                }
                index.stage_remove_blob(&mut self.batch, &hash);
                index.stage_remove_links(&mut self.batch, &hash);
                let len = i64::try_from(row.record_len).unwrap_or(i64::MAX);
                index.stage_live(&mut self.batch, row.position.segment, -len);
                needs.iter().for_each(|need| index.stage_links(&mut self.batch, need, -1));
                next.extend(needs);
                self.write_if_full()?;
            }
            self.write()?;
            next.sort_unstable();
            next.dedup();
            suspects = next;
        }
        Ok(())
    }

    /// What a blob links to; nothing for a damaged node without parity.
    fn links_of(&self, hash: &Hash, row: &BlobRow) -> Result<Vec<Hash>, StoreError> {
        if row.kind == PlacedKind::Window {
            return Ok(row.references.clone());
        }
        let (readers, at) = (self.context.readers, row.position);
        let payload = match readers.get(at.segment).and_then(|segment| segment.read(at.offset)) {
            Ok(record) => record.payload,
            Err(error) => match repaired(self.context.index, readers, hash, at)? {
                Some(payload) => payload,
                None if error.is_damage() => return Ok(Vec::new()),
                None => return Err(error.into()),
            },
        };
        Ok(NodePayload::decode(&payload).map(|node| node.links().collect()).unwrap_or_default())
    }

    pub(super) fn live(&mut self, record: Position, len: u64) {
        self.context.index.stage_live(&mut self.batch, record.segment, i64::try_from(len).unwrap_or(i64::MAX));
    }
}

struct Count<'a, 'b> {
    builder: &'a mut Builder<'b>,
}

impl EachKind for Count<'_, '_> {
    type Error = StoreError;

    fn kind<P: Table>(&mut self) -> Result<(), StoreError> {
        let index = self.builder.context.index;
        for row in index.all_rows::<P>() {
            let row = row?;
            self.builder.live(row.record, row.record_len);
            for entry in row.put.recipe().into_iter().flat_map(|recipe| &recipe.entries) {
                index.stage_links(&mut self.builder.batch, &entry.hash, 1);
            }
            self.builder.write_if_full()?;
        }
        Ok(())
    }
}
