//! A dynamic block's code lengths (RFC 1951, section 3.2.7).

use super::bits::BitReader;
use super::huffman::LengthTable;

/// The code lengths of a block's two alphabets.
pub(crate) struct Lengths {
    lengths: [u8; 320],
    literals: usize,
    distances: usize,
}

impl Lengths {
    pub(crate) fn literals(&self) -> &[u8] {
        &self.lengths[..self.literals]
    }

    pub(crate) fn distances(&self) -> &[u8] {
        &self.lengths[self.literals..self.literals + self.distances]
    }

    /// Reads what follows a dynamic block's three header bits. `None` if no inflater would accept it;
    /// the caller asks the reader whether the input ended within it.
    pub(crate) fn read(reader: &mut BitReader<'_>) -> Option<Self> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let literals = reader.take(5) as usize + 257;
        let distances = reader.take(5) as usize + 1;
        let widths = reader.take(4) as usize + 4;
        if literals > 286 || distances > 30 {
            return None;
        }
        let mut width = [0u8; 19];
        for &symbol in &ORDER[..widths] {
            width[symbol] = reader.take(3) as u8;
        }
        let table = LengthTable::new(&width)?;
        let mut lengths = [0u8; 320];
        let total = literals + distances;
        let mut at = 0;
        while at < total {
            reader.refill();
            let (symbol, bits) = table.look_up(reader.peek());
            reader.consume(bits);
            let (value, times) = match symbol {
                0..16 => (symbol, 1),
                16 => (*lengths.get(at.checked_sub(1)?)?, 3 + reader.take(2) as usize),
                17 => (0, 3 + reader.take(3) as usize),
                _ => (0, 11 + reader.take(7) as usize),
            };
            lengths[..total].get_mut(at..at + times)?.fill(value);
            at += times;
        }
        (lengths[256] != 0).then_some(Self { lengths, literals, distances })
    }
}

/// The code lengths of fixed blocks. The symbols 286, 287, 30 and 31 have codes but no meaning.
pub(crate) fn fixed_lengths() -> Lengths {
    let mut lengths = [8u8; 320];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    lengths[288..].fill(5);
    Lengths { lengths, literals: 288, distances: 32 }
}
