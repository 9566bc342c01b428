//! miniz's sizes.

/// How far matches reach, with what the encoder looks ahead.
pub(super) const WINDOW: usize = 32768;
/// Longest match.
pub(super) const MAX_MATCH: usize = 258;
/// Matches of three bytes are not worth it from so far.
pub(super) const TOO_FAR: usize = 8192;
/// Plain bytes that level 1 takes in at a time.
pub(super) const CHUNK: usize = 4096;
/// Settings of `Params::writes` that stand for calls short enough that each block finds all room empty.
pub(super) const SHORT_WRITES: u32 = 8192;
/// `flate2`'s room for output.
pub(super) const ROOM: u32 = 32768;
/// Plain bytes behind a block that level 1 may need: it does nothing before it has a chunk.
pub(super) const LOOKAHEAD: usize = 2 * CHUNK;
