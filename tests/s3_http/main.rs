//! Raw HTTP against a server in this process: what no well-behaved client sends, and what it must get for it.

#[path = "../support/sigv4.rs"]
mod sigv4;

mod answers;
mod bodies;
mod connections;
mod documents;
mod headers;
mod server;
mod signatures;
