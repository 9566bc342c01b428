//! What klauspost's encoder reckons that new codes would take (`token.go`), with its own logarithm, in 32-bit floating
//! point: the order of all operations is part of the result. (Programs for CPUs that multiply and add in one step
//! may have rounded otherwise.)

use crate::codec::deflate::encoder::output::tables::{D_CODES, DIST_EXTRA, END_BLOCK, L_CODES, LENGTH_EXTRA};

/// Bits that the counted symbols would take with codes of their own, without the description of these.
pub(super) fn estimated_bits(l_freq: &[u16; L_CODES], d_freq: &[u16; D_CODES], symbols: usize) -> usize {
    let (mut shannon, mut extra, mut matches) = (0f32, 0usize, 0usize);
    if symbols > 0 {
        let share = 1.0 / symbols as f32;
        l_freq[..END_BLOCK].iter().for_each(|&count| shannon += cost(count, share));
        shannon += 15.0;
        for (&count, &bits) in l_freq[END_BLOCK + 1..].iter().zip(&LENGTH_EXTRA) {
            shannon += cost(count, share);
            extra += usize::from(count) * usize::from(bits);
            matches += usize::from(count);
        }
    }
    if matches > 0 {
        let share = 1.0 / matches as f32;
        for (&count, &bits) in d_freq.iter().zip(&DIST_EXTRA) {
            shannon += cost(count, share);
            extra += usize::from(count) * usize::from(bits);
        }
    }
    shannon as usize + extra
}

/// Bits for all of `count` symbols, which is that many times `share` of all.
fn cost(count: u16, share: f32) -> f32 {
    if count == 0 {
        return 0.0;
    }
    let n = f32::from(count);
    (-log2(n * share)).clamp(1.0, 15.0) * n
}

/// About the binary logarithm.
fn log2(value: f32) -> f32 {
    let bits = value.to_bits();
    let whole = ((bits >> 23 & 255) as i32 - 128) as f32;
    let part = f32::from_bits((bits & !0x7f80_0000).wrapping_add(127 << 23));
    let p = -0.344_848_43 * part + 2.024_665_8;
    whole + (p * part - 0.674_877_6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_near() {
        for value in [1.0f32, 0.5, 0.1, 0.003] {
            assert!((log2(value) - value.log2()).abs() < 0.02);
        }
        let mut l_freq = [0; L_CODES];
        l_freq[..4].fill(100);
        assert!((805..825).contains(&estimated_bits(&l_freq, &[0; D_CODES], 400)));
    }
}
