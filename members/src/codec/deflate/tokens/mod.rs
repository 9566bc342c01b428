//! "Puff": DEFLATE blocks with their Huffman codes undone and nothing else, as bytes that delta well.
//!
//! [`Tokens`] is the way there, [`encode_block`] the way back; `FORMAT.md` describes the bytes.
//! Invariant: what `Tokens` writes for a block, `encode_block` turns into that block's bits, all of them and no others.

mod bits;
mod encode;
mod writer;

pub(crate) use bits::SliceWriter;
pub(crate) use encode::{TokenEncoder, encode_block};
pub(crate) use writer::Tokens;

/// A block's first byte: bit 0 marks the last block, bits 1 and 2 are RFC 1951's block type, the others are zero but
/// for this one.
const LAST: u8 = 1;
const STORED: u8 = 0;
const FIXED: u8 = 1 << 1;
const DYNAMIC: u8 = 2 << 1;
/// With [`STORED`]: the skipped bits, not all zero, follow in a byte.
const PADDED: u8 = 1 << 3;

/// A token's literal count that says: a varint follows, to be added to it.
const MANY: usize = 15;
/// A token's match nibble: no match, or more to come; other values are a length minus 2.
const NO_MATCH: u8 = 0;
const LONG_MATCH: u8 = 15;
/// The smallest length minus 3 of a long match, which a byte is added to.
const LONG: u32 = 14;
/// Instead of a long match's length: the block ends.
const END: u8 = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::deflate::inflate::{Block, Fault, Plain, Tables, decode_block};

    /// Bits written as they come in a stream: (value, width), the lowest first; Huffman codes are reversed by the
    /// caller.
    fn stream(fields: &[(u32, u32)]) -> (Vec<u8>, usize) {
        let mut bytes = vec![0; 512];
        let mut writer = SliceWriter { out: &mut bytes, cursor: Default::default() };
        for &(value, width) in fields {
            assert!(writer.put(value, width));
        }
        let end = writer.cursor.at * 8 + writer.cursor.count as usize;
        bytes.truncate(end.div_ceil(8));
        (bytes, end)
    }

    /// Decodes the block at the start and asserts that its tokens give exactly its bits.
    fn there_and_back(bytes: &[u8]) -> Result<Block, Fault> {
        let mut tokens = Tokens::default();
        tokens.reset(1 << 20);
        let block = decode_block(&mut Tables::default(), bytes, 0, 0, &mut tokens)?;
        let mut out = vec![0; bytes.len() + 8];
        let mut writer = SliceWriter { out: &mut out, cursor: Default::default() };
        let mut at = 0;
        let view = tokens.bytes().unwrap();
        assert_eq!(encode_block(&mut TokenEncoder::default(), view, &mut at, &mut writer), Ok(block.last));
        assert_eq!(at, view.len());
        assert_eq!(writer.cursor.at * 8 + writer.cursor.count as usize, block.end);
        let whole = block.end / 8;
        assert_eq!(out[..whole], bytes[..whole]);
        Ok(block)
    }

    const LITERAL_A: (u32, u32) = (0x91_u32.reverse_bits() >> 24, 8);

    #[test]
    fn skipped_bits_of_stored_blocks_are_kept() {
        for padding in 0..32 {
            let (bytes, end) = stream(&[(1, 3), (padding, 5), (3, 16), (0xfffc, 16), (0x616263, 24)]);
            assert_eq!(there_and_back(&bytes), Ok(Block { end, plain: 3, last: true }));
        }
        let (bytes, _) = stream(&[(1, 3), (0, 5), (3, 16), (0xfffd, 16), (0x616263, 24), (0, 32), (0, 32)]);
        assert!(matches!(there_and_back(&bytes), Err(Fault::Invalid { .. })));
    }

    #[test]
    fn a_length_of_258_has_one_representable_symbol() {
        let distance = (0, 5);
        let (bytes, end) = stream(&[(3, 3), LITERAL_A, (0xc5_u32.reverse_bits() >> 24, 8), distance, (0, 7)]);
        assert_eq!(there_and_back(&bytes), Ok(Block { end, plain: 259, last: true }));
        let other =
            [(3, 3), LITERAL_A, (0xc4_u32.reverse_bits() >> 24, 8), (31, 5), distance, (0, 7), (0, 32), (0, 32)];
        assert!(matches!(there_and_back(&stream(&other).0), Err(Fault::Invalid { .. })));
    }

    #[test]
    fn meaningless_symbols_and_distances_are_invalid() {
        let rest = [(0, 32), (0, 32), (0, 32)];
        for fields in [
            &[(7, 3)][..],
            // A match of length 3 at distance 1, with nothing before it.
            &[(3, 3), (0b100_0000, 7), (0, 5)],
            // The symbols 286 and 30.
            &[(3, 3), (0xc6_u32.reverse_bits() >> 24, 8)],
            &[(3, 3), LITERAL_A, (0b100_0000, 7), (0b01111, 5)],
        ] {
            let (bytes, _) = stream(&[fields, &rest].concat());
            assert!(matches!(there_and_back(&bytes), Err(Fault::Invalid { .. })), "{fields:?}");
        }
    }

    /// A dynamic block whose lengths no usual encoder would write: all in full, with trailing zeros in both alphabets
    /// and in the order.
    #[test]
    fn unusual_code_lengths_are_kept() {
        let mut fields = vec![(5, 3), (29, 5), (29, 5), (15, 4)];
        // Symbols 0 and 1 of the code length code have one bit each: the order has them fourth and eighteenth.
        for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] {
            fields.push((u32::from(symbol < 2), 3));
        }
        for symbol in 0..286 {
            fields.push((u32::from(symbol == 97 || symbol == 256), 1));
        }
        fields.extend([(0, 1); 30]);
        fields.extend([(0, 1), (0, 1), (0, 1), (1, 1)]);
        let (bytes, end) = stream(&fields);
        assert_eq!(there_and_back(&bytes), Ok(Block { end, plain: 3, last: true }));
        for len in 0..bytes.len() {
            assert_eq!(there_and_back(&bytes[..len]), Err(Fault::Incomplete), "{len}");
        }
        let mut plain = Plain::default();
        decode_block(&mut Tables::default(), &bytes, 0, 0, &mut plain).unwrap();
        assert_eq!(plain.bytes, b"aaa");
    }

    #[test]
    fn plain_bytes_are_those_of_an_inflater() {
        use std::io::Write;
        let content: Vec<u8> = (0..90_000u32).map(|i| (i.wrapping_mul(i) / 7 % 251) as u8 & (i >> 9) as u8).collect();
        for level in 0..=9 {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
            encoder.write_all(&content).unwrap();
            let bytes = encoder.finish().unwrap();
            let (mut tables, mut plain, mut bit) = (Tables::default(), Plain::default(), 0);
            loop {
                let before = plain.bytes.len() as u64;
                let block = decode_block(&mut tables, &bytes, bit, before, &mut plain).unwrap();
                assert_eq!(plain.bytes.len() as u64, before + block.plain);
                bit = block.end;
                if block.last {
                    break;
                }
            }
            assert_eq!(bit.div_ceil(8), bytes.len());
            assert!(plain.bytes == content);
        }
    }
}
