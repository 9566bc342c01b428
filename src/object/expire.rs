//! Uploads that nobody goes on with end by themselves, as if they had been aborted.
//!
//! An upload's age counts from its newest part, or from its start while it has none, so one that goes on never ends.
//!
//! Invariants
//! - An upload ends in one commit that sees it as it is then: beside a CompleteMultipartUpload one of the two finds the
//!   other done.
//! - The clock may be set. An upload ends only after it was found too old in several looks in a row, about an hour in
//!   all, by one process: a clock that is wrong for a while harms nothing; one that is set back makes uploads end
//!   later, never sooner.
//!
//! Failure cases: what fails is logged and tried again at the next look. Looks are counted in memory: after a restart
//! they begin anew.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deltastore_format::{BucketId, UploadId, UploadPut};
use futures::executor::block_on;

use crate::object::Objects;
use crate::object::bucket::remove_upload;
use crate::object::content::commit;
use crate::object::error::ObjectError;
use crate::object::truncated_uploads::TruncatedUploads;
use crate::store::{Index, Job, Next, Outcome, Priority, Run, Store, Touch};

/// Looks in a row that must find an upload too old.
const LOOKS: u32 = 6;
/// Between two looks: so many of them make the age, within these bounds.
const PAUSES_AN_AGE: u32 = 100;
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// Uploads that are remembered as too old; more have their turn when these have ended.
const MAX_REMEMBERED: usize = 1 << 16;

/// The job that ends uploads.
pub struct UploadExpiry {
    looks: ExpiryLooks,
    pause: Duration,
    truncated: TruncatedUploads,
}

impl UploadExpiry {
    /// Ends uploads once they are older than `age`.
    pub fn new(objects: &Objects, age: Duration) -> Self {
        let pause = (age / PAUSES_AN_AGE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        Self { looks: ExpiryLooks::new(age), pause, truncated: objects.truncated.clone() }
    }
}

impl Job<Store> for UploadExpiry {
    fn name(&self) -> &'static str {
        "expire-uploads"
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn first(&self) -> Next {
        Next::After(self.pause)
    }

    fn run(&mut self, run: &Run<'_, Store>) -> Outcome {
        let next = Next::After(self.pause);
        // A look by hand is no reason to end an upload sooner.
        if run.by_hand() {
            return Outcome::idle(next);
        }
        match self.looks.run(run.store(), &self.truncated, run.stop()) {
            Ok(0) => Outcome::idle(next),
            Ok(uploads) => {
                tracing::info!(uploads, "multipart uploads were too old and have been ended");
                Outcome::done(next, format!("{uploads} uploads ended"))
            }
            Err(error) => Outcome::failed(next, error),
        }
    }
}

/// What is remembered from look to look.
pub struct ExpiryLooks {
    age_ms: u64,
    /// Uploads that the last look found too old, with how many in a row did.
    overdue: HashMap<UploadId, u32>,
}

impl ExpiryLooks {
    pub fn new(age: Duration) -> Self {
        Self { age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX), overdue: HashMap::new() }
    }

    /// Looks at all uploads, and ends those whose time has come; how many.
    ///
    /// # Errors
    /// `Internal` of reading the index, `StorageFull`, `ReadOnly`; the rest stays for the next look.
    pub fn look(&mut self, objects: &Objects) -> Result<u64, ObjectError> {
        self.run(objects.store(), &objects.truncated, &AtomicBool::new(false))
    }

    fn run(&mut self, store: &Store, truncated: &TruncatedUploads, stop: &AtomicBool) -> Result<u64, ObjectError> {
        let (mut overdue, mut due) = (HashMap::new(), Vec::new());
        let now = store.clock().now_ms();
        for row in store.index().all_uploads() {
            let put = row?.put;
            if stop.load(Ordering::Relaxed) || overdue.len() >= MAX_REMEMBERED {
                break;
            }
            if is_too_old(store.index(), &put, now, self.age_ms)? {
                let looks = self.overdue.get(&put.upload).unwrap_or(&0) + 1;
                overdue.insert(put.upload, looks);
                if looks >= LOOKS {
                    due.push((put.bucket, put.key, put.upload));
                }
            }
        }
        self.overdue = overdue;
        let mut ended = 0;
        for (bucket, key, upload) in due {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if block_on(end(store, bucket, key, upload, self.age_ms))? {
                ended += 1;
            }
            self.overdue.remove(&upload);
            truncated.take(upload);
        }
        Ok(ended)
    }
}

fn is_too_old(index: &Index, put: &UploadPut, now: u64, age_ms: u64) -> Result<bool, ObjectError> {
    let too_old = |since: u64| now.saturating_sub(since) > age_ms;
    if !too_old(put.started_ms) {
        return Ok(false);
    }
    for part in index.parts(put.upload) {
        if !too_old(part?.put.modified_ms) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ends an upload if it is still there and still too old; whether it was.
async fn end(store: &Store, bucket: BucketId, key: String, upload: UploadId, age_ms: u64) -> Result<bool, ObjectError> {
    let ended = commit(store, vec![Touch::Upload(bucket, upload)], Vec::new(), move |tx| {
        let Some(row) = tx.index().upload(bucket, &key, upload)? else { return Ok(false) };
        let ends = is_too_old(tx.index(), &row.put, tx.now_ms(), age_ms)?;
        if ends {
            remove_upload(tx, &row)?;
        }
        Ok(ends)
    });
    Ok(ended.await?)
}
