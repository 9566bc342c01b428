//! Whether a window is numbers, of what width, and where the first begins.
//!
//! Told by its bytes alone, whatever the file's format: bytes of numbers are unevenly spread in one place (sign and
//! exponent) and random in another (the lowest), over and over. Compressed bytes are random in all places, text and
//! code uneven in all.

use super::width::{Width, key, load, with_width};
use crate::probe::entropy;

/// Slices of a window that are looked at, so that one of mixed content is not judged by one end.
const SLICES: usize = 32;
/// Bytes of each, and what the bytes from one to the next are a multiple of: the widest number.
const SLICE: usize = 1024;
const PLACES: usize = 8;
/// Windows shorter than this are not judged: too few bytes in each place.
const MIN_LEN: usize = 16 << 10;
/// Bits a byte that knowing its place must save on average.
const GAIN: f64 = 0.25;
/// Bits a byte more that a wider number must save, beside a narrower one.
const WIDER: f64 = 0.1;
/// Entropy of each byte of a number's lower half, at least: with floats they are of the mantissa, with tables of
/// addresses or of characters not all are that random.
const RANDOM: f64 = 7.5;
/// The same for numbers of two bytes, which have but one such byte.
const RANDOM_ALONE: f64 = 7.8;
/// Entropy of the keys, at least: with less they tell nothing about where they lie.
const LEAST_KEY: f64 = 1.0;
/// And at most, or keys take fewer bits, so that they stay from version to version. Exponents of weights have 2.6 bits,
/// each bit of a mantissa adds nearly one.
const MOST_KEY: f64 = 3.2;

type Counts = [u32; 256];

/// The numbers of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) width: Width,
    /// Bytes before the first number, fewer than its width.
    pub(crate) phase: usize,
    /// Where in a number its key begins, in bits from the lowest.
    pub(crate) shift: u32,
}

impl Layout {
    /// The layout of a window, if it is numbers. Looks at no more than 64 KiB.
    pub(crate) fn of(window: &[u8]) -> Option<Self> {
        if window.len() < MIN_LEN {
            return None;
        }
        let places = count(window);
        let whole = entropy(&sum(&places));
        let (mut best, mut saved) = (None, GAIN);
        for width in Width::ALL {
            let columns: Vec<f64> = (0..width.bytes())
                .map(|column| entropy(&sum(places.iter().skip(column).step_by(width.bytes()))))
                .collect();
            let gain = whole - columns.iter().sum::<f64>() / columns.len() as f64;
            if gain >= saved {
                (best, saved) = (Some((width, columns)), gain + WIDER);
            }
        }
        let (width, columns) = best?;
        // The lowest byte of a number follows the highest of the one before: there the entropy rises most.
        let rise = |column: &usize| columns[*column] - columns[(column + width.bytes() - 1) % width.bytes()];
        let phase = (0..width.bytes()).max_by(|left, right| rise(left).total_cmp(&rise(right)))?;
        let mut layout = Self { width, phase, shift: width.lowest_key() };
        let mut keys = layout.count_keys(window);
        while entropy(&keys) > MOST_KEY {
            layout.shift += 1;
            keys = std::array::from_fn(|key| keys.iter().skip(2 * key).take(2).sum());
        }
        let least = if width == Width::Two { RANDOM_ALONE } else { RANDOM };
        let random = columns.iter().cycle().skip(phase).take(width.bytes() / 2).all(|&bits| bits >= least);
        (random && entropy(&keys) >= LEAST_KEY).then_some(layout)
    }

    /// How many numbers a window of `len` bytes holds.
    pub(crate) fn numbers(self, len: usize) -> usize {
        len.saturating_sub(self.phase) / self.width.bytes()
    }

    /// The bytes before the numbers, the numbers, and the bytes behind them, fewer than a number has.
    pub(crate) fn split(self, window: &[u8]) -> (&[u8], &[u8], &[u8]) {
        let (head, rest) = window.split_at(self.phase.min(window.len()));
        let (numbers, tail) = rest.split_at(self.numbers(window.len()) * self.width.bytes());
        (head, numbers, tail)
    }

    /// Appends the key of each number.
    pub(crate) fn keys(self, window: &[u8], out: &mut Vec<u8>) {
        let (_, numbers, _) = self.split(window);
        with_width!(self.width, W => {
            out.extend(numbers.as_chunks::<W>().0.iter().map(|number| key::<W>(load(number), self.shift)));
        });
    }

    fn count_keys(self, window: &[u8]) -> Counts {
        let (_, numbers, _) = self.split(window);
        let mut counts = [0; 256];
        let mut keys = Vec::with_capacity(SLICE);
        for slice in slices(numbers) {
            keys.clear();
            Self { phase: 0, ..self }.keys(slice, &mut keys);
            keys.iter().for_each(|&key| counts[usize::from(key)] += 1);
        }
        counts
    }
}

/// Slices that begin at multiples of [`PLACES`].
fn slices(window: &[u8]) -> impl Iterator<Item = &[u8]> {
    let step = (window.len() / SLICES).next_multiple_of(PLACES).max(SLICE);
    window.chunks(step).map(|chunk| &chunk[..chunk.len().min(SLICE)])
}

fn count(window: &[u8]) -> [Counts; PLACES] {
    let mut places = [[0; 256]; PLACES];
    for slice in slices(window) {
        for group in slice.as_chunks::<PLACES>().0 {
            for (counts, &byte) in places.iter_mut().zip(group) {
                counts[usize::from(byte)] += 1;
            }
        }
    }
    places
}

fn sum<'a>(places: impl IntoIterator<Item = &'a Counts>) -> Counts {
    let mut total = [0; 256];
    for counts in places {
        total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
    }
    total
}
