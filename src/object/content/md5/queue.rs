//! Where bodies of different uploads meet to be hashed side by side.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Md5;
use super::lanes::{self, LANES, Lane};
use crate::store::{Handoffs, Store};

/// Stretches of bodies that wait for a thread of the encode pool. Where a thread is free it begins at once; where other
/// jobs wait it lets them go first, once, since company is likely to come meanwhile. Those that come while it is at
/// work join in, as long as there is a lane.
#[derive(Clone, Default)]
pub struct Md5Queue {
    waiting: Arc<Mutex<VecDeque<Stretch>>>,
}

type Stretch = (Lane, oneshot::Sender<Md5>);

impl Md5Queue {
    /// Has `md5` take the bytes, and gives it back; nothing when the store closes meanwhile.
    pub fn update(&self, store: &Store, md5: Md5, bytes: Vec<Bytes>) -> oneshot::Receiver<Md5> {
        let (done, updated) = oneshot::channel();
        self.waiting.lock().push_back((Lane::new(md5, bytes), done));
        let (queue, inner) = (self.clone(), store.clone());
        // One job a stretch, so that none is left over; a job that comes too late finds nothing to do.
        store.encode_pool().spawn(move |_| queue.first_turn(&inner));
        updated
    }

    fn first_turn(&self, store: &Store) {
        let company = self.waiting.lock().len();
        if (1..LANES).contains(&company) && store.encode_pool().has_waiting() {
            let (queue, handoffs) = (self.clone(), store.handoffs().clone());
            store.encode_pool().spawn(move |_| queue.work(&handoffs));
        } else {
            self.work(store.handoffs());
        }
    }

    /// Ends with the last stretch: an upload has one at a time, and others that need this thread to go on add none.
    fn work(&self, handoffs: &Handoffs) {
        let mut stretches: Vec<Stretch> = Vec::new();
        loop {
            {
                let mut waiting = self.waiting.lock();
                let free = waiting.len().min(LANES - stretches.len());
                stretches.extend(waiting.drain(..free));
            }
            for (lane, done) in stretches.extract_if(.., |(lane, _)| lane.has_ended()) {
                // An upload that was given up waits no more.
                handoffs.count();
                drop(done.send(lane.into_md5()));
            }
            if stretches.is_empty() {
                return;
            }
            let mut lanes: Vec<_> = stretches.iter_mut().map(|(lane, _)| lane).collect();
            lanes::advance(&mut lanes);
        }
    }
}
