//! From an object's bytes to windows in the log: expand, cut, hash, deduplicate, choose references, encode, append.
//!
//! [`Pipeline`] leads through these steps; `prepare.rs` tells what must hold while a window is prepared.

mod assembly;
mod chunker;
mod pipeline;
mod prepare;
mod references;
mod sketches;

pub use assembly::Assembly;
pub use chunker::{Chunk, Chunked, Chunker, Extent, StreamKind};
pub use pipeline::{Done, Encoding, Pipeline};
pub(super) use prepare::Rebase;
pub use prepare::{EncodeOptions, Prepared, State};
pub use sketches::ObjectSketches;
