//! The delta engine: bytes in, bytes out. Pure and synchronous; the store hands references in through [`References`].
//!
//! A stream is cut into windows and sketched in one pass ([`Cutter`]); windows that share features are candidates for
//! references; [`Encoder`] keeps the smallest of raw, zstd, zstd with references, VCDIFF, approximate match, columns
//! and tokens, as far as the [`Effort`] goes; [`Decoder`] undoes it.
//!
//! Must:
//! - cuts and features depend only on the bytes, never on how they arrive;
//! - what the encoder returns was decoded and compared with the window first;
//! - no result is deeper, or dearer to read, than the effort allows;
//! - decoding allocates no more than the window head says, never panics, and leaves the check of the window's
//!   SHA-256 to the caller.

#![deny(clippy::unwrap_used)]

mod codecs;
mod copies;
mod cut;
mod decode;
mod effort;
mod encode;
mod frame;
mod gear_hash;
mod probe;
mod reference;
mod sketch;
#[cfg(test)]
mod testing;

pub use codecs::approximate::ApproximateEffort;
pub use cut::{CutSettings, CutWindow, Cutter};
pub use decode::{Decoder, DeltaError};
pub use effort::Effort;
pub use encode::{Encoded, Encoder};
pub use reference::{Candidate, Nearness, Reference, References};
pub use sketch::sketch;
