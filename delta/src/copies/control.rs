//! The control stream: where the copies lie.

use super::Copy;
use super::numbers::{columns, push, unzigzag, zigzag};

/// A copy as the stream says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Units of the window before the copy that are literals.
    pub(crate) literals: usize,
    /// Where in the source, in bytes.
    pub(crate) from: usize,
    /// Units.
    pub(crate) len: usize,
}

/// Writes all literal lengths, then all copy lengths, then all distances: each column is compressed better by itself. A
/// distance is 0 where a copy goes on as if the literals before it had replaced as many units of the source. Copies
/// count units of so many bytes: [`Copy::at`] and [`Copy::len`], but not [`Copy::from`].
pub(crate) fn write(copies: &[Copy], unit: usize, out: &mut Vec<u8>) {
    out.clear();
    let mut done = 0;
    for copy in copies {
        push((copy.at - done) as u32, out);
        done = copy.at + copy.len;
    }
    copies.iter().for_each(|copy| push(copy.len as u32, out));
    let (mut done, mut expected) = (0, 0i64);
    for copy in copies {
        let distance = copy.from as i64 - (expected + ((copy.at - done) * unit) as i64);
        push(zigzag(distance as i32), out);
        done = copy.at + copy.len;
        expected = (copy.from + copy.len * unit) as i64;
    }
}

/// The copies that a stream holds, in units of so many bytes, at most 8.
pub(crate) fn read(stream: &[u8], unit: usize) -> Result<impl Iterator<Item = Result<Step, String>> + Clone, String> {
    let unit = unit as i64;
    let (count, [mut literals, mut lens, mut distances]) = columns(stream)?;
    let mut expected = 0i64;
    Ok((0..count).map(move |_| {
        let (before, len) = (literals.next()?, lens.next()?);
        let distance = unzigzag(distances.next()?);
        // Each of up to 2^24 copies adds less than 2^37 in magnitude: no overflow.
        let from = expected + i64::from(before) * unit + i64::from(distance);
        expected = from + i64::from(len) * unit;
        let from = usize::try_from(from).map_err(|_| "a copy from before the source")?;
        Ok(Step { literals: before as usize, from, len: len as usize })
    }))
}
