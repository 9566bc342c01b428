//! Deltastore: an S3 server whose storage layer is delta compression. `docs/architecture.md` is the map.

#![deny(clippy::unwrap_used)]

pub mod cli;
pub mod index;
mod invariants;
pub mod object;
pub mod remote;
pub mod s3;
pub mod store;
