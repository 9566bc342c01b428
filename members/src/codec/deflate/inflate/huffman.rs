//! Canonical Huffman codes (RFC 1951, section 3.2.2): checking a set of lengths, and decoding tables for it.
//!
//! A table is looked up with the next `ROOT` bits; longer codes lead to a second table behind the first.
//! Sets are accepted as zlib accepts them: complete, or a single code of one bit, or (for distances) none at all.

use super::symbols::{DISTANCES, LENGTHS, Span};

/// Longest code, in bits.
pub(crate) const MAX_CODE_LENGTH: usize = 15;
/// Bits of the literal and length table's first look-up.
pub(crate) const LITERAL_ROOT: u32 = 11;
/// Bits of the distance table's first look-up.
pub(crate) const DISTANCE_ROOT: u32 = 10;

/// An entry is a literal; its value is the byte.
pub(crate) const LITERAL: u32 = 1 << 12;
/// An entry is not a plain symbol: the end of the block, a way to a second table, or a code that means nothing.
pub(crate) const SPECIAL: u32 = 1 << 13;
/// With [`SPECIAL`]: the end of the block.
pub(crate) const END: u32 = 1 << 14;
/// With [`SPECIAL`]: the value is the second table's start, the code width its index width.
pub(crate) const SECOND: u32 = 1 << 15;

/// One look-up's answer: bits 0 to 7 the width of code and extra bits, 8 to 11 that of the code alone, 12 to 15 flags,
/// 16 up the value.
#[derive(Clone, Copy)]
pub(crate) struct Entry(u32);

impl Entry {
    const INVALID: Self = Self(SPECIAL);

    const fn new(flags: u32, value: u32, code: u32, extra: u32) -> Self {
        Self((code + extra) | (code << 8) | flags | (value << 16))
    }

    #[inline(always)]
    pub(crate) fn is(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    /// Bits to consume, extra bits included.
    #[inline(always)]
    pub(crate) fn width(self) -> u32 {
        self.0 & 0xff
    }

    #[inline(always)]
    fn code_width(self) -> u32 {
        (self.0 >> 8) & 15
    }

    #[inline(always)]
    pub(crate) fn value(self) -> u32 {
        self.0 >> 16
    }

    /// The base value plus the extra bits, which follow the code in `bits`.
    #[inline(always)]
    pub(crate) fn with_extra(self, bits: u64) -> u32 {
        let kept = bits & !(u64::MAX << (self.width() & 63));
        self.value().wrapping_add((kept >> self.code_width()) as u32)
    }
}

/// How symbols become entries.
#[derive(Clone, Copy)]
pub(crate) enum Alphabet {
    Literals,
    Distances,
}

impl Alphabet {
    fn entry(self, symbol: usize, code: u32) -> Entry {
        let spanned = |span: Option<&Span>| match span {
            Some(span) => Entry::new(0, u32::from(span.base), code, u32::from(span.extra)),
            None => Entry::INVALID,
        };
        match (self, symbol) {
            (Self::Literals, 0..256) => Entry::new(LITERAL, symbol as u32, code, 0),
            (Self::Literals, 256) => Entry::new(SPECIAL | END, 0, code, 0),
            (Self::Literals, _) => spanned(LENGTHS.get(symbol - 257)),
            (Self::Distances, _) => spanned(DISTANCES.get(symbol)),
        }
    }
}

/// A decoding table; `SIZE` is a power of two that holds the first table and the worst set of second ones.
pub(crate) struct Table<const ROOT: u32, const SIZE: usize> {
    entries: Box<[Entry; SIZE]>,
}

/// At most 2342 entries are used, the worst case for 288 symbols.
pub(crate) type LiteralTable = Table<LITERAL_ROOT, 4096>;
/// At most 1024 + 15 * 32 entries are used: every second table serves two of 32 symbols or more.
pub(crate) type DistanceTable = Table<DISTANCE_ROOT, 2048>;

impl<const ROOT: u32, const SIZE: usize> Table<ROOT, SIZE> {
    pub(crate) fn new() -> Self {
        Self { entries: Box::new([Entry::INVALID; SIZE]) }
    }

    /// Looks the next code up; `bits` holds at least 15 bits of it or what is left of the stream.
    #[inline(always)]
    pub(crate) fn first(&self, bits: u64) -> Entry {
        self.entries[(bits & ((1 << ROOT) - 1)) as usize & (SIZE - 1)]
    }

    /// Follows an entry with [`SECOND`].
    #[inline(always)]
    pub(crate) fn second(&self, entry: Entry, bits: u64) -> Entry {
        let index = (bits >> ROOT) as usize & ((1 << entry.code_width()) - 1);
        self.entries[(entry.value() as usize).wrapping_add(index) & (SIZE - 1)]
    }

    /// Fills the table for these lengths; false if they are no acceptable set.
    pub(crate) fn fill(&mut self, lengths: &[u8], alphabet: Alphabet) -> bool {
        let Some(set) = CodeSet::new(lengths) else { return false };
        if !set.complete {
            let sole = set.counts[1] == 1 && set.used == 1;
            let none = set.used == 0 && matches!(alphabet, Alphabet::Distances);
            if !(sole || none) {
                return false;
            }
            self.entries.fill(Entry::INVALID);
        }
        // Codes grow with their lengths, so that the last of those that share a first look-up sets the width of its
        // second table.
        set.for_each(lengths, |_, code, width| {
            if width > ROOT {
                let prefix = code as usize & ((1 << ROOT) - 1);
                self.entries[prefix] = Entry::new(SPECIAL | SECOND, 0, width - ROOT, 0);
            }
        });
        let mut end = 1usize << ROOT;
        set.for_each(lengths, |symbol, code, width| {
            let entry = alphabet.entry(symbol, width);
            let code = code as usize;
            if width <= ROOT {
                let (first, _) = self.entries.split_at_mut(1 << ROOT);
                first.iter_mut().skip(code).step_by(1 << width).for_each(|slot| *slot = entry);
                return;
            }
            let prefix = code & ((1 << ROOT) - 1);
            let mut link = self.entries[prefix];
            let size = 1usize << link.code_width();
            if link.value() == 0 {
                link = Entry::new(SPECIAL | SECOND, end as u32, link.code_width(), 0);
                self.entries[prefix] = link;
                end += size;
            }
            let start = link.value() as usize;
            let second = &mut self.entries[start..start + size];
            second.iter_mut().skip(code >> ROOT).step_by(1 << (width - ROOT)).for_each(|slot| *slot = entry);
        });
        true
    }
}

/// Lengths, counted and sorted.
struct CodeSet {
    counts: [u16; MAX_CODE_LENGTH + 1],
    /// Symbols that have a code.
    used: u16,
    complete: bool,
    /// Symbols by length, then by value; the first `used` of them count.
    sorted: [u16; 320],
}

impl CodeSet {
    /// `None` if more codes are asked for than there are.
    fn new(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0u16; MAX_CODE_LENGTH + 1];
        for &length in lengths {
            counts[usize::from(length) & MAX_CODE_LENGTH] += 1;
        }
        counts[0] = 0;
        let mut left = 1i32;
        let mut starts = [0u16; MAX_CODE_LENGTH + 2];
        for length in 1..=MAX_CODE_LENGTH {
            left = left * 2 - i32::from(counts[length]);
            if left < 0 {
                return None;
            }
            starts[length + 1] = starts[length] + counts[length];
        }
        let used = starts[MAX_CODE_LENGTH + 1];
        let mut sorted = [0u16; 320];
        for (symbol, &length) in lengths.iter().enumerate().take(320) {
            if length != 0 {
                let start = &mut starts[usize::from(length) & MAX_CODE_LENGTH];
                sorted[usize::from(*start)] = symbol as u16;
                *start += 1;
            }
        }
        Some(Self { counts, used, complete: left == 0, sorted })
    }

    /// Calls with (symbol, code as it stands in the stream, length), in the order of codes.
    fn for_each(&self, lengths: &[u8], mut visit: impl FnMut(usize, u32, u32)) {
        let mut code = 0u32;
        let mut last = 0u32;
        for &symbol in &self.sorted[..usize::from(self.used)] {
            let length = u32::from(lengths[usize::from(symbol)]);
            code <<= length - last;
            last = length;
            visit(usize::from(symbol), code.reverse_bits() >> (32 - length), length);
            code += 1;
        }
    }
}

/// Each symbol's code as it stands in the stream, least significant bit first; 0 for symbols without one.
/// The lengths are an acceptable set or not, as they come: this is for encoding with lengths that were decoded before.
pub(crate) fn codes(lengths: &[u8], codes: &mut [u16]) {
    let Some(set) = CodeSet::new(lengths) else { return };
    set.for_each(lengths, |symbol, code, _| codes[symbol] = code as u16);
}

/// Decodes code lengths themselves: codes of up to 7 bits.
pub(crate) struct LengthTable([u8; 128]);

impl LengthTable {
    /// `None` unless the set is complete.
    pub(crate) fn new(lengths: &[u8; 19]) -> Option<Self> {
        let set = CodeSet::new(lengths).filter(|set| set.complete)?;
        let mut table = [0u8; 128];
        set.for_each(lengths, |symbol, code, width| {
            let entry = symbol as u8 | (width as u8) << 5;
            table.iter_mut().skip(code as usize).step_by(1 << width).for_each(|slot| *slot = entry);
        });
        Some(Self(table))
    }

    /// The symbol, and the width of its code.
    pub(crate) fn look_up(&self, bits: u64) -> (u8, u32) {
        let entry = self.0[(bits & 127) as usize];
        (entry & 31, u32::from(entry >> 5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(lengths: &[u8], alphabet: Alphabet) -> bool {
        LiteralTable::new().fill(lengths, alphabet)
    }

    #[test]
    fn sets_are_accepted_as_zlib_does() {
        assert!(fill(&[1, 1], Alphabet::Literals));
        assert!(fill(&[1], Alphabet::Literals));
        assert!(!fill(&[2], Alphabet::Literals));
        assert!(!fill(&[1, 1, 1], Alphabet::Literals));
        assert!(!fill(&[0, 0], Alphabet::Literals));
        assert!(fill(&[0, 0], Alphabet::Distances));
        assert!(!fill(&[2, 2, 2], Alphabet::Distances));
    }

    #[test]
    fn every_code_leads_to_its_symbol() {
        // Lengths 1, 2, 3 … 15, 15: the deepest set there is.
        let lengths: Vec<u8> = (1..=15).chain([15]).collect();
        let mut table = LiteralTable::new();
        assert!(table.fill(&lengths, Alphabet::Literals));
        let mut set = [0; 16];
        codes(&lengths, &mut set);
        for (symbol, (&code, &length)) in set.iter().zip(&lengths).enumerate() {
            for noise in [0u64, u64::MAX] {
                let bits = u64::from(code) | noise << length;
                let mut entry = table.first(bits);
                if entry.is(SECOND) {
                    entry = table.second(entry, bits);
                }
                assert!(entry.is(LITERAL));
                assert_eq!((entry.value(), entry.width()), (symbol as u32, u32::from(length)));
            }
        }
    }
}
