//! A bounded pool of owned threads for CPU work and blocking reads.
//!
//! Invariants: a job never waits for another job (it would deadlock a full pool); each thread owns one
//! [`Worker`], so codec contexts are reused without locks. A job that panics takes its thread's state with it
//! but not the thread: the caller sees its answer dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use deltastore_delta::{Decoder, Encoder};

use super::fetch::CachePolicy;
use super::handoffs::Handoffs;

/// Jobs that may wait; more than all connections together can have under way.
const QUEUE: usize = 16 * 1024;

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// What one pool thread owns.
pub struct Worker {
    pub encoder: Encoder,
    pub decoder: Decoder,
    /// What becomes of what it reads for clients.
    pub cache: CachePolicy,
}

impl Worker {
    pub fn new() -> Self {
        Self { encoder: Encoder::new(), decoder: Decoder::new(), cache: CachePolicy::default() }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self::new()
    }
}

/// A fixed set of threads. Dropping it finishes queued jobs and joins.
pub struct Pool {
    sender: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    /// Jobs that wait or run.
    pending: Arc<AtomicUsize>,
    given_up: Arc<AtomicBool>,
    handoffs: Handoffs,
}

impl Pool {
    /// Starts `threads` threads named `name`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(name: &str, threads: usize, handoffs: Handoffs) -> std::io::Result<Self> {
        let (sender, receiver) = bounded::<Job>(QUEUE);
        let pending = Arc::new(AtomicUsize::new(0));
        let given_up = Arc::new(AtomicBool::new(false));
        let threads = (0..threads.max(1))
            .map(|number| {
                let (receiver, pending, given_up) = (receiver.clone(), Arc::clone(&pending), Arc::clone(&given_up));
                std::thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                    let mut worker = Worker::new();
                    for job in receiver {
                        // A job that is dropped answers for itself.
                        if given_up.load(Ordering::Relaxed) {
                            drop(job);
                        } else if catch_unwind(AssertUnwindSafe(|| job(&mut worker))).is_err() {
                            worker = Worker::new();
                        }
                        pending.fetch_sub(1, Ordering::Relaxed);
                    }
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { sender: Some(sender), threads, pending, given_up, handoffs })
    }

    /// True when no job waits or runs.
    pub fn is_idle(&self) -> bool {
        self.pending.load(Ordering::Relaxed) == 0
    }

    /// True when a job waits for a thread.
    pub fn has_waiting(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.is_empty())
    }

    /// From now on jobs are dropped instead of run.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Queues a job. Waits only if the queue is full.
    pub fn spawn(&self, job: impl FnOnce(&mut Worker) + Send + 'static) {
        if let Some(sender) = &self.sender {
            self.pending.fetch_add(1, Ordering::Relaxed);
            self.handoffs.count();
            // Fails only when every thread is gone; the job's answer channel then reports it.
            drop(sender.send(Box::new(job)));
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.sender = None;
        for thread in self.threads.drain(..) {
            // The last handle may be dropped by a job on this very pool.
            if thread.thread().id() != std::thread::current().id() {
                drop(thread.join());
            }
        }
    }
}
