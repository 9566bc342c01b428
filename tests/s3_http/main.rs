//! Raw HTTP against a server in this process: what no well-behaved client sends, and what it must get for it.

#![expect(clippy::unwrap_used, reason = "a step that fails ends its test")]

#[path = "../support/sigv4.rs"]
#[expect(dead_code, reason = "what other tests need of the signer")]
mod sigv4;

mod admin;
mod answers;
mod bodies;
mod connections;
mod documents;
mod headers;
mod server;
mod signatures;
