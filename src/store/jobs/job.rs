//! A job, and what it is given while it runs.

use std::sync::atomic::{AtomicBool, Ordering};

use super::budget::{Priority, make_room};
use super::host::Host;
use super::outcome::{Next, Outcome};
use super::state::JobState;

/// Background work on an `H`, which is the store.
pub trait Job<H>: Send + 'static {
    /// Its name for administrators: words joined by `-`.
    fn name(&self) -> &'static str;

    /// Of its thread.
    fn priority(&self) -> Priority;

    /// When it is run first.
    fn first(&self) -> Next;

    /// Does what there is to do, until there is nothing more or it is to stop.
    fn run(&mut self, run: &Run<'_, H>) -> Outcome;
}

/// What a job is given while it runs.
pub struct Run<'a, H> {
    pub(super) host: &'a H,
    pub(super) state: &'a JobState,
    pub(super) by_hand: bool,
}

impl<H: Host> Run<'_, H> {
    /// What it works on.
    pub fn host(&self) -> &H {
        self.host
    }

    /// True once the job is to stop.
    pub fn stop(&self) -> &AtomicBool {
        self.state.interrupt()
    }

    pub fn stops(&self) -> bool {
        self.stop().load(Ordering::Relaxed)
    }

    /// Whether an administrator asked for this run: what is otherwise done now and then is due.
    pub fn by_hand(&self) -> bool {
        self.by_hand
    }

    /// Waits until clients leave room, or long enough.
    pub fn make_room(&self) {
        make_room(self.host, self.stop());
    }

    /// Tells who lists jobs how far it is.
    pub fn progress(&self, text: String) {
        self.state.set_progress(text);
    }
}
