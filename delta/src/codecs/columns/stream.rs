//! The streams in one piece.

use zstd::zstd_safe::DCtx;

use super::differences::Columns;
use super::layout::Layout;
use super::width::Width;
use crate::frame::{append_stream, read_stream};

/// Bytes of the header before the columns' stored lengths.
const FIXED_LEN: usize = 16;

/// zstd's: columns have few repeats to be found, but many are uneven; level 19 makes up to 1 % less of them.
const LEVEL: i32 = 1;

/// What an encoded window is made of, as plain bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Streams<T> {
    /// Where the copies lie.
    pub(crate) control: T,
    /// The bytes before the first number and behind the last.
    pub(crate) edges: T,
    pub(crate) differences: Columns,
    pub(crate) literals: Columns,
}

/// Puts the streams together, each as a zstd frame where that is shorter. Nothing, if the result would be longer than
/// `limit`.
pub(crate) fn write(layout: Layout, streams: &Streams<&[u8]>, limit: usize) -> Option<Vec<u8>> {
    let columns = || streams.differences.iter().chain(&streams.literals);
    let mut out = vec![0; FIXED_LEN + 4 * columns().count()];
    let control_stored = append_stream(streams.control, LEVEL, &mut out)?;
    out.extend_from_slice(streams.edges);
    let copied = streams.differences.first().map_or(0, Vec::len);
    let mut fields = vec![streams.control.len() as u32, control_stored as u32, copied as u32];
    for column in columns() {
        fields.push(append_stream(column, LEVEL, &mut out)? as u32);
        if out.len() > limit {
            return None;
        }
    }
    out[0] = layout.width.bytes() as u8;
    out[1] = layout.phase as u8;
    out[2] = layout.shift as u8;
    for (place, field) in out[4..].chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    Some(out)
}

/// Takes them apart. All columns together have the bytes of the window's numbers, and control is no longer than the
/// window.
pub(crate) fn read(zstd: &mut DCtx<'_>, encoded: &[u8], raw_len: usize) -> Result<(Layout, Streams<Vec<u8>>), String> {
    let (layout, [control_len, control_stored, copied], encoded) = open(encoded)?;
    let numbers = layout.numbers(raw_len);
    if raw_len < layout.phase || control_len > raw_len || copied > numbers {
        return Err("a stream longer than the window".to_owned());
    }
    let width = layout.width.bytes();
    let (stored, rest) = encoded.split_at_checked(4 * 2 * width).ok_or("no room for a header")?;
    let (control, rest) = rest.split_at_checked(control_stored).ok_or("the control stream is cut off")?;
    let (edges, mut rest) = rest.split_at_checked(raw_len - numbers * width).ok_or("the edges are cut off")?;
    let mut columns = Vec::with_capacity(2 * width);
    for (column, stored) in stored.as_chunks::<4>().0.iter().enumerate() {
        let (bytes, behind) =
            rest.split_at_checked(u32::from_le_bytes(*stored) as usize).ok_or("a column is cut off")?;
        columns.push(read_stream(zstd, bytes, if column < width { copied } else { numbers - copied })?);
        rest = behind;
    }
    if !rest.is_empty() {
        return Err(format!("{} bytes behind the columns", rest.len()));
    }
    let literals = columns.split_off(width);
    let control = read_stream(zstd, control, control_len)?;
    Ok((layout, Streams { control, edges: edges.to_vec(), differences: columns, literals }))
}

/// The header's fixed part, and what follows it.
fn open(encoded: &[u8]) -> Result<(Layout, [usize; 3], &[u8]), String> {
    let (header, rest) = encoded.split_at_checked(FIXED_LEN).ok_or("no room for a header")?;
    let (start, fields) = header.split_at(4);
    let [width, phase, shift, 0] = *start else { return Err("a reserved byte that is not zero".to_owned()) };
    let width = Width::of(width).ok_or_else(|| format!("numbers of {width} bytes"))?;
    let phase = usize::from(phase);
    if phase >= width.bytes() {
        return Err(format!("{phase} bytes before numbers of {}", width.bytes()));
    }
    if usize::from(shift) >= 8 * width.bytes() - 1 {
        return Err(format!("keys from bit {shift} on of numbers of {} bytes", width.bytes()));
    }
    let mut lens = [0; 3];
    for (len, field) in lens.iter_mut().zip(fields.as_chunks::<4>().0) {
        *len = u32::from_le_bytes(*field) as usize;
    }
    Ok((Layout { width, phase, shift: shift.into() }, lens, rest))
}
