//! The engine on disk: RocksDB without its own write-ahead log.
//!
//! The log of segments is the write-ahead log. All families flush atomically, so what a crash leaves is an exact
//! earlier state; the store replays the log from there. RocksDB may flush on its own when its memory is full.
//!
//! A flush, a compaction or a change of the manifest that fails for want of space, descriptors or a sound disk makes
//! RocksDB refuse every write from then on, for most reasons until it is closed. So it is closed and opened again, and
//! gets the batches again that its files do not have (`journal.rs`). Reads go on until the moment of closing and wait
//! for the opening; scans under way end with a passing error. It is not closed before a try has shown that files can be
//! made and opened at all.
//!
//! Failure cases: what may pass is [`IndexError::NotNow`] or [`IndexError::NoSpace`], and the index is then as it was
//! before the call; files that fail their checksums make reads fail with [`IndexError::Damaged`]; that is noted in a
//! file beside them, so that the next start rebuilds the index whatever is met until then.

mod cursor;
mod damage;
mod database;
mod engine;
mod errors;
mod journal;
mod opening;
mod options;
mod renew;
mod verify;

pub use engine::RocksEngine;
