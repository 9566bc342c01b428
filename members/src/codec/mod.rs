//! Codecs: compressions of members, each in a folder of its own.

pub mod deflate;
