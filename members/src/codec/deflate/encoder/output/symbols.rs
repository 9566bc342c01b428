//! Writing symbols, stored blocks and the end of a block.

use super::bits::BitWriter;
use super::tables::{
    D_CODES, DIST_BASE, DIST_EXTRA, END_BLOCK, LENGTH_BASE, LENGTH_CODE, LENGTH_EXTRA, STATIC_L_LEN, dist_code,
};
use super::tree::{self, Code};

/// Writes symbols in the form that [`Blocks`] keeps, without an end.
pub(crate) fn put_symbols(out: &mut BitWriter, symbols: &[u32], l: &Code, d: &Code) {
    // One look-up per symbol: code and extra bits' count for lengths come from a table of 256 entries.
    let mut lengths = [(0u32, 0u32); 256];
    for (less, slot) in lengths.iter_mut().enumerate() {
        let code = usize::from(LENGTH_CODE[less]);
        let bits = u32::from(l.len[code + 257]);
        let extra = (less as u32).wrapping_sub(u32::from(LENGTH_BASE[code]));
        *slot = (u32::from(l.code[code + 257]) | extra << bits, bits + u32::from(LENGTH_EXTRA[code]));
    }
    let mut literals = [(0u32, 0u32); 256];
    for (n, slot) in literals.iter_mut().enumerate() {
        *slot = (u32::from(l.code[n]), u32::from(l.len[n]));
    }
    for &symbol in symbols {
        let low = (symbol & 255) as usize;
        let dist = symbol >> 16;
        if dist == 0 {
            let (code, bits) = literals[low];
            out.put(u64::from(code), bits);
        } else {
            let (code, bits) = lengths[low];
            out.put(u64::from(code), bits);
            let dist = (dist as u16).wrapping_sub(1);
            let code = dist_code(dist);
            let bits = u32::from(d.len[code]);
            let extra = u64::from(dist.wrapping_sub(DIST_BASE[code]));
            out.put(u64::from(d.code[code]) | extra << bits, bits.wrapping_add(u32::from(DIST_EXTRA[code])));
        }
    }
}

/// Writes the end of a block whose literals have that code.
pub(crate) fn put_end(out: &mut BitWriter, l: &Code) {
    out.put(u64::from(l.code[END_BLOCK]), u32::from(l.len[END_BLOCK]));
}

/// Writes a stored block of at most 65535 bytes.
pub(crate) fn put_stored(out: &mut BitWriter, plain: &[u8], last: bool) {
    out.put(u64::from(last), 3);
    out.align();
    let len = plain.len() as u16;
    out.bytes(&len.to_le_bytes());
    out.bytes(&(!len).to_le_bytes());
    out.bytes(plain);
}

/// The fixed codes.
pub(crate) fn fixed_codes() -> (Code, Code) {
    let mut d = Code { len: [0; 288], code: [0; 288], max_code: D_CODES - 1, bits: 0, fixed_bits: 0 };
    d.len[..D_CODES].fill(5);
    d.code = tree::codes(&d.len, d.max_code);
    let l = Code { len: STATIC_L_LEN, code: tree::codes(&STATIC_L_LEN, 287), max_code: 287, bits: 0, fixed_bits: 0 };
    (l, d)
}
