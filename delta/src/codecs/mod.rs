//! The codecs, by which a window is encoded, and their decoder. `format/SPEC.md` ("Codecs") specifies the bytes.

pub(crate) mod approximate;
pub(crate) mod columns;
pub(crate) mod tokens;

use bytes::Bytes;
use deltastore_format::Codec;
use zstd::zstd_safe::DCtx;

use crate::frame::{inflate, inflate_with, one_frame};

/// What encoded bytes make, at most `raw_len` bytes; `source`: the references one after another.
pub(crate) fn decode(
    zstd: &mut DCtx<'_>,
    codec: Codec,
    encoded: &[u8],
    source: &[u8],
    raw_len: usize,
) -> Result<Vec<u8>, String> {
    match codec {
        Codec::Raw => Ok(encoded.to_vec()),
        Codec::Zstd => one_frame(encoded).and_then(|()| inflate(zstd, encoded, raw_len)),
        Codec::ZstdReferences => one_frame(encoded).and_then(|()| inflate_with(source, encoded, raw_len)),
        Codec::Approximate => approximate::decode(zstd, encoded, source, raw_len),
        Codec::Columns | Codec::ColumnsReferences => columns::decode(zstd, encoded, source, raw_len),
        Codec::Tokens => tokens::decode(zstd, encoded, raw_len),
        Codec::Vcdiff => deltastore_vcdiff::decode(encoded, source, raw_len).map_err(|error| error.to_string()),
    }
}

/// References, or references and a window, one after another, as the codecs see them; copied into `buffer` only when
/// there are several.
pub(crate) fn joined<'a>(buffer: &'a mut Vec<u8>, pieces: &'a [Bytes]) -> &'a [u8] {
    match pieces {
        [] => &[],
        [only] => only,
        several => {
            buffer.clear();
            several.iter().for_each(|piece| buffer.extend_from_slice(piece));
            buffer
        }
    }
}
