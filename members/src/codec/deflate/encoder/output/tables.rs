//! DEFLATE's fixed tables (RFC 1951, sections 3.2.5 and 3.2.6), computed at compile time.

/// Symbols for literals, the end of a block and lengths that can occur.
pub(crate) const L_CODES: usize = 286;
/// Distance symbols.
pub(crate) const D_CODES: usize = 30;
/// Symbols of the code that describes the other two codes.
pub(crate) const BL_CODES: usize = 19;
/// The end-of-block symbol.
pub(crate) const END_BLOCK: usize = 256;

/// Extra bits after each length symbol, 257 first.
pub(crate) const LENGTH_EXTRA: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/// Extra bits after each distance symbol.
pub(crate) const DIST_EXTRA: [u8; D_CODES] =
    [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
/// Extra bits after each symbol of the code-length code.
pub(crate) const BL_EXTRA: [u8; BL_CODES] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7];
/// The order in which code-length code lengths are sent.
pub(crate) const BL_ORDER: [u8; BL_CODES] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Length minus three to length symbol minus 257. 258 is symbol 285, not 284 with all extra bits set.
pub(crate) const LENGTH_CODE: [u8; 256] = {
    let mut table = [0; 256];
    let (mut code, mut at) = (0, 0);
    while code < 28 {
        let mut n = 0;
        while n < 1 << LENGTH_EXTRA[code] {
            table[at] = code as u8;
            at += 1;
            n += 1;
        }
        code += 1;
    }
    table[255] = 28;
    table
};

/// First length, minus three, of each length symbol.
pub(crate) const LENGTH_BASE: [u8; 29] = {
    let mut table = [0; 29];
    let (mut code, mut at) = (0, 0usize);
    while code < 28 {
        table[code] = at as u8;
        at += 1 << LENGTH_EXTRA[code];
        code += 1;
    }
    table[28] = 255;
    table
};

/// First distance, minus one, of each distance symbol.
pub(crate) const DIST_BASE: [u16; D_CODES] = {
    let mut table = [0; D_CODES];
    let (mut code, mut at) = (0, 0usize);
    while code < D_CODES {
        table[code] = at as u16;
        at += 1 << DIST_EXTRA[code];
        code += 1;
    }
    table
};

/// Distance minus one to distance symbol: the first half by the distance itself, the second by its top bits.
const DIST_CODE: [u8; 512] = {
    let mut table = [0; 512];
    let mut code = 0;
    while code < D_CODES {
        let first = DIST_BASE[code] as usize;
        let last = first + (1 << DIST_EXTRA[code]);
        let mut at = first;
        while at < last {
            if at < 256 {
                table[at] = code as u8;
            } else {
                table[256 + (at >> 7)] = code as u8;
            }
            at += 1;
        }
        code += 1;
    }
    table
};

/// The symbol of a distance minus one.
#[inline(always)]
pub(crate) fn dist_code(dist: u16) -> usize {
    let at = if dist < 256 { dist } else { 256 | (dist >> 7) };
    usize::from(DIST_CODE[usize::from(at & 511)])
}

/// Code lengths of the fixed literal code, with the two symbols that never occur.
pub(crate) const STATIC_L_LEN: [u8; 288] = {
    let mut table = [8; 288];
    let mut n = 144;
    while n < 280 {
        table[n] = if n < 256 { 9 } else { 7 };
        n += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_the_ends_that_the_rfc_lists() {
        assert_eq!((LENGTH_CODE[0], LENGTH_CODE[8], LENGTH_CODE[254], LENGTH_CODE[255]), (0, 8, 27, 28));
        assert_eq!((DIST_BASE[4], DIST_BASE[29]), (4, 24576));
        assert_eq!((dist_code(0), dist_code(255), dist_code(256), dist_code(32767)), (0, 15, 16, 29));
    }
}
