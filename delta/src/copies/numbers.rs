//! Columns of numbers: LEB128, seven bits a byte, the lowest first, bit 7 set in all bytes of a number but the last.

/// Longest number: all of them fit 32 bits.
const MAX_NUMBER_LEN: usize = 5;

/// A stream cut into columns of equally many numbers, and how many those are.
pub(crate) fn columns<const COLUMNS: usize>(stream: &[u8]) -> Result<(usize, [Column<'_>; COLUMNS]), String> {
    let numbers = stream.iter().filter(|byte| **byte < 0x80).count();
    if !numbers.is_multiple_of(COLUMNS) || stream.last().is_some_and(|byte| *byte >= 0x80) {
        return Err(format!("{numbers} numbers are not {COLUMNS} columns"));
    }
    let count = numbers / COLUMNS;
    let mut columns = [Column(&[]); COLUMNS];
    let mut rest = stream;
    for column in &mut columns {
        let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte < 0x80).map(|(at, _)| at + 1);
        let end = count.checked_sub(1).and_then(|last| ends.nth(last)).unwrap_or(0);
        let (this, others) = rest.split_at(end);
        (*column, rest) = (Column(this), others);
    }
    Ok((count, columns))
}

/// Numbers still to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'a>(&'a [u8]);

impl Column<'_> {
    #[inline]
    pub(crate) fn next(&mut self) -> Result<u32, String> {
        let mut value = 0u64;
        for (place, byte) in self.0.iter().enumerate().take(MAX_NUMBER_LEN) {
            value |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.0 = &self.0[place + 1..];
                return u32::try_from(value).map_err(|_| "a number of more than 32 bits".to_owned());
            }
        }
        Err("a number that does not end".to_owned())
    }
}

#[inline]
pub(crate) fn push(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small magnitudes of either sign become small numbers.
pub(crate) fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

pub(crate) fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_column_by_column() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, 1 << 28, u32::MAX, 5];
        let mut stream = Vec::new();
        numbers.iter().for_each(|number| push(*number, &mut stream));
        let (count, mut read) = columns::<3>(&stream).expect("three columns");
        assert_eq!(count, 3);
        let back: Vec<u32> =
            read.iter_mut().flat_map(|column| (0..3).map(|_| column.next().expect("a number"))).collect();
        assert_eq!(back, numbers);
        assert!(read.iter_mut().all(|column| column.next().is_err()));
        assert!(columns::<2>(&stream).is_err());
        assert_eq!(columns::<3>(&[]).expect("no numbers").0, 0);
    }

    #[test]
    fn numbers_that_do_not_end_or_are_too_large_are_errors() {
        assert!(columns::<1>(&[0x80]).is_err());
        for stream in [&[0x80, 0x80, 0x80, 0x80, 0x80, 0][..], &[0xff, 0xff, 0xff, 0xff, 0x10]] {
            let (_, [mut column]) = columns::<1>(stream).expect("one column");
            assert!(column.next().is_err());
        }
    }

    #[test]
    fn signs_fold() {
        for value in [0, 1, -1, 63, -64, i32::MAX, i32::MIN] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }
}
