//! From a unit's program and view back to the object's bytes.
//!
//! Total: any program and view give exactly the bytes asked for, or an error; nothing panics, and little more than the length asked
//! for is allocated.

use crate::program::{Op, VERSION};
use crate::puff::{BitWriter, Encoder, encode_block};

/// Why a unit could not be re-created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecreateError {
    #[error("the program's version is unknown")]
    Version,
    #[error("the program is malformed")]
    Program,
    #[error("the view does not fit the program")]
    View,
    #[error("the program does not yield the length asked for")]
    Length,
}

/// Re-creates the `len` object bytes of a unit from its program and its part of the view.
/// An empty program means that the view's bytes are the object's. Both are used up exactly, or it is an error.
pub fn recreate(program: &[u8], view: &[u8], len: usize) -> Result<Vec<u8>, RecreateError> {
    let mut out = Vec::new();
    recreate_into(program, view, len, &mut Encoder::default(), &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// Fills the first `len` bytes of `out`, which gets at least 8 more.
pub(crate) fn recreate_into(
    program: &[u8],
    view: &[u8],
    len: usize,
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
) -> Result<(), RecreateError> {
    let room = len.checked_add(8).ok_or(RecreateError::Length)?;
    if out.len() < room {
        *out = vec![0; room];
    }
    let mut writer = BitWriter { out: &mut out[..room], cursor: Default::default() };
    let mut used = 0;
    let mut at = match program.first() {
        Some(&VERSION) => 1,
        Some(_) => return Err(RecreateError::Version),
        None => {
            used = view.len();
            if used != len || !writer.copy(view) {
                return Err(RecreateError::Length);
            }
            0
        }
    };
    while at < program.len() {
        match Op::decode(program, &mut at).ok_or(RecreateError::Program)? {
            Op::Copy(bytes) => {
                let bytes = usize::try_from(bytes).map_err(|_| RecreateError::View)?;
                let bytes = view.get(used..).and_then(|rest| rest.get(..bytes)).ok_or(RecreateError::View)?;
                used += bytes.len();
                if !writer.copy(bytes) {
                    return Err(RecreateError::Length);
                }
            }
            Op::Blocks { carry, count } => {
                writer.cursor.count = carry.ilog2();
                writer.cursor.buffer = u64::from(carry) ^ 1 << carry.ilog2();
                let mut done = 0;
                loop {
                    let last = encode_block(encoder, view, &mut used, &mut writer)?;
                    done += 1;
                    if done == count || last && count == 0 {
                        break;
                    }
                }
                (writer.cursor.buffer, writer.cursor.count) = (0, 0);
            }
        }
    }
    if used != view.len() {
        return Err(RecreateError::View);
    }
    if writer.cursor.at == len { Ok(()) } else { Err(RecreateError::Length) }
}
