//! From an object's bytes to windows in the log: expand, cut, hash, deduplicate, choose references, encode, append.
//!
//! [`Pipeline`] leads through these steps; `prepare.rs` tells what must hold while a window is prepared.

mod assembly;
mod chunker;
mod options;
mod pipeline;
mod prepare;
mod references;
mod sketches;
mod write;

pub use assembly::Assembly;
pub use chunker::{Chunk, Chunked, Chunker, Extent, StreamKind};
pub use options::EncodeOptions;
pub(super) use options::Rebase;
pub use pipeline::{Done, Encoding, Pipeline};
pub use prepare::{Prepared, State};
pub use sketches::ObjectSketches;
pub use write::Placings;
