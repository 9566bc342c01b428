//! Statistics: what is stored in how many bytes, and which mechanism saved how much.
//!
//! Every record byte is counted once, references included: a window belongs to the first object that uses it, in key
//! order; a window that is kept only because others are encoded against it belongs to the deltaspace of the first of
//! those.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};

use deltastore_format::{Codec, DocumentPut, Entry, EntryKind, Hash, NodePayload, Recipe};
use serde::Serialize;

use super::fetch::Blobs;
use super::{DamageCounts, Index, Store, StoreError, Walk};

/// Sums over objects. All sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub objects: u64,
    /// What clients stored.
    pub logical_bytes: u64,
    /// Records that hold it, references included.
    pub stored_bytes: u64,
    /// Part of `stored_bytes` that is kept only as references of other windows.
    pub reference_only_bytes: u64,
    /// Saved because the same window was stored already.
    pub dedup_saved_bytes: i64,
    /// Saved by expanding compressed members. Mostly negative: what it gains is gained by deltas and compression.
    pub expansion_saved_bytes: i64,
    /// Saved by encoding windows against references.
    pub delta_saved_bytes: i64,
    /// Saved by plain compression.
    pub compression_saved_bytes: i64,
    /// Record headers, recipes and the like. `logical + overhead` less all that was saved is `stored`, less references.
    pub overhead_bytes: i64,
    /// Commit records, beside `stored_bytes`: the objects' keys, metadata and recipes. Of a commit of several, a share.
    pub commit_bytes: u64,
}

/// One deltaspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SpaceStats {
    pub bucket: String,
    /// The keys' directory, with its `/`; empty for the top.
    pub deltaspace: String,
    #[serde(flatten)]
    pub totals: Totals,
}

/// A whole store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    pub total: Totals,
    pub buckets: BTreeMap<String, Totals>,
    pub deltaspaces: Vec<SpaceStats>,
    /// Parts of uploads in progress.
    pub uploads: Totals,
    /// Documents, and the bytes of their commit records; in no other sum.
    pub documents: u64,
    pub document_bytes: u64,
    /// Records nothing uses any more; the next collection drops them.
    pub garbage_bytes: u64,
    /// Windows and nodes with parity, and its bytes; in no other sum.
    pub parity: u64,
    pub parity_bytes: u64,
    pub segments: u64,
    /// All segment files.
    pub segment_bytes: u64,
    /// Names of segments whose files are missing or are not their own.
    pub lost_segments: Vec<String>,
    /// Damage that this process has met.
    pub damage: DamageCounts,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.objects += other.objects;
        self.logical_bytes += other.logical_bytes;
        self.stored_bytes += other.stored_bytes;
        self.reference_only_bytes += other.reference_only_bytes;
        self.dedup_saved_bytes += other.dedup_saved_bytes;
        self.expansion_saved_bytes += other.expansion_saved_bytes;
        self.overhead_bytes += other.overhead_bytes;
        self.commit_bytes += other.commit_bytes;
        self.delta_saved_bytes += other.delta_saved_bytes;
        self.compression_saved_bytes += other.compression_saved_bytes;
    }

    /// All sums multiplied, as an extrapolation.
    #[must_use]
    pub(crate) fn scaled(&self, factor: f64) -> Self {
        let unsigned = |value: u64| (value as f64 * factor).round() as u64;
        let signed = |value: i64| (value as f64 * factor).round() as i64;
        Self {
            objects: unsigned(self.objects),
            logical_bytes: unsigned(self.logical_bytes),
            stored_bytes: unsigned(self.stored_bytes),
            reference_only_bytes: unsigned(self.reference_only_bytes),
            dedup_saved_bytes: signed(self.dedup_saved_bytes),
            expansion_saved_bytes: signed(self.expansion_saved_bytes),
            delta_saved_bytes: signed(self.delta_saved_bytes),
            compression_saved_bytes: signed(self.compression_saved_bytes),
            overhead_bytes: signed(self.overhead_bytes),
            commit_bytes: unsigned(self.commit_bytes),
        }
    }

    /// Bytes that the log holds of an object on average beside its data: headers of records, and the commit.
    #[must_use]
    pub fn log_bytes_an_object(&self) -> u64 {
        let beside = self.commit_bytes.saturating_add_signed(self.overhead_bytes);
        beside.checked_div(self.objects).unwrap_or(0)
    }

    /// Stored bytes as a share of logical bytes; 1 when nothing is stored.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.logical_bytes == 0 { 1.0 } else { self.stored_bytes as f64 / self.logical_bytes as f64 }
    }
}

/// Blobs already counted, with the number of the object that each belongs to, and references still to be attributed.
#[derive(Default)]
struct Seen {
    blobs: HashMap<Hash, u64>,
    objects: u64,
    references: Vec<(Hash, (String, String))>,
}

impl Store {
    /// Counts everything.
    ///
    /// # Errors
    /// What reading the index and recipe nodes give.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        self.stats_by(&|key| directory(key).to_owned())
    }

    /// As [`Store::stats`], with keys grouped in another way than by their deltaspaces.
    ///
    /// # Errors
    /// As [`Store::stats`].
    pub(crate) fn stats_by(&self, group: &dyn Fn(&str) -> String) -> Result<Stats, StoreError> {
        let counter = Counter { index: self.index(), blobs: self.blobs() };
        let mut seen = Seen::default();
        let mut spaces: BTreeMap<(String, String), Totals> = BTreeMap::new();
        for bucket in self.index().buckets() {
            let bucket = bucket?.put;
            for row in self.index().bucket_versions(bucket.bucket) {
                let row = row?;
                let put = row.put;
                let space = (bucket.name.clone(), group(&put.key));
                let totals = spaces.entry(space.clone()).or_default();
                totals.objects += u64::from(!put.delete_marker);
                totals.commit_bytes += row.record_len;
                counter.count(&put.recipe, &space, totals, &mut seen)?;
            }
        }
        let mut uploads = Totals::default();
        for row in self.index().all_parts() {
            let row = row?;
            let put = row.put;
            uploads.objects += 1;
            uploads.commit_bytes += row.record_len;
            counter.count(&put.recipe, &Default::default(), &mut uploads, &mut seen)?;
        }
        while let Some((hash, space)) = seen.references.pop() {
            match seen.blobs.entry(hash) {
                Slot::Occupied(_) => continue,
                Slot::Vacant(slot) => slot.insert(0),
            };
            let Some(row) = self.index().blob(&hash)? else { continue };
            let totals =
                if space == Default::default() { &mut uploads } else { spaces.entry(space.clone()).or_default() };
            totals.stored_bytes += row.record_len;
            totals.reference_only_bytes += row.record_len;
            seen.references.extend(row.references.iter().map(|reference| (*reference, space.clone())));
        }
        self.sum(spaces, uploads, &seen.blobs)
    }

    fn sum(
        &self,
        spaces: BTreeMap<(String, String), Totals>,
        uploads: Totals,
        used: &HashMap<Hash, u64>,
    ) -> Result<Stats, StoreError> {
        let lost_segments = self.segments().lost().iter().map(ToString::to_string).collect();
        let mut stats = Stats { uploads, lost_segments, ..Stats::default() };
        for ((bucket, deltaspace), totals) in spaces {
            stats.total.add(&totals);
            stats.buckets.entry(bucket.clone()).or_default().add(&totals);
            stats.deltaspaces.push(SpaceStats { bucket, deltaspace, totals });
        }
        for row in self.index().all_blobs(Hash::default()) {
            let (hash, row) = row?;
            if !used.contains_key(&hash) {
                stats.garbage_bytes += row.record_len;
            }
        }
        for row in self.index().all_parity(Hash::default()) {
            stats.parity += 1;
            stats.parity_bytes += row?.1.record_len;
        }
        for row in self.index().all_rows::<DocumentPut>() {
            stats.documents += 1;
            stats.document_bytes += row?.record_len;
        }
        for id in self.segments().all() {
            stats.segments += 1;
            stats.segment_bytes += self.blobs().readers().get(id)?.file_len()?;
        }
        stats.damage = self.damage_counts();
        Ok(stats)
    }
}

/// Counts objects, by what the index and their recipes tell.
struct Counter<'a> {
    index: &'a Index,
    blobs: &'a Blobs,
}

impl Counter<'_> {
    fn count(
        &self,
        recipe: &Recipe,
        space: &(String, String),
        totals: &mut Totals,
        seen: &mut Seen,
    ) -> Result<(), StoreError> {
        totals.logical_bytes += recipe.len();
        seen.objects += 1;
        let nodes = std::cell::RefCell::new(Vec::new());
        let mut walk = Walk::new(recipe, 0..recipe.len());
        let load = |hash: &Hash| {
            nodes.borrow_mut().push(*hash);
            self.blobs.node(hash)
        };
        loop {
            let entry = match walk.next(load) {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) if error.is_damage() => break,
                Err(error) => return Err(error),
            };
            match entry.kind {
                EntryKind::Member => self.count_member(&entry, space, totals, seen)?,
                EntryKind::Window | EntryKind::Node => self.count_slice(&entry, space, totals, seen)?,
            }
        }
        for hash in nodes.into_inner() {
            if seen.blobs.insert(hash, seen.objects).is_none()
                && let Some(row) = self.index.blob(&hash)?
            {
                totals.stored_bytes += row.record_len;
                totals.overhead_bytes += signed(row.record_len);
            }
        }
        Ok(())
    }

    /// A slice of a window. The first object that uses the window pays for its record and has what encoding it saved.
    fn count_slice(
        &self,
        slice: &Entry,
        space: &(String, String),
        totals: &mut Totals,
        seen: &mut Seen,
    ) -> Result<(), StoreError> {
        let Some(row) = self.index.blob(&slice.hash)? else {
            totals.dedup_saved_bytes += signed(slice.len);
            return Ok(());
        };
        let paid = match seen.blobs.entry(slice.hash) {
            Slot::Occupied(owner) if *owner.get() != seen.objects => {
                totals.dedup_saved_bytes += signed(slice.len);
                return Ok(());
            }
            Slot::Occupied(_) => 0,
            Slot::Vacant(slot) => {
                slot.insert(seen.objects);
                seen.references.extend(row.references.iter().map(|reference| (*reference, space.clone())));
                row.record_len
            }
        };
        totals.stored_bytes += paid;
        let saved = signed(slice.len) - signed(paid);
        match row.codec {
            Codec::Raw => totals.overhead_bytes -= saved,
            Codec::Zstd | Codec::Columns | Codec::Tokens => totals.compression_saved_bytes += saved,
            Codec::ZstdReferences | Codec::Vcdiff | Codec::Approximate | Codec::ColumnsReferences => {
                totals.delta_saved_bytes += saved
            }
        }
        Ok(())
    }

    fn count_member(
        &self,
        entry: &Entry,
        space: &(String, String),
        totals: &mut Totals,
        seen: &mut Seen,
    ) -> Result<(), StoreError> {
        let paid = match (self.index.blob(&entry.hash)?, seen.blobs.insert(entry.hash, seen.objects)) {
            (Some(row), None) => row.record_len,
            _ => {
                totals.dedup_saved_bytes += signed(entry.len);
                return Ok(());
            }
        };
        totals.stored_bytes += paid;
        totals.overhead_bytes += signed(paid);
        let member = match self.blobs.payload(&entry.hash) {
            Ok(NodePayload::Member(member)) => member,
            Ok(NodePayload::List(_)) => return Ok(()),
            Err(error) if error.is_damage() => return Ok(()),
            Err(error) => return Err(error),
        };
        let slices = member.program.iter().chain(&member.view);
        totals.expansion_saved_bytes += signed(entry.len) - slices.clone().map(|slice| signed(slice.len)).sum::<i64>();
        slices.into_iter().try_for_each(|slice| match slice.kind {
            EntryKind::Member => self.count_member(slice, space, totals, seen),
            EntryKind::Window | EntryKind::Node => self.count_slice(slice, space, totals, seen),
        })
    }
}

/// The key's directory, with its `/`.
pub(crate) fn directory(key: &str) -> &str {
    &key[..key.rfind('/').map_or(0, |slash| slash + 1)]
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
