//! The runner of background jobs: how a job is run, interrupted, listed and ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deltastore::store::{Activity, Job, JobError, JobStatus, Next, Outcome, Priority, Run, Store};

use crate::store::open;

/// Longest wait for another thread.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a job that does nothing tells, and is told.
#[derive(Default)]
struct Dummy {
    runs: AtomicU64,
    by_hand: AtomicU64,
    /// A run goes on until it is interrupted.
    endless: AtomicBool,
    panics: AtomicBool,
    fails: AtomicBool,
}

struct Counting(Arc<Dummy>, Next);

impl Job<Store> for Counting {
    fn name(&self) -> &'static str {
        "count"
    }

    fn priority(&self) -> Priority {
        Priority::Lowest
    }

    fn first(&self) -> Next {
        self.1
    }

    fn run(&mut self, run: &Run<'_, Store>) -> Outcome {
        let number = self.0.runs.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.by_hand.fetch_add(u64::from(run.by_hand()), Ordering::SeqCst);
        run.progress(format!("run {number}"));
        while self.0.endless.load(Ordering::SeqCst) && !run.stops() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!self.0.panics.load(Ordering::SeqCst), "as a bug might");
        match self.0.fails.load(Ordering::SeqCst) {
            true => Outcome::failed(self.1, "no luck"),
            false => Outcome::done(self.1, format!("{number} runs")),
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn status(store: &Store) -> JobStatus {
    let jobs = store.jobs().list();
    assert_eq!(jobs.iter().map(|job| job.name).collect::<Vec<_>>(), ["count"]);
    jobs.into_iter().next().expect("one")
}

fn is(store: &Store, state: Activity) -> bool {
    status(store).state == state
}

#[test]
fn a_job_runs_when_it_is_woken_and_by_hand() {
    let (store, dummy) = (open(), Arc::new(Dummy::default()));
    let _job = store.start_job(Counting(Arc::clone(&dummy), Next::Woken)).expect("a thread");
    store.jobs().wake("count");
    until("woken", || status(&store).runs == 1);
    store.jobs().run("count").expect("there is one");
    until("by hand", || status(&store).runs == 2);
    assert_eq!((dummy.runs.load(Ordering::SeqCst), dummy.by_hand.load(Ordering::SeqCst)), (2, 1));
    let last = status(&store).last.expect("it ran");
    assert_eq!((last.result.as_deref(), last.error), (Some("2 runs"), None));
    dummy.fails.store(true, Ordering::SeqCst);
    store.jobs().wake("count");
    until("failed", || status(&store).last.is_some_and(|last| last.error.as_deref() == Some("no luck")));
    assert!(is(&store, Activity::Waiting));
    assert!(matches!(store.jobs().run("other"), Err(JobError::Unknown(_))));
    store.jobs().wake("other");
}

#[test]
fn a_job_runs_after_its_pause() {
    let (store, dummy) = (open(), Arc::new(Dummy::default()));
    let _job = store.start_job(Counting(Arc::clone(&dummy), Next::After(Duration::from_millis(2)))).expect("a thread");
    until("again and again", || dummy.runs.load(Ordering::SeqCst) > 3);
}

#[test]
fn a_pause_and_a_hold_interrupt_a_job_until_they_end() {
    let (store, dummy) = (open(), Arc::new(Dummy::default()));
    dummy.endless.store(true, Ordering::SeqCst);
    let _job = store.start_job(Counting(Arc::clone(&dummy), Next::After(Duration::ZERO))).expect("a thread");
    let runs = || dummy.runs.load(Ordering::SeqCst);
    until("running", || status(&store).progress == "run 1");
    store.jobs().pause("count").expect("there is one");
    until("paused", || is(&store, Activity::Paused));
    assert!(matches!(store.jobs().run("count"), Err(JobError::Paused(_))));
    store.jobs().wake("count");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!((runs(), status(&store).progress), (1, String::new()));
    store.jobs().resume("count").expect("there is one");
    until("resumed", || runs() == 2);
    let held = [store.jobs().hold(&["count", "other"]), store.jobs().hold(&["count"])];
    until("held", || is(&store, Activity::Held));
    let [first, second] = held;
    drop(first);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(runs(), 2, "still held by the other");
    drop(second);
    until("released", || runs() == 3);
    assert!(is(&store, Activity::Running));
}

#[test]
fn a_job_ends_with_its_handle_with_the_store_and_by_a_panic() {
    let store = open();
    let start = |endless| {
        let dummy = Arc::new(Dummy::default());
        dummy.endless.store(endless, Ordering::SeqCst);
        let job = store.start_job(Counting(Arc::clone(&dummy), Next::After(Duration::ZERO))).expect("a thread");
        until("running", || dummy.runs.load(Ordering::SeqCst) > 0);
        (dummy, job)
    };
    let (dummy, job) = start(true);
    let again = store.start_job(Counting(Arc::clone(&dummy), Next::Woken));
    assert!(matches!(again.err(), Some(JobError::Running("count"))), "one of a name");
    drop(job);
    assert!(is(&store, Activity::Ended) && !store.jobs().is_alive("count"));
    assert!(matches!(store.jobs().run("count"), Err(JobError::Ended(_))));
    let (_dummy, job) = start(true);
    drop(job.detach());
    until("told to stop", || !store.jobs().is_alive("count"));
    let (dummy, _job) = start(false);
    dummy.panics.store(true, Ordering::SeqCst);
    until("panicked", || !store.jobs().is_alive("count"));
    assert_eq!(status(&store).last.and_then(|last| last.error).as_deref(), Some("panicked"));
    let (_dummy, _job) = start(true);
    store.stop_background();
    until("stopped with all", || !store.jobs().is_alive("count"));
    let late = store.start_job(Counting(Arc::default(), Next::After(Duration::ZERO))).expect("a thread");
    until("too late", || !store.jobs().is_alive("count"));
    drop(late);
    assert!(store.is_stopping());
}

#[test]
fn a_job_that_waits_does_not_keep_its_store_open() {
    let (store, dummy) = (open(), Arc::new(Dummy::default()));
    let job = store.start_job(Counting(Arc::clone(&dummy), Next::Woken)).expect("a thread");
    drop(store);
    until("ended with the store", || Arc::strong_count(&dummy) == 1);
    drop(job);
}
