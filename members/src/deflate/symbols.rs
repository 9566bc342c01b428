//! The length and distance alphabets of RFC 1951, section 3.2.5.

/// What a length or distance symbol stands for: `base` plus the value of `extra` bits.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) base: u16,
    pub(crate) extra: u8,
}

/// Lengths minus 3, of the symbols 257 to 285. Symbol 284 with all extra bits set stands for 258 too; only 285 is accepted for it.
pub(crate) const LENGTHS: [Span; 29] = lengths();
/// Distances minus 1, of the symbols 0 to 29.
pub(crate) const DISTANCES: [Span; 30] = distances();

const fn lengths() -> [Span; 29] {
    let mut table = [Span { base: 255, extra: 0 }; 29];
    let mut base = 0;
    let mut symbol = 0;
    while symbol < 28 {
        let extra = if symbol < 8 { 0 } else { symbol / 4 - 1 };
        table[symbol] = Span { base, extra: extra as u8 };
        base += 1 << extra;
        symbol += 1;
    }
    table
}

const fn distances() -> [Span; 30] {
    let mut table = [Span { base: 0, extra: 0 }; 30];
    let mut base = 0;
    let mut symbol = 0;
    while symbol < 30 {
        let extra = if symbol < 4 { 0 } else { symbol / 2 - 1 };
        table[symbol] = Span { base, extra: extra as u8 };
        base += 1 << extra;
        symbol += 1;
    }
    table
}

/// Distance symbols: of the distances minus 1 below 256, then of all others by their bits from the eighth up.
static SYMBOLS: [u8; 1024] = symbols();

const fn symbols() -> [u8; 1024] {
    let mut table = [0; 1024];
    let mut index = 0;
    while index < 768 {
        let distance: u32 = if index < 256 { index as u32 } else { (index as u32 - 256) << 7 };
        table[index] = if distance < 4 {
            distance as u8
        } else {
            // Two symbols for every power of two.
            let top = distance.ilog2();
            ((top << 1) | ((distance >> (top - 1)) & 1)) as u8
        };
        index += 1;
    }
    table
}

/// The symbol of a distance minus 1, which is below 65536; 30 and more from 32768 on.
#[inline(always)]
pub(crate) fn distance_symbol(distance: u32) -> usize {
    let index = if distance < 256 { distance } else { (distance >> 7).wrapping_add(256) };
    usize::from(SYMBOLS[index as usize & 1023])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_those_of_the_rfc() {
        let length = |symbol: usize| (LENGTHS[symbol - 257].base + 3, LENGTHS[symbol - 257].extra);
        assert_eq!([length(257), length(264), length(265), length(268)], [(3, 0), (10, 0), (11, 1), (17, 1)]);
        assert_eq!([length(269), length(281), length(284), length(285)], [(19, 2), (131, 5), (227, 5), (258, 0)]);
        let distance = |symbol: usize| (DISTANCES[symbol].base + 1, DISTANCES[symbol].extra);
        assert_eq!([distance(0), distance(3), distance(4), distance(29)], [(1, 0), (4, 0), (5, 1), (24577, 13)]);
    }

    #[test]
    fn every_distance_has_the_symbol_that_covers_it() {
        for value in 0..32768u32 {
            let span = DISTANCES[distance_symbol(value)];
            assert!(value >= u32::from(span.base) && value < u32::from(span.base) + (1 << span.extra));
        }
        assert!((32768..65536).all(|value| (30..32).contains(&distance_symbol(value))));
    }
}
