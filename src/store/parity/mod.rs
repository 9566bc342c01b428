//! Parity: what records that many objects depend on are repaired from when they are damaged.
//!
//! One window may be the base of hundreds of versions. So a pass counts how many objects depend on each window and
//! node, directly or through nodes, members and references, and writes a parity record into another segment for those
//! that [`super::Settings::parity_from`] objects or more depend on: a second copy where the record is short, and where
//! it is long the exclusive or of its blocks, which makes up for a lost sector at a fraction of the bytes.
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

mod check;
mod dependents;
mod job;
mod mend;
mod pass;

pub use job::{ParityPass, Scrub};
pub use mend::MendReport;
pub(super) use mend::{from_parity, read as read_parity, repaired};
pub(super) use pass::ParityOptions;

/// Payloads up to this length are kept as a second copy: parity would hardly be shorter.
const COPY_LEN: usize = 1 << 10;
/// Payloads up to this length have blocks of [`SHORT_BLOCK`] bytes, longer ones of [`LONG_BLOCK`].
const SHORT_LEN: usize = 64 << 10;
const SHORT_BLOCK: u32 = 512;
/// A sector of a disk, which is lost at once.
const LONG_BLOCK: u32 = 4 << 10;

/// How long the blocks are from which a payload is repaired.
fn block_len(payload: usize) -> u32 {
    match payload {
        0..=COPY_LEN => u32::MAX,
        _ if payload <= SHORT_LEN => SHORT_BLOCK,
        _ => LONG_BLOCK,
    }
}
