//! Containers: where a compressed member begins, what wraps it, and which chunks it lies in.
//!
//! A container tells where a stream may start; whether one is there is found out by decoding it. A new container is a
//! file or a folder here and a line in [`signature`] or, if its streams lie in chunks, in [`chunks`].

pub(crate) mod chunks;
mod gzip;
mod pg_dump;
mod png;
pub(crate) mod signature;
pub(crate) mod start;
mod zip;
pub(crate) mod zlib;
