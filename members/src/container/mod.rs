//! Containers: where a compressed member begins, what wraps it, and which chunks it lies in.
//!
//! A container tells where a stream may start and of which codec; decoding shows whether one is there. A new container
//! is a file or a folder here, and a line in [`signature`] or, if its streams lie in chunks, in [`chunks`].
//!
//! Invariant: what is found depends on the object's bytes alone, not on how they arrive. Failures: a signature that
//! leads nowhere costs the time of one attempt; [`crate::unit::builder`] bounds how many there are.

pub(crate) mod chunks;
mod gzip;
mod pg_dump;
mod png;
pub(crate) mod signature;
pub(crate) mod start;
mod zip;
pub(crate) mod zlib;
