//! The description of a block's own codes (RFC 1951, section 3.2.7), as zlib's `trees.c` makes it.

use super::bits::BitWriter;
use super::tables::{BL_CODES, BL_EXTRA, BL_ORDER, D_CODES, L_CODES};
use super::tree::{self, Code, Shape};

pub(crate) const LENGTHS: Shape =
    Shape { elems: BL_CODES, extra: &BL_EXTRA, extra_base: 0, max_length: 7, fixed: None };

/// The description of a block's codes: their lengths, run-length coded, in a code of their own.
pub(crate) struct Header {
    code: Code,
    /// Code-length symbols in sending order with their extra bits' value.
    symbols: Vec<(u8, u8)>,
    sent: usize,
    /// Bits of the whole description, block type excluded.
    pub(crate) bits: u64,
}

impl Header {
    /// zlib's.
    pub(crate) fn new(l: &Code, d: &Code) -> Self {
        let mut symbols = Vec::with_capacity(L_CODES + D_CODES);
        run_lengths(&l.len[..=l.max_code], &mut symbols);
        run_lengths(&d.len[..=d.max_code], &mut symbols);
        Self::of(symbols, |freq| tree::build(freq, &LENGTHS))
    }

    /// Of code-length symbols, with the code for them that `build` makes of their counts.
    pub(crate) fn of(symbols: Vec<(u8, u8)>, build: impl FnOnce(&[u16]) -> Code) -> Self {
        let mut freq = [0u16; BL_CODES];
        for &(symbol, _) in &symbols {
            freq[usize::from(symbol)] += 1;
        }
        let code = build(&freq);
        let unsent = BL_ORDER.iter().rev().take_while(|&&n| code.len[usize::from(n)] == 0).count();
        let sent = (BL_CODES - unsent).max(4);
        let bits = code.bits + 3 * sent as u64 + 14;
        Self { code, symbols, sent, bits }
    }

    pub(crate) fn write(&self, out: &mut BitWriter, l: &Code, d: &Code) {
        out.put((l.max_code - 256) as u64, 5);
        out.put(d.max_code as u64, 5);
        out.put((self.sent - 4) as u64, 4);
        for &n in &BL_ORDER[..self.sent] {
            out.put(u64::from(self.code.len[usize::from(n)]), 3);
        }
        for &(symbol, extra) in &self.symbols {
            let n = usize::from(symbol);
            let bits = u32::from(self.code.len[n]);
            out.put(u64::from(self.code.code[n]) | u64::from(extra) << bits, bits + u32::from(BL_EXTRA[n]));
        }
    }
}

/// Run-length codes code lengths as `trees.c` does: a run of one length is cut as soon as it is as long as one repeat
/// symbol can be, and a repeat never reaches from one code into the next.
fn run_lengths(lens: &[u8], symbols: &mut Vec<(u8, u8)>) {
    let mut before = None;
    let mut at = 0;
    while at < lens.len() {
        let len = lens[at];
        // The first of a run of non-zero lengths is sent as itself, so one cut holds up to seven.
        let most = if len == 0 {
            138
        } else if before == Some(len) {
            6
        } else {
            7
        };
        let run = lens[at..].iter().take(most).take_while(|&&l| l == len).count();
        let least = if len != 0 && before != Some(len) { 4 } else { 3 };
        if run < least {
            symbols.extend(std::iter::repeat_n((len, 0), run));
        } else if len != 0 {
            let mut repeat = run;
            if before != Some(len) {
                symbols.push((len, 0));
                repeat -= 1;
            }
            symbols.push((16, (repeat - 3) as u8));
        } else if run <= 10 {
            symbols.push((17, (run - 3) as u8));
        } else {
            symbols.push((18, (run - 11) as u8));
        }
        before = Some(len);
        at += run;
    }
}
