//! Units, and the result of expanding.
//!
//! [`builder`] builds them from the ops of decoders; `draft` is the one being built.

pub(crate) mod builder;
mod draft;
mod tiling;

use std::ops::Range;

/// A piece of an object that can be re-created alone. Units tile their object in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its part of the stored view, in bytes from the view's start.
    pub view: Range<u64>,
    /// How its bytes come from the view; empty if they are the view's bytes.
    pub program: Vec<u8>,
    /// Object bytes it yields, at least 1.
    pub len: u64,
    /// SHA-256 of them; zeros if there is no program.
    pub digest: [u8; 32],
    /// They themselves, as they were re-created; empty if there is no program.
    pub bytes: Vec<u8>,
}

/// What expanding has yielded; the caller drains it as it likes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    pub view: Vec<u8>,
    pub units: Vec<Unit>,
}
