//! The rolling hash under cutting and sketching.
//!
//! `h = 4 h + TABLE[byte]`: a byte leaves after 32 steps, so `h` names the last 32 bytes. Which windows a store shares
//! depends on the table: another table only makes later uploads miss windows stored before.

/// Bytes the hash sees.
pub(super) const REACH: usize = 32;

/// Outputs of SplitMix64 started at the bits of "deltasto"; nothing else went into it.
pub(super) static TABLE: [u64; 256] = table();

/// The hash after one more byte.
#[inline(always)]
pub(super) fn roll(hash: u64, byte: u8) -> u64 {
    (hash << 2).wrapping_add(TABLE[byte as usize])
}

/// The finalizer of SplitMix64: spreads neighbouring values over all 64 bits, and is a bijection.
pub(super) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

const fn table() -> [u64; 256] {
    let mut state = u64::from_be_bytes(*b"deltasto");
    let mut table = [0u64; 256];
    let mut at = 0;
    while at < table.len() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        table[at] = mix(state);
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_pinned() {
        // Computed apart from this code.
        let fold = TABLE.iter().fold(0u64, |sum, value| mix(sum ^ value));
        assert_eq!(fold, 13_194_811_893_302_312_971, "a changed table makes stored windows unfindable");
    }

    #[test]
    fn the_hash_forgets_after_its_reach() {
        let tail: Vec<u8> = (0..REACH as u8).collect();
        let hash = |start: u64| tail.iter().fold(start, |hash, &byte| roll(hash, byte));
        assert_eq!(hash(0), hash(u64::MAX));
        assert_ne!(tail[1..].iter().fold(0, |hash, &byte| roll(hash, byte)), hash(0));
    }

    #[test]
    fn runs_of_one_byte_never_look_like_a_cut() {
        for byte in 0..=255u8 {
            let hash = (0..REACH).fold(0, |hash, _| roll(hash, byte));
            assert!(hash > u64::MAX / 4096, "{byte}");
        }
    }
}
