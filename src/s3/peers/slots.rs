//! The open connections: how many there are, whose they are, and which one goes when there is no room for another.
//!
//! A connection has a [`Slot`] from the moment it is accepted. It is *idle* while no request is under way on it,
//! *working* while the server is at work, and *waiting* while the server waits for its peer: for a body or for room in
//! the socket.
//!
//! Invariants
//! - At most `total` connections are served at a time, and at most `per_peer` of one address.
//! - A new connection takes the place of the one that has been idle longest, or else of the one whose peer was waited
//!   for longest. Only connections that were so for a while ([`GRACE`]) go, so that a client between two requests keeps
//!   its own.
//!
//! Failure cases: where every connection is busy, the new one is refused, and answered so (`refusal.rs`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::slot::{Slot, State};

/// Time that a connection must have been idle or waiting before another one takes its place.
const GRACE: Duration = Duration::from_secs(1);
/// Connections that were told to go, one for each so many places, and are not gone yet: their descriptors are still
/// open.
const LEAVING_SHARE: usize = 8;
/// One idle connection of so many goes at a time, so that a flood of new ones does not look at all others once each.
const BATCH_SHARE: usize = 32;

/// All connections that are served.
pub struct Slots {
    total: usize,
    per_peer: usize,
    grace: Duration,
    base: Instant,
    open: Mutex<Open>,
    /// Rung whenever a connection ends.
    ended: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    slots: HashMap<u64, Arc<Slot>>,
    /// Places taken by each address; connections that were told to go have none any more.
    peers: HashMap<IpAddr, usize>,
    placed: usize,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Full,
    /// This address has as many as one address may.
    Peer,
}

impl Slots {
    pub fn new(total: usize, per_peer: usize) -> Arc<Self> {
        Self::with_grace(total, per_peer, GRACE)
    }

    fn with_grace(total: usize, per_peer: usize, grace: Duration) -> Arc<Self> {
        let (total, per_peer) = (total.max(1), per_peer.max(1));
        Arc::new(Slots { total, per_peer, grace, base: Instant::now(), open: Mutex::default(), ended: Notify::new() })
    }

    /// A place for a connection from `peer`, if need be that of another one.
    ///
    /// # Errors
    /// When all places, or all that one address may have, are taken by busy connections.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Admitted, Refused> {
        let mut open = self.open.lock();
        if open.placed >= self.total && !self.make_room(&mut open, None) {
            return Err(Refused::Full);
        }
        if open.peers.get(&peer).copied().unwrap_or(0) >= self.per_peer && !self.make_room(&mut open, Some(peer)) {
            return Err(Refused::Peer);
        }
        let number = open.next;
        open.next += 1;
        open.placed += 1;
        *open.peers.entry(peer).or_default() += 1;
        let slot = Arc::new(Slot::new(number, peer, self.base));
        open.slots.insert(number, Arc::clone(&slot));
        Ok(Admitted { slot, slots: Arc::clone(self) })
    }

    /// True while few places are left: then connections wait for what slow peers hold.
    pub fn is_pressed(&self) -> bool {
        self.open.lock().placed >= self.total - self.total / 8
    }

    /// Connections that are open, those included that were told to go.
    pub fn len(&self) -> usize {
        self.open.lock().slots.len()
    }

    /// Waits until no connection is left.
    pub async fn emptied(&self) {
        loop {
            let ended = self.ended.notified();
            if self.len() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Tells connections to go, of one address or any; false if none may.
    fn make_room(&self, open: &mut Open, peer: Option<IpAddr>) -> bool {
        let leaving = open.slots.len() - open.placed;
        let now = self.base.elapsed();
        let mut candidates: Vec<(State, Duration, u64)> = open
            .slots
            .values()
            .filter(|slot| !slot.is_evicted() && peer.is_none_or(|peer| peer == slot.peer()))
            .map(|slot| (slot.state(), slot))
            .filter(|((state, since), _)| *state != State::Working && now.saturating_sub(*since) >= self.grace)
            .map(|((state, since), slot)| (state, since, slot.number()))
            .collect();
        let allowed = (self.total / LEAVING_SHARE).max(1).saturating_sub(leaving);
        candidates.sort_unstable();
        let idle = candidates.iter().take_while(|(state, ..)| *state == State::Idle).count();
        let batch = idle.min(self.total / BATCH_SHARE).max(1);
        let mut made = false;
        for (_, _, number) in candidates.into_iter().take(batch.min(allowed)) {
            if let Some(slot) = open.slots.get(&number).cloned() {
                slot.evict();
                open.give_back(slot.peer());
                made = true;
            }
        }
        made
    }
}

impl Open {
    fn give_back(&mut self, peer: IpAddr) {
        self.placed -= 1;
        if let Some(count) = self.peers.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&peer);
            }
        }
    }
}

/// A connection's place; given back when dropped.
pub struct Admitted {
    pub slot: Arc<Slot>,
    slots: Arc<Slots>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock();
        open.slots.remove(&self.slot.number());
        if !self.slot.is_evicted() {
            open.give_back(self.slot.peer());
        }
        drop(open);
        self.slots.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough that steps of a test in between take less, also on a busy machine.
    const TEST_GRACE: Duration = Duration::from_millis(400);
    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

    fn admit(slots: &Arc<Slots>, peer: IpAddr) -> Admitted {
        slots.admit(peer).expect("there is room")
    }

    #[tokio::test]
    async fn the_idlest_connection_gives_way_once_it_was_idle_for_a_while() {
        let slots = Slots::with_grace(2, 2, TEST_GRACE);
        let first = admit(&slots, ONE);
        let second = admit(&slots, ONE);
        assert_eq!(slots.admit(ONE).err(), Some(Refused::Full), "both are new");
        tokio::time::sleep(TEST_GRACE).await;
        first.slot.begin_request();
        first.slot.end_request();
        let third = admit(&slots, OTHER);
        assert!(second.slot.is_evicted() && !first.slot.is_evicted());
        second.slot.evicted().await;
        assert_eq!(slots.len(), 3, "it is told, and not gone yet");
        drop((first, second, third));
        slots.emptied().await;
        let open = slots.open.lock();
        assert_eq!((open.placed, open.peers.len()), (0, 0));
    }

    #[tokio::test]
    async fn of_busy_connections_the_one_that_waited_longest_for_its_peer_gives_way() {
        let slots = Slots::with_grace(3, 3, TEST_GRACE);
        let held: Vec<_> = (0..3).map(|_| admit(&slots, ONE)).collect();
        held.iter().for_each(|held| held.slot.begin_request());
        tokio::time::sleep(TEST_GRACE).await;
        assert_eq!(slots.admit(ONE).err(), Some(Refused::Full), "the server is at work for all of them");
        held[1].slot.wait_for_peer(Instant::now() - TEST_GRACE * 3);
        held[2].slot.wait_for_peer(Instant::now() - TEST_GRACE * 2);
        let _more = admit(&slots, ONE);
        assert_eq!([0, 1, 2].map(|at: usize| held[at].slot.is_evicted()), [false, true, false]);
    }

    #[tokio::test]
    async fn an_address_over_its_limit_takes_from_itself() {
        let slots = Slots::with_grace(8, 2, TEST_GRACE);
        let other = admit(&slots, OTHER);
        let held = [admit(&slots, ONE), admit(&slots, ONE)];
        assert_eq!(slots.admit(ONE).err(), Some(Refused::Peer));
        tokio::time::sleep(TEST_GRACE).await;
        let _more = admit(&slots, ONE);
        assert!(!other.slot.is_evicted());
        assert_eq!(held.iter().filter(|held| held.slot.is_evicted()).count(), 1);
    }
}
