//! What a job's thread and others share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::budget::Priority;
use super::outcome::Next;
use super::status::{Activity, JobError, JobStatus, LastRun};

/// See the module.
pub struct JobState {
    name: &'static str,
    priority: Priority,
    control: Mutex<Control>,
    changed: Condvar,
    /// The job is to stop: set with the control, read without it.
    interrupt: AtomicBool,
}

#[derive(Default)]
struct Control {
    stopping: bool,
    paused: bool,
    /// By so many.
    held: u32,
    woken: bool,
    by_hand: bool,
    running: bool,
    ended: bool,
    progress: String,
    runs: u64,
    last: Option<LastRun>,
}

impl JobState {
    pub fn new(name: &'static str, priority: Priority) -> Self {
        Self { name, priority, control: Mutex::default(), changed: Condvar::new(), interrupt: AtomicBool::new(false) }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn interrupt(&self) -> &AtomicBool {
        &self.interrupt
    }

    pub fn priority(&self) -> Priority {
        self.priority
    }

    pub fn has_ended(&self) -> bool {
        self.control.lock().ended
    }

    pub fn stop(&self) {
        self.change(|control| control.stopping = true);
    }

    pub fn wake(&self) {
        self.change(|control| control.woken = true);
    }

    /// What interrupted a job may have left work behind: it looks when it may go on.
    pub fn set_paused(&self, paused: bool) {
        self.change(|control| (control.paused, control.woken) = (paused, true));
    }

    pub fn hold(&self) {
        self.change(|control| control.held += 1);
    }

    pub fn release(&self) {
        self.change(|control| (control.held, control.woken) = (control.held - 1, true));
    }

    pub fn run_by_hand(&self) -> Result<(), JobError> {
        let mut control = self.control.lock();
        if control.ended || control.stopping {
            return Err(JobError::Ended(self.name));
        }
        if control.paused {
            return Err(JobError::Paused(self.name));
        }
        (control.woken, control.by_hand) = (true, true);
        drop(control);
        self.changed.notify_all();
        Ok(())
    }

    pub fn set_progress(&self, text: String) {
        self.control.lock().progress = text;
    }

    pub fn status(&self) -> JobStatus {
        let control = self.control.lock();
        let state = match &*control {
            Control { ended: true, .. } => Activity::Ended,
            Control { running: true, .. } => Activity::Running,
            Control { paused: true, .. } => Activity::Paused,
            Control { held: 1.., .. } => Activity::Held,
            _ => Activity::Waiting,
        };
        let (name, priority, runs) = (self.name, self.priority, control.runs);
        JobStatus { name, priority, state, progress: control.progress.clone(), runs, last: control.last.clone() }
    }

    /// Its thread ends, or could not be started.
    pub fn end(&self) {
        self.change(|control| (control.running, control.ended) = (false, true));
    }

    fn change(&self, change: impl FnOnce(&mut Control)) {
        let mut control = self.control.lock();
        change(&mut control);
        self.interrupt.store(control.is_interrupted(), Ordering::Relaxed);
        drop(control);
        self.changed.notify_all();
    }

    /// Waits for the next run; whether it is by hand, or nothing when the job is to end.
    pub fn wait(&self, next: Next) -> Option<bool> {
        let until = match next {
            Next::After(pause) => Instant::now().checked_add(pause),
            Next::Woken => None,
            Next::End => return None,
        };
        let mut control = self.control.lock();
        loop {
            if control.stopping {
                return None;
            }
            if !control.is_interrupted() && (control.woken || until.is_some_and(|until| Instant::now() >= until)) {
                control.woken = false;
                control.running = true;
                return Some(std::mem::take(&mut control.by_hand));
            }
            match until.filter(|_| !control.is_interrupted()) {
                Some(until) => drop(self.changed.wait_until(&mut control, until)),
                None => self.changed.wait(&mut control),
            }
        }
    }

    /// Notes a run that ended at `ended_ms`.
    pub fn ran(&self, ended_ms: u64, took: Duration, result: Result<Option<String>, String>) {
        let mut control = self.control.lock();
        (control.running, control.progress) = (false, String::new());
        let (result, error) = match result {
            Ok(None) => return,
            Ok(result) => (result, None),
            Err(error) => (None, Some(error)),
        };
        control.runs += 1;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        control.last = Some(LastRun { ended_ms, took_ms, result, error });
    }
}

impl Control {
    fn is_interrupted(&self) -> bool {
        self.stopping || self.paused || self.held > 0
    }
}
