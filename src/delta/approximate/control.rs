//! The control stream: where the copies lie.

use super::Copy;
use super::numbers::{columns, push, unzigzag, zigzag};

/// A copy as the stream says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes of the window before the copy that are literals.
    pub(super) literals: usize,
    pub(super) from: usize,
    pub(super) len: usize,
}

/// Writes all literal lengths, then all copy lengths, then all distances: each column is compressed better by itself.
/// A distance is 0 where a copy goes on as if the literals before it had replaced as many bytes of the source.
pub(super) fn write(copies: &[Copy], out: &mut Vec<u8>) {
    out.clear();
    let mut done = 0;
    for copy in copies {
        push((copy.at - done) as u32, out);
        done = copy.at + copy.len;
    }
    copies.iter().for_each(|copy| push(copy.len as u32, out));
    let (mut done, mut expected) = (0, 0i64);
    for copy in copies {
        let distance = copy.from as i64 - (expected + (copy.at - done) as i64);
        push(zigzag(distance as i32), out);
        done = copy.at + copy.len;
        expected = (copy.from + copy.len) as i64;
    }
}

/// The copies that a stream holds.
pub(super) fn read(stream: &[u8]) -> Result<impl Iterator<Item = Result<Step, String>>, String> {
    let (count, [mut literals, mut lens, mut distances]) = columns(stream)?;
    let mut expected = 0i64;
    Ok((0..count).map(move |_| {
        let (before, len) = (literals.next()?, lens.next()?);
        let distance = unzigzag(distances.next()?);
        // Each of up to 2^24 copies adds less than 2^33 in magnitude: no overflow.
        let from = expected + i64::from(before) + i64::from(distance);
        expected = from + i64::from(len);
        let from = usize::try_from(from).map_err(|_| "a copy from before the source")?;
        Ok(Step { literals: before as usize, from, len: len as usize })
    }))
}
