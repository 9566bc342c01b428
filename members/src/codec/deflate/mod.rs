//! DEFLATE (RFC 1951): its blocks as tokens or as plain bytes, and the encoders that make the same bits again.

pub(crate) mod decoder;
pub mod encoder;
pub mod inflate;
pub(crate) mod recent_encoders;
pub(crate) mod recreate;
pub(crate) mod tokens;
