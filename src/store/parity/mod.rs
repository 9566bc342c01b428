//! Parity: what records that many objects depend on are repaired from when they are damaged.
//!
//! One window may be the base of hundreds of versions. So a pass counts how many objects depend on each window and
//! node, directly or through nodes, members and references, and writes a parity record into another segment for those
//! that `Settings::parity_from` objects or more depend on: a second copy where the record is short, and where it is
//! long the exclusive or of its blocks, which makes up for a lost sector at a fraction of the bytes.
//!
//! Invariants
//! - Parity lies in another segment than the record that it is for; the log thread sees to it, also when one of them
//!   moves.
//! - It is for the record that the index names: when a blob takes another form, its parity leaves the index in the same
//!   batch.
//! - It is written and synced as everything is before the index knows it. No commit tells of it: losing it loses
//!   nothing.
//! - Nothing here is on the way of a PUT, or of a GET that finds no damage.
//!
//! Failure cases: a blob whose record and parity are both damaged stays damaged, and reading it fails as without
//! parity.

mod block;
mod dependents;
mod job;
mod mend;
mod pass;
mod report;

pub use job::{ParityPass, Scrub};
pub use mend::MendReport;
pub(super) use pass::ParityOptions;
pub(super) use report::ParityReport;
