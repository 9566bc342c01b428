//! Extensions: what later versions of the format add to commits and puts, each under a tag.
//!
//! They are written only where there is something to say, so what has none reads as it always did. A tag that is not
//! known is refused, for it may change what the rest means.

use crate::error::DecodeError;
use crate::wire::{Reader, Writer};

const WHAT: &str = "extension";

/// Writes extensions, their tags rising.
pub(super) fn write_extensions(out: &mut Writer<'_>, extensions: &[(u16, Vec<u8>)]) {
    out.u16(u16::try_from(extensions.len()).unwrap_or(u16::MAX));
    for (tag, bytes) in extensions {
        out.u16(*tag);
        out.len_u32(bytes.len());
        out.bytes(bytes);
    }
}

/// Reads extensions; `known` takes what it needs from those whose tag it knows, and says whether it does.
pub(super) fn read_extensions<'a>(
    input: &mut Reader<'a>,
    mut known: impl FnMut(u16, &mut Reader<'a>) -> Result<bool, DecodeError>,
) -> Result<(), DecodeError> {
    let mut last = None;
    for _ in 0..input.u16(WHAT)? {
        let tag = input.u16(WHAT)?;
        if last.replace(tag).is_some_and(|last| last >= tag) {
            return Err(DecodeError::Inconsistent { what: WHAT, with: "the one before it" });
        }
        let len = input.u32(WHAT)?;
        let mut bytes = Reader::new(input.take(WHAT, len as usize)?);
        if !known(tag, &mut bytes)? {
            return Err(DecodeError::Unknown { what: WHAT, value: tag.into() });
        }
        bytes.finish(WHAT)?;
    }
    Ok(())
}

/// Reads the extensions of something that has none.
pub(super) fn no_extensions(input: &mut Reader<'_>) -> Result<(), DecodeError> {
    read_extensions(input, |_, _| Ok(false))
}
