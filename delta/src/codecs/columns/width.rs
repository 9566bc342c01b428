//! How wide a number is, and what code for each width is made from.

/// Bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    pub(crate) const ALL: [Self; 3] = [Self::Two, Self::Four, Self::Eight];

    pub(crate) const fn bytes(self) -> usize {
        self as usize
    }

    /// Where a key lies at the lowest: that of eight bits, in doubles below the upper three of eleven of the exponent.
    pub(crate) const fn lowest_key(self) -> u32 {
        match self {
            Self::Two => 7,
            Self::Four => 23,
            Self::Eight => 52,
        }
    }

    pub(crate) fn of(bytes: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|width| width.bytes() == usize::from(bytes))
    }
}

/// Runs code with a width as a constant, which makes it several times as fast.
macro_rules! with_width {
    ($width:expr, $name:ident => $code:expr) => {
        match $width {
            $crate::codecs::columns::width::Width::Two => {
                const $name: usize = 2;
                $code
            }
            $crate::codecs::columns::width::Width::Four => {
                const $name: usize = 4;
                $code
            }
            $crate::codecs::columns::width::Width::Eight => {
                const $name: usize = 8;
                $code
            }
        }
    };
}
pub(crate) use with_width;

/// A number of `W` bytes, the lowest first.
#[inline(always)]
pub(crate) fn load<const W: usize>(bytes: &[u8; W]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The lowest `W` bytes of a number.
#[inline(always)]
pub(crate) fn store<const W: usize>(number: u64) -> [u8; W] {
    std::array::from_fn(|place| (number >> (8 * place)) as u8)
}

/// What hardly changes when a number moves a little: the bits from the one at `shift` on, at most eight and without the
/// highest, which is the sign.
#[inline(always)]
pub(crate) fn key<const W: usize>(number: u64, shift: u32) -> u8 {
    ((number & (u64::MAX >> (65 - 8 * W))) >> shift) as u8
}

/// The difference of two numbers, small magnitudes of either sign as small numbers.
#[inline(always)]
pub(crate) fn difference<const W: usize>(new: u64, old: u64) -> u64 {
    let unused = 64 - 8 * W;
    let signed = (new.wrapping_sub(old) << unused) as i64 >> unused;
    ((signed << 1) ^ (signed >> 63)) as u64
}

/// Undoes [`difference`]: the new number, in the lowest `W` bytes.
#[inline(always)]
pub(crate) fn moved(old: u64, difference: u64) -> u64 {
    old.wrapping_add((difference >> 1) ^ (difference & 1).wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round<const W: usize>(old: u64, new: u64) {
        let mask = u64::MAX >> (64 - 8 * W);
        let (old, new) = (old & mask, new & mask);
        let difference = load::<W>(&store(difference::<W>(new, old)));
        assert_eq!(load::<W>(&store(moved(old, difference))), new, "{W}: {old} to {new}");
    }

    #[test]
    fn differences_come_back() {
        for old in [0, 1, 0x7f, 0x80, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, u64::MAX / 2, 1 << 63, u64::MAX]
        {
            for new in [0, 1, 0x81, 0x7ffe, 0x8001, 0xfffe, 0x8000_0001, u64::MAX / 2, 1 << 63, u64::MAX] {
                round::<2>(old, new);
                round::<4>(old, new);
                round::<8>(old, new);
            }
        }
        assert_eq!([5, 3, 4].map(|new| difference::<4>(new, 4)), [2, 1, 0]);
    }

    #[test]
    fn keys_are_exponents() {
        for value in [1.0f32, -1.5, 1e-3, -2e20] {
            assert_eq!(u32::from(key::<4>(value.to_bits().into(), 23)), value.to_bits() >> 23 & 0xff);
            let wide = f64::from(value);
            assert_eq!(u64::from(key::<8>(wide.to_bits(), 52)), wide.to_bits() >> 52 & 0xff);
        }
        // -1.5 as bfloat16 and as half.
        assert_eq!((key::<2>(0xbfc0, 7), key::<2>(0xbe00, 10)), (0x7f, 0x0f));
    }
}
