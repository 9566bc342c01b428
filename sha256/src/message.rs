//! A message, part of which is in the state.

use bytes::Bytes;
use sha2::block_api::compress256;

pub(crate) const BLOCK: usize = 64;

/// Compresses as many blocks of two messages as are given, which is the same number of each.
pub(crate) type Pair = fn(&mut [[u32; 8]; 2], &[[u8; BLOCK]], &[[u8; BLOCK]]);

/// The state before the first block: FIPS 180-4, 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A message and how much of it is in the state.
pub(crate) struct Message {
    bytes: Bytes,
    /// Blocks that are in the state.
    done: usize,
    pub(crate) state: [u32; 8],
}

impl Message {
    pub(crate) fn new(bytes: &Bytes) -> Self {
        Self { bytes: bytes.clone(), done: 0, state: INITIAL }
    }

    /// The whole blocks that are left.
    pub(crate) fn blocks(&self) -> &[[u8; BLOCK]] {
        &self.bytes.as_chunks().0[self.done..]
    }

    /// The state has the next so many blocks now.
    pub(crate) fn advance(&mut self, blocks: usize) {
        self.done += blocks;
    }

    /// Compresses the next so many blocks.
    pub(crate) fn compress(&mut self, blocks: usize) {
        let mut state = self.state;
        compress256(&mut state, &self.blocks()[..blocks]);
        self.state = state;
        self.advance(blocks);
    }

    /// The digest; all that is left is compressed.
    pub(crate) fn finish(mut self) -> [u8; 32] {
        self.compress(self.blocks().len());
        let rest = self.bytes.as_chunks::<BLOCK>().1;
        // A bit of one, zeros, and the message's length in bits, in one block or two: FIPS 180-4, 5.1.1.
        let mut padded = [[0; BLOCK]; 2];
        padded[0][..rest.len()].copy_from_slice(rest);
        padded[0][rest.len()] = 0x80;
        let last = usize::from(rest.len() >= BLOCK - 8);
        padded[last][BLOCK - 8..].copy_from_slice(&(self.bytes.len() as u64 * 8).to_be_bytes());
        compress256(&mut self.state, &padded[..=last]);
        let mut digest = [0; 32];
        digest.as_chunks_mut().0.iter_mut().zip(self.state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn digests_are_those_of_sha2_wherever_a_message_is_cut() {
        let bytes: Bytes = (0..1000u32).map(|at| ((at * at) >> 7) as u8).collect();
        for len in 0..300 {
            let message = bytes.slice(..len);
            for first in 0..=len / BLOCK {
                let mut cut = Message::new(&message);
                cut.compress(first);
                assert_eq!(cut.finish(), <[u8; 32]>::from(Sha256::digest(&message)), "{first} blocks of {len} bytes");
            }
        }
    }
}
