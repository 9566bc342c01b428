//! Rebasing: windows that are encoded against orphaned bases get another form, so that those can go.
//!
//! Order (must): the new form of a window is appended and synced; then the index points at it, and its links go over
//! from the old references to the new; the collector does the rest. Nothing but the index tells that the window was
//! rebased: after a crash it has one form or the other, and a rebuild takes the last that decodes.
//!
//! No circle (must): one window is rebased at a time, and nothing that its new form is encoded against, directly or
//! not, is orphaned. Its old form is encoded against an orphaned base, and so is all that is encoded against the
//! window, directly or not: none of that can be among it.
//!
//! Failure cases: a window that cannot be read stays as it is; what holds it up is in the log, where fsck tells of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use deltastore_format::{BucketId, Hash};

use super::orphans::{self, Group};
use super::{OptimizeOptions, OptimizeReport, Policy, Step, make_room};
use crate::delta::{CutWindow, sketch};
use crate::index::optimized;
use crate::store::bugs::Bug;
use crate::store::fetch::CachePolicy;
use crate::store::ingest::{EncodeOptions, Rebase};
use crate::store::{Space, Store, StoreError, Worker};

impl Store {
    /// Looks for orphaned bases and gives windows that depend on them another form, to the end or until `stop`.
    pub(super) fn rebase(
        &self,
        policies: &[(BucketId, Policy)],
        options: &OptimizeOptions,
        stop: &AtomicBool,
        done: &mut OptimizeReport,
        report: &mut dyn FnMut(&OptimizeReport),
    ) -> Result<(), StoreError> {
        let found = orphans::search(self.index(), stop)?;
        done.orphaned_bytes = found.groups.iter().map(|group| group.orphaned_bytes).sum();
        done.dependents = found.groups.iter().map(|group| group.dependents.len() as u64).sum();
        report(done);
        options.progress.no_object(Step::Rebasing);
        let policy = |space: Option<Space>| {
            let of_bucket = policies.iter().find(|(bucket, _)| space.is_some_and(|space| space.bucket == *bucket));
            options.policy.or(of_bucket.map(|(_, policy)| *policy)).unwrap_or_default()
        };
        let mut worker = Worker { cache: CachePolicy::No, ..Worker::new() };
        for Group { dependents, .. } in found.groups.iter().filter(|_| !options.dry_run) {
            for hash in dependents {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if options.yields {
                    make_room(self, stop);
                }
                match self.rebase_window(&mut worker, hash, &found.windows, policy) {
                    Ok(bytes) => {
                        done.rebased += u64::from(bytes > 0);
                        done.rebased_bytes += bytes;
                    }
                    Err(error) if error.is_damage() => {
                        tracing::warn!(window = %hash, %error, "not rebased: it cannot be read")
                    }
                    Err(error) => return Err(error),
                }
                report(done);
            }
        }
        Ok(())
    }

    /// Another form of a window, without orphaned bases; the bytes of its record, 0 if there is nothing to do any
    /// more.
    fn rebase_window(
        &self,
        worker: &mut Worker,
        hash: &Hash,
        barred: &BTreeMap<Hash, u64>,
        policy: impl Fn(Option<Space>) -> Policy,
    ) -> Result<u64, StoreError> {
        let (_pin, _) = self.pin(*hash);
        let depends = |references: &[Hash]| references.iter().any(|reference| barred.contains_key(reference));
        let Some(row) = self.index().blob(hash)?.filter(|row| row.optimized && depends(&row.references)) else {
            return Ok(0);
        };
        if self.index().links(hash)? == 0 {
            return Ok(0);
        }
        let bytes = self.window(hash, worker)?;
        let features = sketch(&bytes);
        let space = self.space_of(hash, &features)?;
        let effort = match policy(space) {
            Policy::Off => return Ok(0),
            policy => policy.effort(),
        };
        let max_depth = if self.bugs().has(Bug::RotateIntoCircle) { u8::MAX } else { row.depth };
        let rebase = Rebase { max_depth, barred };
        let encode = EncodeOptions { effort, own: None, optimized: true, rebase: Some(&rebase) };
        let cut = CutWindow { bytes, features };
        let (blob, mut pins) = self.encode(worker, space.unwrap_or_default(), &encode, *hash, cut);
        if self.bugs().has(Bug::RotateDropsPins) {
            pins.clear();
            std::thread::sleep(std::time::Duration::from_millis(3));
        }
        self.log()?.rotate(blob)
    }

    /// Where an optimized window was written, as far as sketches tell: those of deep ones are not kept.
    fn space_of(&self, hash: &Hash, features: &[u64]) -> Result<Option<Space>, StoreError> {
        let mut entries = self.index().sketches(&optimized(features))?.into_iter().flatten();
        let found = entries.find(|entry| entry.hash == *hash);
        Ok(found.map(|entry| Space { bucket: entry.bucket, deltaspace: entry.space }))
    }
}
