//! Background work: what a job is, and all jobs of one store.
//!
//! A job does a piece of work whenever [`Job::run`] is called and answers when it is to be called again. The runner
//! gives it a thread of its own, so that one which takes hours keeps no other waiting; an administrator lists, pauses,
//! resumes and runs jobs by name (`s3/admin/jobs.rs`). A new job is a file with a [`Job`] in it and the line that
//! starts it.
//!
//! Invariants
//! - There is one way to stop: the flag [`Run::stop`], which the job looks at often. It is set when the store stops its
//!   background work, when the job is paused or held, and when its handle is dropped.
//! - A job that waits holds no handle on the store. One that is interrupted is run again once it may go on.
//! - No two jobs of one name are under way.
//!
//! Failure cases: an error is logged, kept for who lists jobs, and the job comes back after the pause that it asks for.
//! A job that panics ends, and says so.

mod budget;
mod host;
mod job;
mod list;
mod outcome;
mod runner;
mod state;
mod status;

pub use budget::{Priority, make_room, rest};
pub use host::Host;
pub use job::{Job, Run};
pub use list::{Held, Jobs};
pub use outcome::{Next, Outcome};
pub use runner::{JobHandle, StopOnDrop};
pub use status::{Activity, JobError, JobStatus};
