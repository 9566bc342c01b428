//! What is known about one connection: whether it is idle, at work or waiting for its peer, and whether it has to go.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::Instant;

/// In the order in which connections go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Idle,
    Waiting,
    Working,
}

/// What is known about one connection.
pub struct Slot {
    number: u64,
    peer: IpAddr,
    base: Instant,
    /// A [`State`] in the lowest two bits, above them since when, in milliseconds.
    state: AtomicU64,
    requests: AtomicU64,
    in_request: AtomicBool,
    /// The socket takes nothing at the moment.
    blocked: AtomicBool,
    unblocked: AtomicWaker,
    evicted: AtomicBool,
    told: Notify,
}

impl Slot {
    pub fn new(number: u64, peer: IpAddr, base: Instant) -> Self {
        let slot = Slot {
            number,
            peer,
            base,
            state: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            in_request: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            unblocked: AtomicWaker::new(),
            evicted: AtomicBool::new(false),
            told: Notify::new(),
        };
        slot.set(State::Idle, Instant::now());
        slot
    }

    fn set(&self, state: State, since: Instant) {
        let millis = u64::try_from(since.saturating_duration_since(self.base).as_millis()).unwrap_or(0);
        self.state.store(millis << 2 | state as u64, Ordering::Relaxed);
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn peer(&self) -> IpAddr {
        self.peer
    }

    /// And since when, from `base` on.
    pub fn state(&self) -> (State, Duration) {
        let packed = self.state.load(Ordering::Relaxed);
        let state = match packed & 3 {
            0 => State::Idle,
            1 => State::Waiting,
            _ => State::Working,
        };
        (state, Duration::from_millis(packed >> 2))
    }

    /// A request has begun.
    pub fn begin_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_request.store(true, Ordering::Relaxed);
        self.set(State::Working, Instant::now());
    }

    /// Its answer is written, but for what the socket has still to take.
    pub fn end_request(&self) {
        self.in_request.store(false, Ordering::Relaxed);
        self.set(State::Idle, Instant::now());
    }

    /// Requests that have begun.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The peer is waited for; `since`: now, less what it was waited for before.
    pub fn wait_for_peer(&self, since: Instant) {
        self.set(State::Waiting, since);
    }

    /// The peer has sent or taken something.
    pub fn progress(&self) {
        if self.state().0 == State::Waiting {
            let busy = self.in_request.load(Ordering::Relaxed);
            self.set(if busy { State::Working } else { State::Idle }, Instant::now());
        }
    }

    /// The socket takes nothing.
    pub fn block(&self) {
        self.blocked.store(true, Ordering::Relaxed);
    }

    /// The socket has taken something.
    pub fn unblock(&self) {
        if self.blocked.swap(false, Ordering::Relaxed) {
            self.unblocked.wake();
        }
    }

    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Ready while the socket takes what is written.
    pub fn poll_unblocked(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_blocked() {
            return Poll::Ready(());
        }
        self.unblocked.register(cx.waker());
        if self.is_blocked() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Tells the connection to go.
    pub fn evict(&self) {
        self.evicted.store(true, Ordering::Relaxed);
        self.told.notify_one();
    }

    /// Was the connection told to go, because others wait for its place?
    pub fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Waits until the connection is told to go.
    pub async fn evicted(&self) {
        self.told.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn slot() -> Arc<Slot> {
        Arc::new(Slot::new(0, IpAddr::from([127, 0, 0, 1]), Instant::now()))
    }

    #[test]
    fn a_slot_knows_what_its_connection_does() {
        let slot = slot();
        assert_eq!((slot.state().0, slot.requests()), (State::Idle, 0));
        slot.begin_request();
        assert_eq!((slot.state().0, slot.requests()), (State::Working, 1));
        slot.wait_for_peer(Instant::now());
        slot.progress();
        assert_eq!(slot.state().0, State::Working);
        slot.end_request();
        // The socket has still to take the end of the answer.
        slot.wait_for_peer(Instant::now());
        slot.progress();
        assert_eq!(slot.state().0, State::Idle);
    }

    #[tokio::test]
    async fn a_blocked_connection_wakes_who_waits_for_it() {
        let slot = slot();
        slot.block();
        let waiting = slot.clone();
        let waiting = tokio::spawn(async move { std::future::poll_fn(|cx| waiting.poll_unblocked(cx)).await });
        tokio::task::yield_now().await;
        slot.unblock();
        waiting.await.expect("it is woken");
    }
}
