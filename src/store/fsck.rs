//! fsck: reads everything that is referenced, checks every checksum and hash, and holds the index against it.
//!
//! It changes nothing. Memory: one count per blob, about 100 bytes per window. Objects that cannot be read are handed
//! on as they are found.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{
    Change, Commit, DocumentPut, Hash, NodePayload, Op, PlacedKind, Position, Recipe, SegmentId, SegmentState,
};

use super::error::StoreError;
use super::fetch::CachePolicy;
use super::fetch::MAX_DEPTH;
use super::unreadable::{Owner, Unreadable};
use super::{Store, Worker};
use crate::index::{BlobRow, Row};
use crate::segment::{Scanned, Scanner, WindowPayload};

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is affected: a segment, a window, an object.
    pub subject: String,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.reason)
    }
}

/// What a check found and how much it looked at.
#[derive(Clone, Debug, Default)]
pub struct FsckReport {
    pub problems: Vec<Problem>,
    pub segments: u64,
    pub segment_bytes: u64,
    pub records: u64,
    pub blobs: u64,
    /// Parity records of blobs.
    pub parity: u64,
    pub versions: u64,
    pub parts: u64,
    pub documents: u64,
    /// Objects and parts that cannot be read whole.
    pub unreadable: u64,
}

impl FsckReport {
    /// Without problems nothing needs to be walked.
    fn has_damage(&self) -> bool {
        !self.problems.is_empty()
    }

    pub(super) fn add(&mut self, subject: impl ToString, reason: impl ToString) {
        self.problems.push(Problem { subject: subject.to_string(), reason: reason.to_string() });
    }
}

impl Store {
    /// Checks the whole store; `report` is called now and then.
    ///
    /// # Errors
    /// Only what keeps it from checking; problems are in the report.
    pub fn fsck(&self, report: &mut dyn FnMut(&FsckReport)) -> Result<FsckReport, StoreError> {
        self.fsck_objects(&mut |_| (), report)
    }

    /// As [`Store::fsck`]; `each` is called for every object and part that cannot be read.
    ///
    /// # Errors
    /// As [`Store::fsck`].
    pub fn fsck_objects(
        &self,
        each: &mut dyn FnMut(&Unreadable),
        report: &mut dyn FnMut(&FsckReport),
    ) -> Result<FsckReport, StoreError> {
        let mut found = FsckReport::default();
        found.problems.extend(self.looked_at().0.problems.iter().cloned());
        for damage in self.damage() {
            found.add("log", damage);
        }
        for id in self.segments().all() {
            self.check_segment(id, &mut found)?;
            report(&found);
        }
        self.check_parity(&mut found)?;
        let mut used: HashMap<Hash, i64> = HashMap::new();
        let damaged = self.check_blobs(&mut used, &mut found, report)?;
        for row in self.index().all_versions() {
            let put = row?.put;
            found.versions += 1;
            self.check_recipe(
                &put.recipe,
                put.size,
                &format!("object {:?} of bucket {}", put.key, put.bucket.0),
                &mut used,
                &mut found,
            )?;
            let bucket = self.index().bucket_by_id(put.bucket)?;
            if bucket.is_none() {
                found.add(format!("object {:?}", put.key), format!("its bucket {} does not exist", put.bucket.0));
            }
            let owner = || Owner::Object {
                bucket: bucket.map_or_else(String::new, |row| row.put.name),
                key: put.key.clone(),
                version: put.version.0,
            };
            if found.has_damage()
                && let Some(unreadable) = self.unreadable(&put.recipe, &damaged, owner)?
            {
                found.unreadable += 1;
                each(&unreadable);
            }
        }
        for row in self.index().all_parts() {
            let put = row?.put;
            found.parts += 1;
            let subject = format!("part {} of upload {}", put.number, put.upload.0);
            self.check_recipe(&put.recipe, put.size, &subject, &mut used, &mut found)?;
            let upload = self.index().upload_by_id(put.upload)?;
            if upload.is_none() {
                found.add(subject, "its upload does not exist");
            }
            if found.has_damage() {
                let bucket =
                    upload.as_ref().map(|row| self.index().bucket_by_id(row.put.bucket)).transpose()?.flatten();
                let owner = || Owner::Part {
                    bucket: bucket.map_or_else(String::new, |row| row.put.name),
                    key: upload.map_or_else(String::new, |row| row.put.key),
                    upload: put.upload.0,
                    part: put.number,
                };
                if let Some(unreadable) = self.unreadable(&put.recipe, &damaged, owner)? {
                    found.unreadable += 1;
                    each(&unreadable);
                }
            }
        }
        self.check_documents(&mut found)?;
        self.check_links(&used, &mut found)?;
        if cfg!(feature = "invariants")
            && !found.has_damage()
            && !self.index().hidden()?.any()
            && !self.index().has_drifted()?
        {
            super::recount::check_live(self, &mut found)?;
        }
        report(&found);
        Ok(found)
    }

    fn check_segment(&self, id: SegmentId, found: &mut FsckReport) -> Result<(), StoreError> {
        let reader = match self.blobs().readers().get(id) {
            Ok(reader) => reader,
            Err(error) => {
                found.add(format!("segment {id}"), error);
                return Ok(());
            }
        };
        found.segments += 1;
        if let Some(error) = reader.header_damage() {
            found.add(format!("segment {id}"), error);
        }
        found.segment_bytes += reader.file_len()?;
        // What a crash left behind the log's end is cut off at the next start.
        let beyond = |offset| self.looked_at().1.is_some_and(|end| Position { segment: id, offset } >= end);
        let mut scanner = Scanner::new(&reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Whole)?;
        for scanned in scanner.by_ref() {
            let scanned = match scanned.map_err(StoreError::from) {
                Err(error) if error.is_unreadable() => {
                    found.add(format!("segment {id}"), format!("the rest is not looked at: {error}"));
                    return Ok(());
                }
                scanned => scanned?,
            };
            match scanned {
                Scanned::Record { header, .. } if beyond(header.position.offset) => return Ok(()),
                Scanned::Damage { from, .. } if beyond(from) => return Ok(()),
                Scanned::Record { .. } => found.records += 1,
                Scanned::Damage { from, to, error } => {
                    found.add(format!("segment {id} offset {from} to {to}"), error);
                }
            }
        }
        let torn = scanner.into_end().and_then(|end| end.torn);
        // What is torn off of a segment that the writer left unsealed is no damage, unless it is known to have been
        // there.
        let entry = self.segments().entry(id).filter(|entry| entry.state == SegmentState::Left);
        let left = |from: u64| entry.as_ref().is_some_and(|entry| from >= entry.length);
        if let Some(torn) = torn.filter(|torn| !left(torn.from) && !beyond(torn.from)) {
            found.add(format!("segment {id} offset {} to {}", torn.from, torn.file_len), torn.error);
        }
        Ok(())
    }

    fn check_blobs(
        &self,
        used: &mut HashMap<Hash, i64>,
        found: &mut FsckReport,
        report: &mut dyn FnMut(&FsckReport),
    ) -> Result<HashSet<Hash>, StoreError> {
        let mut damaged = HashSet::new();
        let mut worker = Worker { cache: CachePolicy::No, ..Worker::new() };
        for row in self.index().all_blobs(Hash::default()) {
            let (hash, row) = row?;
            found.blobs += 1;
            if let Err(error) = self.check_blob(&hash, &row, used, &mut worker) {
                if !error.is_unreadable() {
                    return Err(error);
                }
                let subject = format!("{:?} {hash} at {}", row.kind, row.position);
                if self.is_mendable(&hash, &row) {
                    found.add(subject, format!("{error}; parity makes up for it, `repair` writes it again"));
                } else {
                    found.add(subject, error);
                    damaged.insert(hash);
                }
            }
            if found.blobs.is_multiple_of(256) {
                report(found);
            }
        }
        Ok(damaged)
    }

    fn check_blob(
        &self,
        hash: &Hash,
        row: &BlobRow,
        used: &mut HashMap<Hash, i64>,
        worker: &mut Worker,
    ) -> Result<(), StoreError> {
        match row.kind {
            PlacedKind::Window => {
                for reference in &row.references {
                    *used.entry(*reference).or_default() += 1;
                    let optimized = |row: Option<BlobRow>| row.is_none_or(|reference| reference.optimized);
                    if row.optimized && !optimized(self.index().blob(reference)?) {
                        let (optimized, found) =
                            ("optimized references", format!("{reference}, which is not optimized"));
                        return Err(StoreError::damaged(row.position, optimized, found));
                    }
                }
                self.check_depth(row)?;
                let bytes = self.window(hash, worker)?;
                if bytes.len() as u64 != u64::from(row.raw_len) {
                    return Err(StoreError::damaged(row.position, row.raw_len, bytes.len()));
                }
            }
            PlacedKind::Node => {
                let payload = self.blobs().payload(hash)?;
                for link in payload.links() {
                    *used.entry(link).or_default() += 1;
                }
                if matches!(payload, NodePayload::Member(_)) {
                    self.member(hash, worker)?;
                }
            }
        }
        // A cached window proves nothing about its record: the frame must be whole too.
        self.blobs().readers().get(row.position.segment)?.read(row.position.offset)?;
        Ok(())
    }

    /// Windows in the cache decode whatever leads to them, so chains of references are followed too.
    fn check_depth(&self, row: &BlobRow) -> Result<(), StoreError> {
        let mut level: BTreeSet<Hash> = row.references.iter().copied().collect();
        for _ in 0..MAX_DEPTH {
            if level.is_empty() {
                return Ok(());
            }
            let mut next = BTreeSet::new();
            for hash in &level {
                next.extend(self.index().blob(hash)?.into_iter().flat_map(|row| row.references));
            }
            level = next;
        }
        match level.is_empty() {
            true => Ok(()),
            false => Err(StoreError::damaged(row.position, "references of bounded depth", "a deeper chain")),
        }
    }

    fn check_recipe(
        &self,
        recipe: &Recipe,
        size: u64,
        subject: &str,
        used: &mut HashMap<Hash, i64>,
        found: &mut FsckReport,
    ) -> Result<(), StoreError> {
        if recipe.len() != size {
            found.add(subject, format!("its recipe makes {} bytes of {size}", recipe.len()));
        }
        for entry in &recipe.entries {
            *used.entry(entry.hash).or_default() += 1;
            if self.index().blob(&entry.hash)?.is_none() {
                found.add(subject, format!("{:?} {} is missing", entry.kind, entry.hash));
            }
        }
        Ok(())
    }

    /// That the commit that a document's row names holds it.
    fn check_documents(&self, found: &mut FsckReport) -> Result<(), StoreError> {
        for row in self.index().all_rows::<DocumentPut>() {
            let Row { put, record, .. } = row?;
            found.documents += 1;
            let subject = format!("document {:?} of {:?}", put.name, put.scope);
            let read = self.blobs().readers().get(record.segment).and_then(|file| file.read(record.offset));
            let payload = match read.map_err(StoreError::from) {
                Ok(read) => read.payload,
                // One wrong bit is reported with its segment.
                Err(error) if error.is_unreadable() => {
                    found.add(subject, error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let holds = |op: &Op| matches!(op, Op::Document(Change::Put { put: other, .. }) if *other == put);
            if !Commit::decode(&payload).is_ok_and(|commit| commit.ops.iter().any(holds)) {
                found.add(subject, format!("the record at {record} does not hold it"));
            }
        }
        Ok(())
    }

    fn check_links(&self, used: &HashMap<Hash, i64>, found: &mut FsckReport) -> Result<(), StoreError> {
        for (hash, count) in used {
            let links = self.index().links(hash)?;
            if links != *count {
                found.add(format!("blob {hash}"), format!("used {count} times, counted {links}"));
            }
            if self.index().blob(hash)?.is_none() {
                found.add(format!("blob {hash}"), "used but missing");
            }
        }
        for row in self.index().all_links(Hash::default()) {
            let (hash, links) = row?;
            if links != 0 && !used.contains_key(&hash) {
                found.add(format!("blob {hash}"), format!("used 0 times, counted {links}"));
            }
        }
        Ok(())
    }
}
