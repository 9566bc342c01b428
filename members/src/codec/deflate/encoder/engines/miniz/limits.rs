//! miniz's sizes.

/// How far matches reach, with what the encoder looks ahead.
pub(super) const WINDOW: usize = 32768;
/// Longest match.
pub(super) const MAX_MATCH: usize = 258;
/// Matches of three bytes are not worth it from so far.
pub(super) const TOO_FAR: usize = 8192;
/// Plain bytes that level 1 takes in at a time.
pub(super) const CHUNK: usize = 4096;
/// Settings of `Params::input_chunk` that stand for calls short enough that each block finds the output buffer
/// empty.
pub(super) const SHORT_CHUNK: u32 = 8192;
/// `flate2`'s output buffer.
pub(super) const OUTPUT_BUFFER: u32 = 32768;
/// Plain bytes behind a block that level 1 may need: it does nothing before it has a chunk.
pub(super) const LOOKAHEAD: usize = 2 * CHUNK;
