//! Which window is next: a window waits for those before it in its object that it may be encoded against.
//!
//! Invariant: only later windows wait for earlier ones, so there is always one that goes on; and a slot ends however
//! its holder does. Without this a window's nearest relatives would be in the hands of the other threads, and of no use
//! to it: two threads stored the first version of a wheel of native libraries in 0.8 to 2.6 % more than one, and each
//! time in another form.

use crossbeam_channel::Receiver;
use parking_lot::{Condvar, Mutex};

/// The windows of one object that are being encoded.
#[derive(Default)]
pub struct JobOrder {
    /// Held while a window is taken, so that they get their slots in order.
    taking: Mutex<()>,
    under_way: Mutex<Vec<UnderWay>>,
    ended: Condvar,
}

struct UnderWay {
    number: u64,
    features: Vec<u64>,
}

/// The right to encode one window; given back when dropped.
pub struct Slot<'a> {
    order: &'a JobOrder,
    number: u64,
}

impl JobOrder {
    /// The next job, once no relative of it is under way; nothing at the end of the jobs. `window` gives its number,
    /// which grows from job to job, and its features.
    pub fn next<Job>(&self, jobs: &Receiver<Job>, window: impl Fn(&Job) -> (u64, &[u64])) -> Option<(Job, Slot<'_>)> {
        let (job, slot) = {
            let _in_order = self.taking.lock();
            let job = jobs.recv().ok()?;
            let (number, features) = window(&job);
            self.under_way.lock().push(UnderWay { number, features: features.to_vec() });
            (job, Slot { order: self, number })
        };
        let (number, features) = window(&job);
        let mut under_way = self.under_way.lock();
        while under_way.iter().any(|other| other.number < number && related(&other.features, features)) {
            self.ended.wait(&mut under_way);
        }
        drop(under_way);
        Some((job, slot))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.order.under_way.lock().retain(|window| window.number != self.number);
        self.order.ended.notify_all();
    }
}

/// One feature in common is enough to be encoded against.
fn related(one: &[u64], other: &[u64]) -> bool {
    other.iter().any(|feature| one.contains(feature))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use crossbeam_channel::unbounded;

    use super::*;

    type Job = (u64, Vec<u64>);

    fn window((number, features): &Job) -> (u64, &[u64]) {
        (*number, features)
    }

    #[test]
    fn relatives_go_one_after_another_and_others_side_by_side() {
        let (jobs, waiting) = unbounded::<Job>();
        for number in 0..3 {
            jobs.send((number, vec![1, 2])).expect("open");
        }
        jobs.send((3, vec![9])).expect("open");
        drop(jobs);
        let order = JobOrder::default();
        let (_, first) = order.next(&waiting, window).expect("a job");
        let finished = Mutex::new(Vec::new());
        let busy = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while let Some(((number, _), _slot)) = order.next(&waiting, window) {
                        if number < 3 {
                            assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0, "relatives met");
                            std::thread::sleep(Duration::from_millis(5));
                            busy.fetch_sub(1, Ordering::SeqCst);
                        }
                        finished.lock().push(number);
                    }
                });
            }
            // The stranger passes while all relatives wait for the first.
            while finished.lock().is_empty() {
                std::thread::yield_now();
            }
            drop(first);
        });
        assert_eq!(finished.into_inner(), [3, 1, 2]);
    }

    #[test]
    fn a_slot_ends_with_its_thread() {
        let (jobs, waiting) = unbounded::<Job>();
        jobs.send((0, vec![1])).expect("open");
        jobs.send((1, vec![1])).expect("open");
        let order = JobOrder::default();
        std::thread::scope(|scope| {
            let failing = scope.spawn(|| {
                let _slot = order.next(&waiting, window).expect("a job");
                panic!("as an encoder might");
            });
            assert!(failing.join().is_err());
        });
        assert!(order.next(&waiting, window).is_some());
    }
}
