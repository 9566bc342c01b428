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
mod options;
mod order;
mod orphans;
mod progress;
mod rebase;
mod report;
mod rewrite;

pub use job::Optimizer;
pub use multipart::MultipartRewriter;
pub use options::OptimizeOptions;
pub use progress::{OptimizeProgress, Step};
pub use report::OptimizeReport;

use std::sync::atomic::{AtomicBool, Ordering};

use deltastore_format::BucketId;

use super::blob::Space;
use super::bugs::Bug;
use super::error::StoreError;
use super::fetch::CachePolicy;
use super::handle::Store;
use super::jobs::make_room;
use super::optimizer_state::Candidate;
use super::parity::{ParityOptions, ParityReport};
use super::policy::Policy;
use form::Form;

/// Versions gathered before they are ordered by deltaspace and age.
const GATHER: usize = 100_000;

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
            let asked = ParityOptions { dry_run: options.dry_run, end_active: !options.spare_active };
            let mut parity = ParityReport::default();
            let mut told = |parity: &ParityReport| report(&done.with_parity(*parity));
            self.keep_parity(asked, stop, &wait, &mut parity, &mut told)?;
            done = done.with_parity(parity);
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
