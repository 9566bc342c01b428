//! S3 over HTTP: requests, signatures, errors and the server. The only place that names s3s.
//!
//! [`serve`] accepts connections, and `peers` knows their other ends; `service` is put together for all of them.
//! `request` is what s3s leaves to its user (ids, limits, slow and broken bodies, health, the request log). `pipeline`
//! takes a request to its operation: `auth` finds who sent it and verifies its body, `routing` finds its row in one
//! table (`ops/table.rs`), `authorize` asks whether it may, `access` refuses headers that would otherwise be ignored.
//! `ops` maps each operation of S3 to `crate::object`; `admin` is what is not S3; `quirks` is what is done only because
//! s3s does not.
//!
//! Invariants:
//! - Every request is authorized (`authorize`), once for what it names and once for each other object that it acts on;
//!   nothing is served to others but health.
//! - A request runs the operation that the table has for it, or none.
//! - No promise of a request is dropped silently: digests, checksums, trailers and conditions go to the object layer,
//!   and headers that ask for what is not there (server-side encryption, public ACLs, locks) are refused.
//! - What a client can hold is bounded: connections, header bytes, XML bytes, metadata, and the time of a slow peer;
//!   what others wait for is taken from those that are slow or idle. Health is answered always.
//! - Every answer names its request id, and every request is logged once.
//!
//! Failure cases: a client that breaks off is logged and changes nothing; a window found damaged after the headers were
//! sent ends the connection, so that a client never takes a cut answer for a whole one.

mod access;
mod admin;
mod auth;
mod authorize;
mod dates;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod operation;
mod ops;
mod peers;
mod pipeline;
mod quirks;
mod request;
mod routing;
mod server;
mod service;
mod settings;

pub use server::refusal::MAX_REFUSALS;
pub use server::serve;
pub use settings::{MAX_CONNECTIONS, ServerSettings};
