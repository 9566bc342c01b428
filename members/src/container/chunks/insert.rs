//! From ops back to boundaries.
//!
//! Total: any ops give boundaries or an error, and nothing is allocated.

use crate::container::{pg_dump, png};
use crate::error::RecreateError;
use crate::program::{Chunked, Chunks};
use crate::varint::take_varint;

use libdeflater::crc32;

/// Reads the groups of an op at `*at`, moving `*at` behind them; how many boundaries they are, and their bytes, at most
/// `most`.
pub(crate) fn total(op: &Chunks, program: &[u8], at: &mut usize, most: usize) -> Result<(usize, usize), RecreateError> {
    let size = match op.of {
        Chunked::Image { .. } => png::BOUNDARY,
        Chunked::Dump => pg_dump::BOUNDARY,
    };
    let mut total = 0u64;
    for _ in 0..op.groups {
        let (count, _) = group(program, at).ok_or(RecreateError::Program)?;
        total = total.checked_add(count).filter(|&total| total <= (most / size) as u64).ok_or(RecreateError::Length)?;
    }
    Ok((total as usize, total as usize * size))
}

/// Where [`insert`] is.
#[derive(Default)]
pub(crate) struct Place {
    /// Bytes of the body that were copied.
    pub(crate) taken: usize,
    /// Bytes written.
    pub(crate) at: usize,
}

/// Copies `body` to `out` up to an op's last boundary, with all of the op's boundaries; `*at`: where its groups begin.
pub(crate) fn insert(
    op: &Chunks,
    program: &[u8],
    at: &mut usize,
    body: &[u8],
    place: &mut Place,
    out: &mut [u8],
) -> Result<(), RecreateError> {
    let (mut gap, mut first) = (op.before, true);
    for _ in 0..op.groups {
        let (count, length) = group(program, at).ok_or(RecreateError::Program)?;
        for _ in 0..count {
            let bytes = usize::try_from(gap).ok().and_then(|gap| body.get(place.taken..)?.get(..gap));
            let bytes = bytes.ok_or(RecreateError::View)?;
            place.put(bytes, out)?;
            place.taken += bytes.len();
            match op.of {
                Chunked::Image { covered: 0, crc } if first => place.put(&png::boundary(crc, length), out)?,
                Chunked::Image { covered, .. } if first => {
                    // No more than `before`, which is there.
                    let chunk = &bytes[bytes.len() - covered as usize..];
                    place.put(&png::boundary(crc32(chunk), length), out)?;
                }
                Chunked::Image { .. } => {
                    let mut crc = png::begun();
                    crc.update(bytes);
                    place.put(&png::boundary(crc.sum(), length), out)?;
                }
                Chunked::Dump => place.put(&pg_dump::boundary(length), out)?,
            }
            (gap, first) = (u64::from(length), false);
        }
    }
    // Something lies behind the last of them.
    if place.taken < body.len() { Ok(()) } else { Err(RecreateError::View) }
}

impl Place {
    pub(crate) fn put(&mut self, bytes: &[u8], out: &mut [u8]) -> Result<(), RecreateError> {
        let slot = out.get_mut(self.at..).and_then(|rest| rest.get_mut(..bytes.len())).ok_or(RecreateError::Length)?;
        slot.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }
}

/// How many boundaries in a row begin chunks of which length.
fn group(program: &[u8], at: &mut usize) -> Option<(u64, u32)> {
    let count = take_varint(program, at).filter(|&count| count > 0)?;
    let length = take_varint(program, at).filter(|&length| length < 1 << 31)?;
    Some((count, u32::try_from(length).ok()?))
}
