//! What is known once the whole object was walked: sums, what is shared, and what else is needed to decode it.

use std::collections::{BTreeMap, HashSet};

use deltastore_format::Hash;

use super::report::{CodecSum, Inspection, Recreation, WindowUse};
use super::survey::Survey;
use crate::store::StoreError;

impl Survey {
    /// The sums, once [`Survey::step`] has nothing left.
    ///
    /// # Errors
    /// What reading the index gives.
    pub fn finish(mut self) -> Result<Inspection, StoreError> {
        let shared = self.shared()?;
        for (hash, (number, _)) in &self.windows {
            self.out.windows[*number].shared = shared.contains(hash);
        }
        let mut sums: BTreeMap<_, CodecSum> = BTreeMap::new();
        for window in &self.out.windows {
            self.out.stored_bytes += window.stored_bytes;
            self.out.shared_bytes += if window.shared { window.stored_bytes } else { 0 };
            let WindowUse { codec, depth, cold, .. } = window;
            let empty = || CodecSum {
                codec: codec.clone(),
                depth: *depth,
                cold: *cold,
                windows: 0,
                plain_bytes: 0,
                stored_bytes: 0,
            };
            let sum = sums.entry((codec.clone(), *depth, *cold)).or_insert_with(empty);
            sum.windows += 1;
            sum.plain_bytes += window.plain_bytes;
            sum.stored_bytes += window.stored_bytes;
        }
        self.out.codecs = sums.into_values().collect();
        self.out.nodes = self.nodes.len() as u64;
        self.out.node_bytes = self.nodes.values().sum();
        self.out.stored_bytes += self.out.node_bytes;
        self.out.shared_bytes +=
            self.nodes.iter().filter(|(hash, _)| shared.contains(hash)).map(|(_, len)| len).sum::<u64>();
        self.out.recreations = largest_first(self.recreations.values().cloned().collect());
        self.out.nested = largest_first(self.nested.values().cloned().collect());
        self.references()?;
        Ok(self.out)
    }

    /// Blobs that others use too: linked from outside the object, or needed by such a one.
    fn shared(&self) -> Result<HashSet<Hash>, StoreError> {
        let blobs: Vec<Hash> = self.windows.keys().chain(self.nodes.keys()).copied().collect();
        let counts = self.store.index().links_of(&blobs)?;
        let own = |hash: &Hash| self.links.own.get(hash).copied().unwrap_or(0);
        let mut open: Vec<Hash> =
            blobs.iter().zip(counts).filter(|(hash, count)| *count > own(hash)).map(|(hash, _)| *hash).collect();
        let mut shared = HashSet::new();
        while let Some(hash) = open.pop() {
            if shared.insert(hash) {
                open.extend(self.links.children.get(&hash).into_iter().flatten());
            }
        }
        Ok(shared)
    }

    /// Counts what the object's windows are encoded against, as far as it is not the object's.
    fn references(&mut self) -> Result<(), StoreError> {
        let windows = self.windows.keys().filter_map(|hash| self.links.children.get(hash));
        let mut open: Vec<Hash> = windows.flatten().copied().collect();
        let mut seen = HashSet::new();
        while let Some(hash) = open.pop() {
            if !self.windows.contains_key(&hash)
                && seen.insert(hash)
                && let Some(row) = self.store.index().blob(&hash)?
            {
                self.out.references += 1;
                self.out.reference_bytes += row.record_len;
                open.extend(row.references);
            }
        }
        Ok(())
    }
}

fn largest_first(mut sums: Vec<Recreation>) -> Vec<Recreation> {
    sums.sort_by_key(|recreation| std::cmp::Reverse(recreation.bytes));
    sums
}
