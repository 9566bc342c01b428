//! Compressed members inside files: expanding them and re-creating them bit for bit. Bytes in, bytes out; no I/O.
#![deny(clippy::unwrap_used)]

pub mod encoder;
