//! MD5 of bodies. Several bodies are hashed side by side: each step of MD5 waits for the one before it, so that one
//! body keeps less than half of a core's arithmetic busy, and four take hardly longer than two.

mod lanes;
mod queue;

pub use queue::Md5Queue;

use md5::block_api;

/// Bytes of a block.
const BLOCK: usize = 64;
/// Where the last block's bytes end and the length of the stream begins.
const LENGTH_AT: usize = BLOCK - size_of::<u64>();

type Block = [u8; BLOCK];

/// One running MD5, whose state can be worked on beside others.
#[derive(Clone, Debug)]
pub struct Md5 {
    state: [u32; 4],
    /// Bytes so far.
    len: u64,
    /// Those that do not fill a block yet.
    tail: Vec<u8>,
}

impl Default for Md5 {
    fn default() -> Self {
        Md5 { state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476], len: 0, tail: Vec::new() }
    }
}

impl Md5 {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let blocks = self.take(bytes);
        block_api::compress(&mut self.state, blocks);
    }

    /// The digest of everything taken.
    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.len.wrapping_mul(8);
        let mut padding = vec![0x80];
        padding.resize(1 + (BLOCK + LENGTH_AT - 1 - self.tail.len()) % BLOCK, 0);
        padding.extend_from_slice(&bits.to_le_bytes());
        self.update(&padding);
        let mut digest = [0; 16];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_le_bytes();
        }
        digest
    }

    /// Takes the next bytes, but leaves the blocks that lie whole in them to the caller, who compresses them before
    /// anything else.
    fn take<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [Block] {
        self.len = self.len.wrapping_add(bytes.len() as u64);
        if !self.tail.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(BLOCK - self.tail.len()));
            self.tail.extend_from_slice(now);
            bytes = rest;
            let Some(block) = self.tail.first_chunk() else { return &[] };
            block_api::compress(&mut self.state, std::slice::from_ref(block));
            self.tail.clear();
        }
        let (blocks, rest) = bytes.as_chunks();
        self.tail.extend_from_slice(rest);
        blocks
    }
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;

    use super::*;

    #[test]
    fn digests_are_those_of_the_crate_however_the_bytes_arrive() {
        let bytes: Vec<u8> = (0..1000u32).map(|number| ((number * number) >> 3) as u8).collect();
        for len in (0..200).chain([999, 1000]) {
            let expected: [u8; 16] = md5::Md5::digest(&bytes[..len]).into();
            for piece in [1, 7, 63, 64, 65, 1000] {
                let mut digest = Md5::default();
                bytes[..len].chunks(piece).for_each(|piece| digest.update(piece));
                assert_eq!(digest.finish(), expected, "{len} bytes in pieces of {piece}");
            }
        }
    }
}
