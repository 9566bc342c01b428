//! The control stream: where the copies lie.

use super::Copy;

/// Longest number: a window's and a source's length fit 28 bits, their signed differences 32.
const MAX_NUMBER_LEN: usize = 5;

/// A copy as the stream says it: relative to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes of the window before the copy that are literals.
    pub(super) literals: usize,
    pub(super) len: usize,
    pub(super) from: usize,
}

/// Writes all literal lengths, then all copy lengths, then all distances: each column is compressed better by itself.
pub(super) fn write(copies: &[Copy], out: &mut Vec<u8>) {
    out.clear();
    let mut done = 0;
    for copy in copies {
        number((copy.at - done) as u32, out);
        done = copy.at + copy.len;
    }
    copies.iter().for_each(|copy| number(copy.len as u32, out));
    let (mut done, mut expected) = (0, 0i64);
    for copy in copies {
        let distance = copy.from as i64 - (expected + (copy.at - done) as i64);
        number(zigzag(distance as i32), out);
        done = copy.at + copy.len;
        expected = (copy.from + copy.len) as i64;
    }
}

/// The copies that a stream holds.
pub(super) fn read(stream: &[u8]) -> Result<impl Iterator<Item = Result<Step, String>>, String> {
    let numbers = stream.iter().filter(|byte| **byte < 0x80).count();
    if numbers % 3 != 0 || stream.last().is_some_and(|byte| *byte >= 0x80) {
        return Err("a control stream that is not three columns".to_owned());
    }
    let count = numbers / 3;
    let (mut literals, rest) = columns(stream, count);
    let (mut lens, mut distances) = columns(rest, count);
    let mut expected = 0i64;
    Ok((0..count).map(move |_| {
        let before = take(&mut literals)?;
        let len = take(&mut lens)?;
        let distance = unzigzag(take(&mut distances)?);
        let from = expected + i64::from(before) + i64::from(distance);
        expected = from + i64::from(len);
        let from = usize::try_from(from).map_err(|_| "a copy from before the source")?;
        Ok(Step { literals: before as usize, len: len as usize, from })
    }))
}

/// The first `count` numbers, and the others.
fn columns(stream: &[u8], count: usize) -> (&[u8], &[u8]) {
    let ends = stream.iter().enumerate().filter(|(_, byte)| **byte < 0x80).map(|(at, _)| at + 1);
    let end = if count == 0 { 0 } else { ends.skip(count - 1).next().unwrap_or(stream.len()) };
    stream.split_at(end)
}

/// LEB128: seven bits a byte, the lowest first, bit 7 set in all bytes but the last.
fn number(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(stream: &mut &[u8]) -> Result<u32, String> {
    let mut value = 0u64;
    for (place, byte) in stream.iter().enumerate().take(MAX_NUMBER_LEN) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            *stream = &stream[place + 1..];
            return u32::try_from(value).map_err(|_| "a number of more than 32 bits".to_owned());
        }
    }
    Err("a number that does not end".to_owned())
}

/// Small magnitudes of either sign become small numbers.
fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}
