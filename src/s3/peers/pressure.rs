//! What slow peers may keep from others: nothing for long.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::interim::Interim;
use super::slot::Slot;
use super::slots::Slots;
use super::stall::StallClock;
use crate::object::Objects;
use crate::s3::settings::ServerSettings;

/// Tells when others wait for what a slow peer holds: memory or its connection. Shared by all connections.
pub struct Pressure {
    slots: Arc<Slots>,
    objects: Objects,
    stall_timeout: Duration,
    stall_quota: u64,
    pressed_timeout: Duration,
    pressed_quota: u64,
}

impl Pressure {
    pub fn new(slots: Arc<Slots>, objects: Objects, settings: &ServerSettings) -> Arc<Self> {
        Arc::new(Pressure {
            slots,
            objects,
            stall_timeout: settings.stall_timeout,
            stall_quota: settings.stall_quota(),
            pressed_timeout: settings.pressed_timeout,
            pressed_quota: settings.pressed_quota(),
        })
    }
}

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Upload,
    Download,
}

/// One connection, as the parts of the server that wait for its peer see it.
#[derive(Clone)]
pub struct Peer {
    pub slot: Arc<Slot>,
    pub interim: Arc<Interim>,
    pressure: Arc<Pressure>,
}

impl Peer {
    pub fn new(slot: Arc<Slot>, pressure: Arc<Pressure>) -> Self {
        Peer { slot, interim: Arc::default(), pressure }
    }

    /// A clock for one direction.
    pub fn watch(&self, direction: Direction) -> PeerClock {
        let pressure = &self.pressure;
        PeerClock {
            peer: self.clone(),
            direction,
            always: StallClock::new(pressure.stall_timeout, pressure.stall_quota),
            pressed: StallClock::new(pressure.pressed_timeout, pressure.pressed_quota),
        }
    }

    /// Reads of others want memory: an answer is not to be made before the socket takes it.
    pub fn spares_memory(&self) -> bool {
        self.pressure.objects.reads_are_tight()
    }

    fn others_wait(&self, direction: Direction) -> bool {
        let memory = match direction {
            Direction::Upload => self.pressure.objects.uploads_are_stuck(),
            Direction::Download => self.pressure.objects.reads_are_tight(),
        };
        memory || self.pressure.slots.is_pressed()
    }
}

/// Finds a peer that is too slow: always by a low rate over a long time, and while others wait by a higher one over a
/// short time.
pub struct PeerClock {
    peer: Peer,
    direction: Direction,
    always: StallClock,
    pressed: StallClock,
}

impl PeerClock {
    /// `bytes` passed.
    pub fn progress(&mut self, bytes: usize) {
        self.always.progress(bytes);
        self.pressed.progress(bytes);
        self.peer.slot.progress();
        if self.direction == Direction::Download {
            self.peer.slot.unblock();
        }
    }

    /// The peer has nothing to give or takes nothing: ready once it is too slow.
    pub fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.direction == Direction::Download {
            self.peer.slot.block();
        }
        if self.peer.slot.is_evicted() || self.always.poll_stalled(cx).is_ready() {
            return Poll::Ready(());
        }
        while self.pressed.poll_stalled(cx).is_ready() {
            if self.peer.others_wait(self.direction) {
                return Poll::Ready(());
            }
            self.pressed.start_over();
        }
        self.peer.slot.wait_for_peer(self.pressed.waiting_since().unwrap_or_else(Instant::now));
        Poll::Pending
    }
}
