//! Parity records: what the payload of one window or node can be repaired from when its own record is damaged.
//!
//! The payload is taken in blocks of one length, the last padded with zeros. A parity record holds a checksum of each
//! block, which tells where the damage is, and the exclusive or of all blocks, which makes up for it: for one block, or
//! for two beside each other of which damage took the end of the first and the beginning of the second, as a lost
//! sector does. Where there is one block, the parity is a second copy of the payload, and nothing of the first is
//! needed.

use crate::commit::PlacedKind;
use crate::error::DecodeError;
use crate::header::crc32c;
use crate::ids::{Hash, Position};
use crate::record::MAX_PAYLOAD_LEN;
use crate::wire::{Reader, Wire, Writer, public_codec, within};

/// Longest block of a payload that has several.
pub const MAX_BLOCK_LEN: u32 = 64 << 10;
/// Shortest block of a payload that has several, and what their length is a multiple of.
pub const MIN_BLOCK_LEN: u32 = 64;

/// Payload of a parity record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parity {
    /// What the payload is of.
    pub kind: PlacedKind,
    pub hash: Hash,
    /// Where the record lay whose payload this is for; compaction may have moved it since.
    pub position: Position,
    /// Bytes of the payload, at least 1.
    pub payload_len: u32,
    /// CRC-32C of the payload.
    pub payload_crc: u32,
    /// CRC-32C of each block, as long as it is.
    pub block_crcs: Vec<u32>,
    /// Exclusive or of all blocks: as long as a block.
    pub xor: Vec<u8>,
}

const NAME: &str = "parity";
const PARITY_VERSION: u8 = 1;
const CRC_LEN: usize = 4;
/// Two blocks that share damage are parted at a multiple of this: sectors begin at such places, as records do.
const PART: usize = 8;

impl Parity {
    /// Parity over `payload`, of 1 to [`MAX_PAYLOAD_LEN`] bytes, in blocks of `block_len` bytes.
    pub fn new(kind: PlacedKind, hash: Hash, position: Position, payload: &[u8], block_len: u32) -> Self {
        let block_len = block_len.clamp(1, u32::try_from(payload.len()).unwrap_or(u32::MAX).max(1)) as usize;
        let mut xor = vec![0; block_len];
        payload.chunks(block_len).for_each(|block| add(&mut xor, block));
        Parity {
            kind,
            hash,
            position,
            payload_len: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            payload_crc: crc32c(payload),
            block_crcs: payload.chunks(block_len).map(crc32c).collect(),
            xor,
        }
    }

    /// True when nothing of the payload's own record is needed to repair it.
    pub fn is_copy(&self) -> bool {
        self.block_crcs.len() == 1
    }

    /// The payload, from what was `found` in its place, which may be too short; none if too much of it is wrong.
    pub fn repair(&self, found: &[u8]) -> Option<Vec<u8>> {
        let mut payload = found.to_vec();
        payload.resize(self.payload_len as usize, 0);
        let is_whole = |block: &[u8], number: usize| self.block_crcs.get(number) == Some(&crc32c(block));
        let block_len = self.xor.len();
        let blocks = payload.chunks(block_len).enumerate();
        let wrong: Vec<usize> = blocks.filter(|(number, block)| !is_whole(block, *number)).map(|(n, _)| n).collect();
        match wrong[..] {
            [] => {}
            [number] => {
                let other = self.missing(&payload, number..number + 1);
                replace(&mut payload, number, &other);
            }
            [first, second] if first + 1 == second => {
                let both = self.missing(&payload, first..second + 1);
                self.part(&mut payload, first, &both, is_whole)?;
            }
            _ => return None,
        }
        (crc32c(&payload) == self.payload_crc).then_some(payload)
    }

    /// The exclusive or of the blocks of a range, by all others.
    fn missing(&self, payload: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
        let mut xor = self.xor.clone();
        let others = payload.chunks(self.xor.len()).enumerate().filter(|(number, _)| !range.contains(number));
        others.for_each(|(_, block)| add(&mut xor, block));
        xor
    }

    /// Repairs two blocks of which the first is right up to some place and the second from that place on; `both` is the
    /// exclusive or of them as they must be.
    fn part(
        &self,
        payload: &mut [u8],
        first: usize,
        both: &[u8],
        is_whole: impl Fn(&[u8], usize) -> bool,
    ) -> Option<()> {
        let block_len = self.xor.len();
        let end = ((first + 2) * block_len).min(payload.len());
        let (one, other) = payload[first * block_len..end].split_at_mut(block_len);
        // What the first must be where the second is right, and the other way round; the last block may be shorter.
        let mut right_one = both.to_vec();
        add(&mut right_one, other);
        let mut right_other = both.to_vec();
        add(&mut right_other, one);
        for at in (PART..block_len).step_by(PART) {
            let upto = at.min(other.len());
            let second = [&right_other[..upto], &other[upto..]].concat();
            if !is_whole(&second, first + 1) {
                continue;
            }
            let whole = [&one[..at], &right_one[at..]].concat();
            if is_whole(&whole, first) {
                one.copy_from_slice(&whole);
                other.copy_from_slice(&second);
                return Some(());
            }
        }
        None
    }
}

fn add(xor: &mut [u8], block: &[u8]) {
    xor.iter_mut().zip(block).for_each(|(sum, byte)| *sum ^= byte);
}

fn replace(payload: &mut [u8], number: usize, block: &[u8]) {
    if let Some(old) = payload.chunks_mut(block.len()).nth(number) {
        let len = old.len();
        old.copy_from_slice(&block[..len]);
    }
}

impl Wire for Parity {
    const NAME: &'static str = NAME;

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(PARITY_VERSION);
        out.u8(self.kind as u8);
        out.u16(0);
        out.u32(self.payload_len);
        out.len_u32(self.xor.len());
        out.u32(self.payload_crc);
        self.position.write(out);
        out.bytes(&self.hash.0);
        self.block_crcs.iter().for_each(|crc| out.u32(*crc));
        out.bytes(&self.xor);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(NAME, PARITY_VERSION)?;
        let kind = PlacedKind::read(input, "parity kind")?;
        input.zeros(NAME, 2)?;
        let payload_len = input.u32(NAME)?;
        within("parity's payload", payload_len.into(), MAX_PAYLOAD_LEN.into())?;
        let block_len = input.u32(NAME)?;
        if block_len == 0 {
            return Err(DecodeError::Empty { what: "parity's block" });
        }
        let several = block_len < payload_len;
        within("parity's block", block_len.into(), if several { MAX_BLOCK_LEN } else { payload_len }.into())?;
        if several && !block_len.is_multiple_of(MIN_BLOCK_LEN) {
            return Err(DecodeError::Inconsistent { what: "parity's block", with: "its least length" });
        }
        let payload_crc = input.u32(NAME)?;
        let position = Position::read(input)?;
        let hash = Hash(input.array(NAME)?);
        let blocks = payload_len.div_ceil(block_len) as usize;
        let block_crcs = input.items(NAME, blocks, CRC_LEN, |input| input.u32(NAME))?;
        let xor = input.take(NAME, block_len as usize)?.to_vec();
        Ok(Parity { kind, hash, position, payload_len, payload_crc, block_crcs, xor })
    }
}

public_codec!(Parity);

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 + at / 251) as u8).collect()
    }

    fn parity(payload: &[u8], block_len: u32) -> Parity {
        Parity::new(PlacedKind::Window, Hash([7; 32]), Position::default(), payload, block_len)
    }

    #[test]
    fn any_burst_up_to_a_block_is_repaired() {
        for (len, block) in [(1000, 128), (1024, 128), (129, 128), (257, 128), (64 * 9 + 1, 64)] {
            let whole = payload(len);
            let parity = parity(&whole, block);
            for from in (0..len).step_by(8) {
                for burst in [1, 5, 8, 56, 64, block as usize] {
                    let mut found = whole.clone();
                    let to = (from + burst).min(len);
                    found[from..to].iter_mut().for_each(|byte| *byte = !*byte);
                    assert_eq!(parity.repair(&found), Some(whole.clone()), "{from}..{to} of {len} by {block}");
                }
            }
        }
    }

    #[test]
    fn a_flip_anywhere_is_repaired() {
        let whole = payload(777);
        let parity = parity(&whole, 64);
        for at in 0..whole.len() {
            let mut found = whole.clone();
            found[at] ^= 0x10;
            assert_eq!(parity.repair(&found), Some(whole.clone()), "{at}");
        }
    }

    #[test]
    fn a_copy_needs_nothing_and_more_damage_than_a_block_is_told() {
        let whole = payload(500);
        let copy = parity(&whole, 4096);
        assert!(copy.is_copy());
        assert_eq!(copy.repair(b""), Some(whole.clone()));
        let parity = parity(&whole, 64);
        assert_eq!(parity.repair(b""), None);
        let mut found = whole.clone();
        found[100] ^= 1;
        found[400] ^= 1;
        assert_eq!(parity.repair(&found), None);
        assert_eq!(parity.repair(&whole), Some(whole));
    }
}
