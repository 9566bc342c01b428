//! How much memory bodies may take, and who has to wait for it.
//!
//! Uploads. What arrives of a body before it has a share of the memory is counted as *arriving*; a share is asked for
//! once a whole chunk, or the whole of a short body, is there. So a peer that announces much and sends little holds
//! next to nothing. Only when what is arriving reaches its limit do uploads take their share early, and then a slow one
//! may hold what others wait for: the server cuts it off (`s3/peers/pressure.rs`). Small bodies have a share of the
//! memory of their own, so that large ones never keep them waiting.
//!
//! Downloads never wait. A window goes out whole if there is memory for it; if not, it goes out in small copied pieces,
//! one at a time, and is read again for the next one.
//!
//! Failure case: a share that is not there after [`WAIT_LIMIT`] is refused, which clients are told as 503 SlowDown;
//! while those who have shares are fast, others wait for up to [`MAX_WAIT`].

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::{Pipeline, Store};

/// What a large upload holds for the expander and for sketches of its own windows, in units of the expander's: 10 MiB
/// by default.
const EXPANDING: usize = 20;
/// Bytes a small body counts for besides its length, for what surrounds it.
const SURROUNDINGS: u64 = 4 << 10;
/// Bodies of at most so many bytes have memory of their own.
pub const SMALL_BODY: u64 = 64 << 10;
/// Share of the uploads' memory that only small bodies take, and that what is arriving may take, one part in so many
/// each.
const SMALL_SHARE: usize = 8;
/// Longest wait for a share behind slow peers.
const WAIT_LIMIT: Duration = Duration::from_secs(10);
/// Longest wait for a share behind fast ones.
const MAX_WAIT: Duration = Duration::from_secs(300);
/// Time without a share given to anyone, or so many bytes worked on, after which those who wait are stuck behind slow
/// peers.
const STUCK_AFTER: Duration = Duration::from_secs(2);
const MOVES_ON: usize = 2 << 20;

/// The wait for memory took too long.
#[derive(Debug)]
pub struct Busy;

/// The memory budgets of one server, shared by all its requests.
#[derive(Clone)]
pub struct Budget {
    large: Arc<Lane>,
    small: Arc<Lane>,
    arriving: Arc<AtomicUsize>,
    arriving_limit: usize,
    large_upload: usize,
    read: Arc<Semaphore>,
    read_bytes: usize,
}

impl Budget {
    /// Budgets as the store's settings say.
    pub fn new(store: &Store) -> Self {
        let settings = store.settings();
        let window = settings.cut.max as usize;
        let expanding = settings.expand.as_ref().map_or(0, |expand| EXPANDING * expand.unit);
        Self {
            large: Lane::new(settings.ingest_bytes),
            small: Lane::new(settings.ingest_bytes / SMALL_SHARE),
            arriving: Arc::default(),
            arriving_limit: settings.ingest_bytes / SMALL_SHARE,
            // One window growing, the others of about the target size, plain and encoded; what is being expanded;
            // sketches.
            large_upload: window + Pipeline::UPLOAD_CHUNKS * settings.cut.target as usize + expanding,
            read: Arc::new(Semaphore::new(settings.read_bytes)),
            read_bytes: settings.read_bytes,
        }
    }

    /// Counts what arrives of one body.
    pub(super) fn arriving(&self) -> Arriving {
        Arriving { total: Arc::clone(&self.arriving), limit: self.arriving_limit, held: 0 }
    }

    /// A share for a body of so many bytes, if that is known.
    pub(super) async fn upload(&self, expected: Option<u64>) -> Result<Share, Busy> {
        let large = self.large_upload as u64;
        let share = expected.map_or(large, |len| large.min(len.saturating_mul(2).saturating_add(SURROUNDINGS)));
        let lane = if expected.is_some_and(|len| len <= SMALL_BODY) { &self.small } else { &self.large };
        lane.take(usize::try_from(share).unwrap_or(usize::MAX), WAIT_LIMIT).await
    }

    /// Do uploads wait for memory that none of those who have it gives back?
    pub fn uploads_are_stuck(&self) -> bool {
        self.large.is_stuck() || self.small.is_stuck() || self.arriving.load(Ordering::Relaxed) >= self.arriving_limit
    }

    /// Memory for a window on its way out, if there is some. A window that is read `ahead` leaves half of it to others.
    pub(super) fn window(&self, len: u64, ahead: bool) -> Option<OwnedSemaphorePermit> {
        let len = usize::try_from(len).unwrap_or(usize::MAX).clamp(1, self.read_bytes);
        if ahead && self.read.available_permits() < len.max(self.read_bytes / 2) {
            return None;
        }
        Arc::clone(&self.read).try_acquire_many_owned(u32::try_from(len).unwrap_or(u32::MAX)).ok()
    }

    /// Is so little memory left that windows go out in pieces?
    pub fn reads_are_tight(&self) -> bool {
        self.read.available_permits() < self.read_bytes / 8
    }
}

/// What has arrived of a body that has no share yet.
pub(super) struct Arriving {
    total: Arc<AtomicUsize>,
    limit: usize,
    held: usize,
}

impl Arriving {
    /// Counts bytes that came. False if the body is to ask for its share now: small ones may use all of the limit,
    /// others half.
    pub fn add(&mut self, bytes: usize) -> bool {
        self.held += bytes;
        let total = self.total.fetch_add(bytes, Ordering::Relaxed) + bytes;
        total <= if self.held as u64 <= SMALL_BODY { self.limit } else { self.limit / 2 }
    }

    /// Bytes that have come.
    pub fn held(&self) -> u64 {
        self.held as u64
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.total.fetch_sub(self.held, Ordering::Relaxed);
    }
}

/// Memory that a body has.
pub(super) struct Share {
    lane: Arc<Lane>,
    _permit: OwnedSemaphorePermit,
}

impl Share {
    /// So many bytes were worked on.
    pub fn worked(&self, bytes: usize) {
        let before = self.lane.worked.fetch_add(bytes, Ordering::Relaxed);
        if before / MOVES_ON != before.wrapping_add(bytes) / MOVES_ON {
            self.lane.move_on();
        }
    }
}

/// Memory that bodies wait for, first come, first served.
struct Lane {
    bytes: usize,
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    worked: AtomicUsize,
    base: Instant,
    /// When a share was given last, some bytes were worked on, or waiting began, in milliseconds since `base`.
    moved: AtomicU64,
}

impl Lane {
    fn new(bytes: usize) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(bytes));
        let (base, moved) = (Instant::now(), AtomicU64::new(0));
        Arc::new(Self { bytes, free, waiting: AtomicUsize::new(0), worked: AtomicUsize::new(0), base, moved })
    }

    async fn take(self: &Arc<Self>, bytes: usize, limit: Duration) -> Result<Share, Busy> {
        let bytes = u32::try_from(bytes.min(self.bytes)).unwrap_or(u32::MAX);
        let share = |permit| Share { lane: Arc::clone(self), _permit: permit };
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_many_owned(bytes) {
            return Ok(share(permit));
        }
        let (waits, since) = (Waits::new(self), Instant::now());
        let mut permit = pin!(Arc::clone(&self.free).acquire_many_owned(bytes));
        loop {
            match tokio::time::timeout(limit, permit.as_mut()).await {
                Ok(Ok(permit)) => {
                    self.move_on();
                    drop(waits);
                    return Ok(share(permit));
                }
                Err(_) if !self.is_stuck() && since.elapsed() < MAX_WAIT => {}
                // The semaphore is never closed.
                Ok(Err(_)) | Err(_) => return Err(Busy),
            }
        }
    }

    fn move_on(&self) {
        self.moved.store(self.millis(), Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_stuck(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
            && self.millis().saturating_sub(self.moved.load(Ordering::Relaxed)) >= STUCK_AFTER.as_millis() as u64
    }
}

/// Counts as waiting until it is dropped, also when the wait is given up.
struct Waits<'a>(&'a Lane);

impl<'a> Waits<'a> {
    fn new(lane: &'a Lane) -> Self {
        if lane.waiting.fetch_add(1, Ordering::Relaxed) == 0 {
            lane.move_on();
        }
        Self(lane)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_share_that_does_not_come_is_refused_unless_those_who_have_one_are_fast() {
        let lane = Lane::new(10);
        let held = lane.take(8, WAIT_LIMIT).await.expect("free");
        let waiting = Arc::clone(&lane);
        let waiting = tokio::spawn(async move { waiting.take(100, Duration::from_millis(50)).await.is_ok() });
        let begun = Instant::now();
        while begun.elapsed() < STUCK_AFTER {
            tokio::time::sleep(Duration::from_millis(20)).await;
            held.worked(MOVES_ON);
        }
        assert!(!waiting.is_finished() && !lane.is_stuck(), "it waits as long as others are fast");
        assert!(!waiting.await.expect("no panic"), "more than all is all, which is not there");
        assert_eq!(lane.waiting.load(Ordering::Relaxed), 0);
        drop(held);
        assert!(lane.take(100, WAIT_LIMIT).await.is_ok());
    }

    #[test]
    fn what_arrives_is_counted_until_its_body_has_a_share() {
        let total = Arc::new(AtomicUsize::new(0));
        let body = || Arriving { total: Arc::clone(&total), limit: 1 << 20, held: 0 };
        let (mut small, mut large) = (body(), body());
        assert!(large.add(512 << 10));
        assert!(small.add(1000) && small.add(1000));
        assert!(!large.add(1), "others than small ones leave half");
        assert_eq!((small.held(), large.held()), (2000, (512 << 10) + 1));
        drop(large);
        assert!(body().add(1 << 18), "the room of a large one is free again");
        drop(small);
        assert_eq!(total.load(Ordering::Relaxed), 0);
    }
}
