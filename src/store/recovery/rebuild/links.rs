//! Passes 3 and 4: links and live bytes are counted, and blobs without links go.

use deltastore_format::{Hash, Placed, Position, Recipe};

use super::Builder;
use crate::store::blob::Space;
use crate::store::bugs::Bug;
use crate::store::error::StoreError;
use crate::store::gc::unlinked;
use crate::store::recovery::replay::read_placing;

impl Builder<'_> {
    /// Pass 3.
    pub(super) fn count(&mut self) -> Result<(), StoreError> {
        let index = self.scene.index;
        for row in index.all_versions() {
            let row = row?;
            self.live(row.record, row.record_len);
            self.link(&row.put.recipe)?;
        }
        for row in index.all_parts() {
            let row = row?;
            self.live(row.record, row.record_len);
            self.link(&row.put.recipe)?;
        }
        for row in index.all_blobs(Hash::default()) {
            let (hash, row) = row?;
            self.live(row.position, row.record_len);
            let placed = Placed { kind: row.kind, hash, position: row.position };
            match read_placing(self.scene, &placed, Space::default()) {
                Ok(placing) => placing.links.iter().for_each(|link| index.stage_links(&mut self.batch, link, 1)),
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
            self.write_if_full()?;
        }
        self.write()
    }

    /// Pass 4, in rounds: each blob takes its own links with it.
    pub(super) fn drop_unlinked(&mut self) -> Result<(), StoreError> {
        let index = self.scene.index;
        let mut suspects = if self.scene.bugs.has(Bug::RebuildKeepsUnlinked) { Vec::new() } else { unlinked(index)? };
        while !suspects.is_empty() {
            let mut next = Vec::new();
            for hash in suspects {
                if index.links(&hash)? > 0 {
                    continue;
                }
                let Some(row) = index.blob(&hash)? else { continue };
                let placed = Placed { kind: row.kind, hash, position: row.position };
                let needs = match read_placing(self.scene, &placed, Space::default()) {
                    Ok(placing) => placing.links,
                    // Its links were not counted either.
                    Err(error) if error.is_damage() => Vec::new(),
                    Err(error) => return Err(error),
                };
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

    fn link(&mut self, recipe: &Recipe) -> Result<(), StoreError> {
        for entry in &recipe.entries {
            self.scene.index.stage_links(&mut self.batch, &entry.hash, 1);
        }
        self.write_if_full()
    }

    fn live(&mut self, record: Position, len: u64) {
        self.scene.index.stage_live(&mut self.batch, record.segment, i64::try_from(len).unwrap_or(i64::MAX));
    }
}
