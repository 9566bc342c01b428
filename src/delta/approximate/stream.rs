//! The streams in one piece.

use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound};

use crate::delta::decode::{inflate, one_frame};

/// Bytes of the header: a reserved field, four plain lengths, three stored ones.
const HEADER_LEN: usize = 32;

/// What an encoded window is made of, as plain bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Streams<T> {
    pub(super) control: T,
    pub(super) places: T,
    pub(super) values: T,
    pub(super) literals: T,
}

/// Puts the streams together, each as a zstd frame where that is shorter. Nothing, if the result would be longer than
/// `limit`.
pub(super) fn write(streams: &Streams<&[u8]>, level: i32, limit: usize) -> Option<Vec<u8>> {
    let Streams { control, places, values, literals } = *streams;
    let mut out = vec![0; HEADER_LEN];
    let control_stored = append(control, level, &mut out)?;
    let places_stored = append(places, level, &mut out)?;
    let values_stored = append(values, level, &mut out)?;
    if out.len() > limit {
        return None;
    }
    append(literals, level, &mut out)?;
    if out.len() > limit {
        return None;
    }
    let header = [
        0,
        control.len() as u32,
        control_stored as u32,
        places.len() as u32,
        places_stored as u32,
        values.len() as u32,
        values_stored as u32,
        literals.len() as u32,
    ];
    for (field, value) in out.chunks_exact_mut(4).zip(header) {
        field.copy_from_slice(&value.to_le_bytes());
    }
    Some(out)
}

/// Appends a stream as a frame where that is shorter, and says how long that is.
pub(in crate::delta) fn append(plain: &[u8], level: i32, out: &mut Vec<u8>) -> Option<usize> {
    let mut frame = Vec::with_capacity(compress_bound(plain.len()));
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(level)).ok()?;
    context.compress2(&mut frame, plain).ok()?;
    let stored = if frame.len() < plain.len() { &frame } else { plain };
    out.extend_from_slice(stored);
    Some(stored.len())
}

/// Takes them apart. Each stream is at most `raw_len` long, values and literals together too.
pub(super) fn read(zstd: &mut DCtx<'_>, encoded: &[u8], raw_len: usize) -> Result<Streams<Vec<u8>>, String> {
    let (header, rest) = encoded.split_at_checked(HEADER_LEN).ok_or("no room for a header")?;
    let mut fields = [0; HEADER_LEN / 4];
    for (field, bytes) in fields.iter_mut().zip(header.as_chunks::<4>().0) {
        *field = u32::from_le_bytes(*bytes) as usize;
    }
    let [reserved, control_len, control_stored, places_len, places_stored, values_len, values_stored, literals_len] =
        fields;
    if reserved != 0 {
        return Err(format!("a reserved field of {reserved:#x}"));
    }
    if control_len.max(places_len).max(values_len.saturating_add(literals_len)) > raw_len {
        return Err("a stream longer than the window".to_owned());
    }
    let (control, rest) = rest.split_at_checked(control_stored).ok_or("the control stream is cut off")?;
    let (places, rest) = rest.split_at_checked(places_stored).ok_or("the places are cut off")?;
    let (values, literals) = rest.split_at_checked(values_stored).ok_or("the values are cut off")?;
    Ok(Streams {
        control: plain(zstd, control, control_len)?,
        places: plain(zstd, places, places_len)?,
        values: plain(zstd, values, values_len)?,
        literals: plain(zstd, literals, literals_len)?,
    })
}

/// A stream is stored as it is if that is as long as its plain bytes, else as one frame.
pub(in crate::delta) fn plain(zstd: &mut DCtx<'_>, stored: &[u8], len: usize) -> Result<Vec<u8>, String> {
    if stored.len() == len {
        return Ok(stored.to_vec());
    }
    one_frame(stored)?;
    exactly(inflate(zstd, stored, len)?, len)
}

fn exactly(plain: Vec<u8>, len: usize) -> Result<Vec<u8>, String> {
    if plain.len() == len { Ok(plain) } else { Err(format!("a stream of {} bytes instead of {len}", plain.len())) }
}
