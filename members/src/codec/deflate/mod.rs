//! DEFLATE (RFC 1951): its blocks as tokens or as plain bytes, and the encoders that make the same bits again.
//!
//! - [`inflate`] decodes blocks into any sink.
//! - `tokens` keeps a block as literals and matches, and writes it back.
//! - [`encoder`] finds and runs the encoder that made a stream.
//! - `decoder` makes ops of a stream, `recreate` runs them.

pub(crate) mod decoder;
pub mod encoder;
pub mod inflate;
pub(crate) mod recent_encoders;
pub(crate) mod recreate;
pub(crate) mod tokens;
