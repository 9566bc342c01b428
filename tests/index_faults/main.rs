//! RocksDB's own system calls under faults, over the real disk: calls that fail one by one, and power loss at its
//! files.
//!
//! A small library that is loaded before the C library ([`preload.c`](preload.c)) stands between. Processes under test
//! are this test binary again, running one of the ignored tests `child`, and the server's binary.

mod child;
mod power;
mod server;
mod shim;
#[expect(dead_code, reason = "other suites use the rest")]
#[path = "../support/sigv4.rs"]
mod sigv4;
mod sweep;
