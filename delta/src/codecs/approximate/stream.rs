//! The streams in one piece.

use zstd::zstd_safe::DCtx;

use crate::frame::{append_stream, read_stream};

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
    let control_stored = append_stream(control, level, &mut out)?;
    let places_stored = append_stream(places, level, &mut out)?;
    let values_stored = append_stream(values, level, &mut out)?;
    if out.len() > limit {
        return None;
    }
    append_stream(literals, level, &mut out)?;
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
        control: read_stream(zstd, control, control_len)?,
        places: read_stream(zstd, places, places_len)?,
        values: read_stream(zstd, values, values_len)?,
        literals: read_stream(zstd, literals, literals_len)?,
    })
}
