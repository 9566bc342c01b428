//! The length and distance alphabets of RFC 1951, section 3.2.5.

/// What a length or distance symbol stands for: `base` plus the value of `extra` bits.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) base: u16,
    pub(crate) extra: u8,
}

/// Lengths minus 3, of the symbols 257 to 285. Symbol 284 with all extra bits set stands for 258 too; only 285 is
/// accepted for it.
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

/// How many slots there are for distances, a power of two.
pub(crate) const DISTANCE_SLOTS: usize = 1024;

/// Where a table by distances has the entry of a distance minus 1, which is below 65536: those below 256 have a slot
/// each, all others one for 128 in a row, which have one symbol. From 512 on it is for those from 32768 on, which have
/// none.
#[inline(always)]
pub(crate) fn distance_slot(distance: u32) -> usize {
    let slot = if distance < 256 { distance } else { (distance >> 7).wrapping_add(256) };
    slot as usize
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
    fn distances_of_a_slot_have_one_symbol() {
        let mut symbols = [None; DISTANCE_SLOTS];
        for (symbol, span) in DISTANCES.iter().enumerate() {
            for distance in u32::from(span.base)..u32::from(span.base) + (1 << span.extra) {
                let slot = &mut symbols[distance_slot(distance)];
                assert_eq!(*slot.get_or_insert(symbol), symbol);
            }
        }
        assert!((32768..65536).all(|distance| symbols[distance_slot(distance)].is_none()));
    }
}
