//! zstd frames: of a whole window, and of the streams that codecs divide a window into.

use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, compress_bound};

/// Decodes a frame without references into at most `raw_len` bytes. The output is one buffer of that size, so the
/// frame's own window size asks for no memory.
pub(crate) fn inflate(context: &mut DCtx<'_>, frame: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
    let mut plain = Vec::with_capacity(raw_len);
    context.decompress(&mut plain, frame).map_err(reason)?;
    Ok(plain)
}

/// Decodes a frame whose prefix is `prefix`. The context is made for this call: it borrows the prefix.
pub(crate) fn inflate_with(prefix: &[u8], frame: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
    let mut context = DCtx::create();
    context.ref_prefix(prefix).map_err(reason)?;
    inflate(&mut context, frame, raw_len)
}

/// What zstd calls an error code.
pub(crate) fn reason(code: usize) -> String {
    zstd_safe::get_error_name(code).to_owned()
}

/// The library would decode several frames in a row, and the prefix would hold for the first only.
pub(crate) fn one_frame(encoded: &[u8]) -> Result<(), String> {
    let len = zstd_safe::find_frame_compressed_size(encoded).map_err(reason)?;
    if len == encoded.len() { Ok(()) } else { Err(format!("the frame ends at {len} of {} bytes", encoded.len())) }
}

/// Appends a stream as a frame where that is shorter, and says how long that is.
pub(crate) fn append_stream(plain: &[u8], level: i32, out: &mut Vec<u8>) -> Option<usize> {
    let mut frame = Vec::with_capacity(compress_bound(plain.len()));
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(level)).ok()?;
    context.compress2(&mut frame, plain).ok()?;
    let stored = if frame.len() < plain.len() { &frame } else { plain };
    out.extend_from_slice(stored);
    Some(stored.len())
}

/// A stream is stored as it is if that is as long as its plain bytes, else as one frame.
pub(crate) fn read_stream(zstd: &mut DCtx<'_>, stored: &[u8], len: usize) -> Result<Vec<u8>, String> {
    if stored.len() == len {
        return Ok(stored.to_vec());
    }
    one_frame(stored)?;
    exactly(inflate(zstd, stored, len)?, len)
}

fn exactly(plain: Vec<u8>, len: usize) -> Result<Vec<u8>, String> {
    if plain.len() == len { Ok(plain) } else { Err(format!("a stream of {} bytes instead of {len}", plain.len())) }
}
