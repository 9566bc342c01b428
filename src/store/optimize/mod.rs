//! The optimizer: rewrites objects, smaller, after they landed fast.
//!
//! An object is read, expanded and cut again, and its windows are encoded with more effort, against windows that the
//! optimizer wrote itself (*optimized* ones). Older versions of a deltaspace come first, so that newer ones find them.
//!
//! Order (must)
//! 1. All windows and members of the new form are appended to the log.
//! 2. The new form is read back from there, as a client would, and compared with the old.
//! 3. One commit replaces the recipe of the version, if nobody replaced or removed the version meanwhile. It places the
//!    new form.
//! 4. What only the old form used has no links any more, and garbage collection takes it.
//!
//! So a crash at any point leaves one form or the other, and at worst garbage. One optimization runs at a time, because
//! optimized windows may replace others of the same hash: two at once could make windows refer to each other in a
//! circle.
//!
//! After the objects come bases that only removed objects used (`orphans.rs`, `rebase.rs`).
//!
//! Failure cases: an object with damage is left as it is; a full disk ends the run; both are reported.

mod encode;
mod form;
mod job;
mod multipart;
mod order;
mod orphans;
mod policy;
mod progress;
mod rebase;
mod rewrite;

pub use job::Optimizer;
pub use multipart::MultipartRewriter;
pub use policy::Policy;
pub use progress::{OptimizeProgress, Step};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deltastore_format::{BucketId, Sequence};
use parking_lot::{Mutex, MutexGuard};

use super::bugs::Bug;
use super::error::StoreError;
use super::fetch::CachePolicy;
use super::jobs::make_room;
use super::parity::ParityOptions;
use super::{Space, Store};
use form::Form;
use multipart::MultipartQueue;

/// Versions gathered before they are ordered by deltaspace and age.
const GATHER: usize = 100_000;

/// What a run is asked to do.
#[derive(Clone, Debug, Default)]
pub struct OptimizeOptions {
    /// Only this bucket.
    pub bucket: Option<String>,
    /// In place of each bucket's own.
    pub policy: Option<Policy>,
    /// Count what would be rewritten, and change nothing.
    pub dry_run: bool,
    /// Versions changed later than this are left for another run, in milliseconds since the Unix epoch; 0 for none.
    pub changed_before_ms: u64,
    /// Threads that encode.
    pub threads: usize,
    /// Before each object, wait until clients leave room; not for ever.
    pub yields: bool,
    /// Leave out the search for orphaned bases, which reads the index of all windows.
    pub keep_orphans: bool,
    /// Leave out the pass that counts what depends on each window and writes parity.
    pub skip_parity: bool,
    /// No parity for what lies in the active segment, which would have to end for it.
    pub spare_active: bool,
    /// Where it tells what it is at.
    pub progress: Arc<OptimizeProgress>,
}

/// What a run did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptimizeReport {
    /// Versions found that are to be rewritten, so far.
    pub found: u64,
    pub found_bytes: u64,
    /// Of those, done.
    pub objects: u64,
    pub bytes: u64,
    /// Record bytes that were written for them.
    pub written_bytes: u64,
    /// Replaced or removed while they were at work.
    pub changed: u64,
    /// Left as they are because they cannot be read, or because their new form did not make the same bytes.
    pub damaged: u64,
    /// Bytes of orphaned bases, which only removed objects used, that are worth replacing.
    pub orphaned_bytes: u64,
    /// Windows to be encoded against others for that.
    pub dependents: u64,
    /// Of those, done, and the record bytes that were written for them.
    pub rebased: u64,
    pub rebased_bytes: u64,
    /// Windows and nodes that many objects depend on, and the bytes of their records.
    pub shared: u64,
    pub shared_bytes: u64,
    /// Of those, given parity, and the record bytes that were written for it.
    pub parity: u64,
    pub parity_bytes: u64,
    /// Damaged records that were repaired.
    pub mended: u64,
    /// Nothing was done, because part of the log is hidden: a version that is rewritten may have been removed there,
    /// and that removal would not name where its copy lies.
    pub held_back: bool,
}

/// A version to be rewritten.
struct Candidate {
    space: Space,
    version: Sequence,
    key: String,
    size: u64,
}

/// What the optimizer keeps of one store.
#[derive(Default)]
pub(super) struct OptimizerState {
    alone: Mutex<()>,
    multipart: MultipartQueue,
}

impl OptimizerState {
    /// The right to make optimized windows, or to count what depends on them; others wait.
    pub fn alone(&self) -> MutexGuard<'_, ()> {
        self.alone.lock()
    }

    /// Nothing while somebody else has it.
    pub fn try_alone(&self) -> Option<MutexGuard<'_, ()>> {
        self.alone.try_lock()
    }
}

impl Store {
    /// Rewrites everything that was not yet, to its end or until `stop`.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ReadOnly`] and what reading the index gives; what was done until then stays
    /// done.
    pub fn optimize(
        &self,
        options: &OptimizeOptions,
        stop: &AtomicBool,
        report: &mut dyn FnMut(&OptimizeReport),
    ) -> Result<OptimizeReport, StoreError> {
        let _one_at_a_time = self.optimizer().alone();
        options.progress.no_object(Step::Listing);
        let mut done = OptimizeReport::default();
        if self.index().hidden()?.any() {
            done.held_back = true;
            return Ok(done);
        }
        let mut buckets = Vec::new();
        for row in self.index().buckets() {
            let put = row?.put;
            if options.bucket.as_ref().is_none_or(|wanted| *wanted == put.name) {
                buckets.push((put.bucket, options.policy.unwrap_or_else(|| (self.settings().policy_of)(&put))));
            }
        }
        if let Some(name) = options.bucket.as_ref().filter(|_| buckets.is_empty()) {
            return Err(StoreError::Unusable(format!("there is no bucket {name:?}")));
        }
        for (bucket, policy) in buckets.iter().copied().filter(|(_, policy)| *policy != Policy::Off) {
            self.optimize_bucket(bucket, policy, options, stop, &mut done, report)?;
        }
        // References know no buckets.
        if options.bucket.is_none() && !options.keep_orphans && !stop.load(Ordering::Relaxed) {
            options.progress.no_object(Step::Searching);
            self.rebase(&buckets, options, stop, &mut done, report)?;
        }
        if !options.dry_run {
            done.mended = self.mend_found()?;
        }
        if options.bucket.is_none() && !options.skip_parity && !stop.load(Ordering::Relaxed) {
            options.progress.no_object(Step::Parity);
            let wait = || {
                if options.yields {
                    make_room(self, stop)
                }
            };
            let parity = ParityOptions { dry_run: options.dry_run, end_active: !options.spare_active };
            self.keep_parity(parity, stop, &wait, &mut done, report)?;
        }
        Ok(done)
    }

    fn optimize_bucket(
        &self,
        bucket: BucketId,
        policy: Policy,
        options: &OptimizeOptions,
        stop: &AtomicBool,
        done: &mut OptimizeReport,
        report: &mut dyn FnMut(&OptimizeReport),
    ) -> Result<(), StoreError> {
        let form = Form::of(policy, self.settings());
        let mut rows = self.index().bucket_versions(bucket);
        loop {
            let mut candidates = Vec::new();
            let mut last = None;
            for row in rows.by_ref() {
                let put = row?.put;
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                // What was written later than now was so before the clock was set back: how long ago is not known.
                let now_ms = if self.bugs().has(Bug::ClockNeverSteps) { u64::MAX } else { self.clock().now_ms() };
                let recent = options.changed_before_ms..=now_ms;
                let late = options.changed_before_ms > 0 && recent.contains(&put.modified_ms);
                if put.optimized || put.delete_marker || put.size < self.settings().optimize_min || late {
                    continue;
                }
                done.found += 1;
                done.found_bytes += put.size;
                let (space, size) = (Space::of(bucket, &put.key), put.size);
                candidates.push(Candidate { space, version: put.version, key: put.key, size });
                if candidates.len() >= GATHER {
                    last = candidates.last().map(|candidate| (candidate.key.clone(), candidate.version));
                    break;
                }
            }
            // The rows hold on to a state of the index: they are not kept over hours of work.
            drop(rows);
            report(done);
            candidates.sort_unstable_by_key(|candidate| (candidate.space.deltaspace, candidate.version));
            for (number, candidate) in candidates.iter().enumerate() {
                // The newest of a deltaspace is what is read most.
                let next = candidates.get(number + 1).map(|next| next.space.deltaspace);
                let cache = if next == Some(candidate.space.deltaspace) { CachePolicy::No } else { CachePolicy::Yes };
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if !options.dry_run {
                    if options.yields {
                        make_room(self, stop);
                    }
                    options.progress.object(&candidate.key);
                    let threads = options.threads.max(1);
                    self.rewrite(candidate, &form, threads, cache, (stop, &options.progress), done)?;
                    report(done);
                }
            }
            let Some((key, version)) = last else { return Ok(()) };
            rows = self.index().bucket_versions_after(bucket, &key, version);
        }
    }

    fn rewrite(
        &self,
        candidate: &Candidate,
        form: &Form,
        threads: usize,
        cache: CachePolicy,
        (stop, progress): (&AtomicBool, &OptimizeProgress),
        done: &mut OptimizeReport,
    ) -> Result<(), StoreError> {
        let Candidate { space, version, ref key, size } = *candidate;
        let Some(row) = self.index().version(space.bucket, key, version)?.filter(|row| !row.put.optimized) else {
            return Ok(());
        };
        let content = match rewrite::convert(self, &row.put.recipe, space, form, threads, cache, (stop, progress)) {
            Ok(content) => content,
            // It may have been removed and collected under way; else it is damaged, which fsck tells in full.
            Err(error) if error.is_damage() => {
                let now = self.index().version(space.bucket, key, version)?;
                if now.is_none_or(|now| now.put.recipe != row.put.recipe) {
                    done.changed += 1;
                } else {
                    tracing::warn!(%key, %error, "not optimized: it cannot be read");
                    done.damaged += 1;
                }
                return Ok(());
            }
            Err(error @ StoreError::Incomplete { .. }) => {
                tracing::error!(%key, %error, "not optimized: its new form does not make the same bytes");
                done.damaged += 1;
                return Ok(());
            }
            Err(_) if stop.load(Ordering::Relaxed) => return Ok(()),
            Err(error) => return Err(error),
        };
        let written = content.stored_bytes();
        if rewrite::replace(self, row, content, form)? {
            done.objects += 1;
            done.bytes += size;
            done.written_bytes += written;
        } else {
            done.changed += 1;
        }
        Ok(())
    }
}
