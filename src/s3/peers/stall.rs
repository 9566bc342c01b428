//! Finding peers that are too slow.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Counts the time spent waiting for a peer against the bytes that came of it. Only waiting counts, so a server that is
/// itself busy never blames the peer. Allocates nothing until it has to wait.
#[derive(Debug)]
pub struct StallClock {
    limit: Duration,
    quota: u64,
    bytes: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl StallClock {
    /// A peer is stalled once `limit` was spent waiting while fewer than `quota` bytes passed.
    pub fn new(limit: Duration, quota: u64) -> Self {
        StallClock { limit, quota, bytes: 0, waited: Duration::ZERO, waiting_since: None, sleep: None }
    }

    /// `bytes` passed.
    pub fn progress(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.bytes >= self.quota {
            self.start_over();
        }
    }

    /// Forgets what was waited so far.
    pub fn start_over(&mut self) {
        self.bytes = 0;
        self.waited = Duration::ZERO;
        self.waiting_since = None;
    }

    /// Now, less all the time that was spent waiting and counts; nothing while nothing is waited for.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.waiting_since.map(|since| since.checked_sub(self.waited).unwrap_or(since))
    }

    /// The peer has nothing to give or takes nothing: ready once it has stalled, and the task is woken for that.
    pub fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let deadline = since + self.limit.saturating_sub(self.waited);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        // A timer that is set too early stays: it rings once in `limit`, while setting it anew would cost at each wait.
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn stalls_within(clock: &mut StallClock, time: Duration) -> bool {
        tokio::time::timeout(time, std::future::poll_fn(|cx| clock.poll_stalled(cx))).await.is_ok()
    }

    #[tokio::test]
    async fn a_peer_that_sends_nothing_stalls() {
        let mut clock = StallClock::new(Duration::from_millis(30), 10);
        assert!(stalls_within(&mut clock, Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn a_drip_below_the_quota_stalls_too() {
        let mut clock = StallClock::new(Duration::from_millis(60), 1000);
        let mut stalled = false;
        for _ in 0..20 {
            stalled = stalls_within(&mut clock, Duration::from_millis(10)).await;
            if stalled {
                break;
            }
            clock.progress(1);
        }
        assert!(stalled);
    }

    #[tokio::test]
    async fn meeting_the_quota_starts_over() {
        let mut clock = StallClock::new(Duration::from_millis(200), 10);
        for _ in 0..10 {
            assert!(!stalls_within(&mut clock, Duration::from_millis(50)).await);
            clock.progress(10);
        }
    }

    #[tokio::test]
    async fn time_the_server_is_busy_does_not_count() {
        let mut clock = StallClock::new(Duration::from_millis(100), 1000);
        assert!(!stalls_within(&mut clock, Duration::from_millis(1)).await);
        clock.progress(1);
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert!(!stalls_within(&mut clock, Duration::from_millis(20)).await);
    }
}
