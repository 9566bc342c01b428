//! What a unit's program consists of; `FORMAT.md` describes the bytes.

/// The version all programs begin with.
pub(crate) const VERSION: u8 = 1;

/// Upper bound of a program's length, in bytes.
pub(crate) const MOST: usize = 64 * 1024;

const COPY: u8 = 1;
const STREAM: u8 = 2;
const BLOCKS: u8 = 3;

/// One step of a program; each consumes view bytes and yields whole object bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// The next `0` (at least 1) view bytes, as they are.
    Copy(u64),
    /// DEFLATE blocks from the view's tokens, written behind the bits of `carry`; bits of a last byte that is not full are dropped.
    Blocks {
        /// The bits of the first byte that come before the first block, below a marking bit: 1 for none, at most 0xff.
        carry: u8,
        /// How many; 0 means up to and with a stream's last block.
        count: u64,
    },
}

impl Op {
    pub(crate) fn encode(self, program: &mut Vec<u8>) {
        match self {
            Self::Copy(bytes) => {
                program.push(COPY);
                put_varint(program, bytes);
            }
            Self::Blocks { carry: 1, count: 0 } => program.push(STREAM),
            Self::Blocks { carry, count } => {
                program.extend([BLOCKS, carry]);
                put_varint(program, count);
            }
        }
    }

    /// Reads the op at `*at`, moving `*at` behind it. `None` if there is no valid one.
    pub(crate) fn decode(program: &[u8], at: &mut usize) -> Option<Self> {
        let mut byte = || {
            let byte = program.get(*at).copied();
            *at += 1;
            byte
        };
        match byte()? {
            COPY => take_varint(program, at).filter(|&bytes| bytes > 0).map(Self::Copy),
            STREAM => Some(Self::Blocks { carry: 1, count: 0 }),
            BLOCKS => {
                let carry = byte().filter(|&carry| carry > 0)?;
                Some(Self::Blocks { carry, count: take_varint(program, at)? })
            }
            _ => None,
        }
    }
}

/// Appends `value`, seven bits a byte, the lowest first, all bytes but the last with their top bit set (LEB128).
pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Reads a varint of at most 9 bytes.
pub(crate) fn take_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ops_come_back_as_they_were() {
        let ops = [
            Op::Copy(1),
            Op::Copy(300),
            Op::Blocks { carry: 1, count: 0 },
            Op::Blocks { carry: 1, count: 7 },
            Op::Blocks { carry: 0xff, count: 1 << 40 },
        ];
        let mut program = Vec::new();
        ops.iter().for_each(|op| op.encode(&mut program));
        let mut at = 0;
        for op in ops {
            assert_eq!(Op::decode(&program, &mut at), Some(op));
        }
        assert_eq!(at, program.len());
    }

    #[test]
    fn what_is_unknown_or_cut_is_refused() {
        for bytes in [&[][..], &[0], &[4], &[COPY], &[COPY, 0], &[COPY, 0x80], &[BLOCKS], &[BLOCKS, 0, 1], &[BLOCKS, 1]]
        {
            assert_eq!(Op::decode(bytes, &mut 0), None, "{bytes:?}");
        }
        assert_eq!(take_varint(&[0xff; 12], &mut 0), None);
    }
}
