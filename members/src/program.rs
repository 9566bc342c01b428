//! What a unit's program consists of; `FORMAT.md` describes the bytes.

use crate::error::{PARAMS_LEN, RecreateError};
use crate::varint::{put_varint, take_varint};

/// The version all programs begin with.
pub(crate) const VERSION: u8 = 1;

/// Upper bound of a program's length, in bytes.
pub(crate) const MAX_PROGRAM: usize = 64 * 1024;

const COPY: u8 = 1;
const STREAM: u8 = 2;
const BLOCKS: u8 = 3;
const ENCODE: u8 = 4;
const CHUNKS: u8 = 5;
const DUMP_CHUNKS: u8 = 6;
/// Ops of all codecs but DEFLATE; a byte behind it names the codec.
const CODEC: u8 = 7;

/// A compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Its ops are 2 to 4.
    Deflate,
}

/// One step of a program; each consumes view bytes and yields whole object bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// The next `0` (at least 1) view bytes, as they are.
    Copy(u64),
    /// DEFLATE blocks from the view's tokens, written behind the bits of `carry`; bits of a last byte that is not full
    /// are dropped.
    Blocks {
        /// The bits of the first byte that come before the first block, below a marking bit: 1 for none, at most 0xff.
        carry: u8,
        /// How many; 0 means up to and with a stream's last block.
        count: u64,
    },
    /// DEFLATE blocks that an encoder makes of plain bytes. As many varints follow as there are flushes.
    Encode(Encode),
    /// Boundaries between chunks of a PNG or a dump, to be put into what the ops behind yield. As many pairs of varints
    /// follow as there are groups.
    Chunks(Chunks),
}

/// See [`Op::Chunks`] and `FORMAT.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    /// Bytes before the first boundary.
    pub(crate) before: u64,
    pub(crate) of: Chunked,
    pub(crate) groups: u64,
}

/// Whose chunks they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunked {
    /// A PNG's.
    Image {
        /// How many of the bytes before the first boundary, the last ones, its CRC is of; at most all of them; 0 if it
        /// is `crc`.
        covered: u64,
        /// 0 if `covered` is not.
        crc: u32,
    },
    /// Those of a dump of pg_dump's custom format.
    Dump,
}

impl Chunks {
    fn encode(self, program: &mut Vec<u8>) {
        program.push(if self.of == Chunked::Dump { DUMP_CHUNKS } else { CHUNKS });
        put_varint(program, self.before);
        if let Chunked::Image { covered, crc } = self.of {
            put_varint(program, covered);
            if covered == 0 {
                program.extend(crc.to_be_bytes());
            }
        }
        put_varint(program, self.groups);
    }

    fn decode(op: u8, program: &[u8], at: &mut usize) -> Option<Self> {
        let before = take_varint(program, at)?;
        let mut of = Chunked::Dump;
        if op == CHUNKS {
            let covered = take_varint(program, at).filter(|&covered| covered <= before)?;
            let mut crc = 0;
            if covered == 0 {
                crc = u32::from_be_bytes(*program.get(*at..)?.first_chunk::<4>()?);
                *at += 4;
            }
            of = Chunked::Image { covered, crc };
        }
        let groups = take_varint(program, at).filter(|&groups| groups > 0)?;
        Some(Self { before, of, groups })
    }
}

/// See [`Op::Encode`] and `FORMAT.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encode {
    pub(crate) params: [u8; PARAMS_LEN],
    pub(crate) carry: u8,
    /// Whether the stream ends with the view bytes taken.
    pub(crate) ends: bool,
    pub(crate) blocks: u64,
    /// View bytes before those to encode.
    pub(crate) history: u64,
    /// Plain bytes of the stream before those to encode.
    pub(crate) position: u64,
    pub(crate) state: u64,
    pub(crate) written: u64,
    /// View bytes to encode.
    pub(crate) plain: u64,
    /// View bytes behind them.
    pub(crate) after: u64,
    pub(crate) flushes: u64,
}

impl Encode {
    fn encode(self, program: &mut Vec<u8>) {
        program.push(ENCODE);
        program.extend(self.params);
        program.extend([self.carry, u8::from(self.ends)]);
        for value in self.numbers() {
            put_varint(program, value);
        }
    }

    fn numbers(&self) -> [u64; 8] {
        [self.blocks, self.history, self.position, self.state, self.written, self.plain, self.after, self.flushes]
    }

    fn decode(program: &[u8], at: &mut usize) -> Option<Self> {
        let fixed = program.get(*at..)?.first_chunk::<{ PARAMS_LEN + 2 }>()?;
        *at += fixed.len();
        let params = *fixed.first_chunk::<PARAMS_LEN>()?;
        let [carry, ends] = *fixed.last_chunk::<2>()?;
        if carry == 0 || ends > 1 {
            return None;
        }
        let mut number = || take_varint(program, at);
        let [blocks, history, position, state, written, plain, after, flushes] =
            [number()?, number()?, number()?, number()?, number()?, number()?, number()?, number()?];
        let ends = ends == 1;
        Some(Self { params, carry, ends, blocks, history, position, state, written, plain, after, flushes })
    }
}

impl Op {
    pub(crate) fn encode(self, program: &mut Vec<u8>) {
        match self {
            Self::Encode(encode) => encode.encode(program),
            Self::Chunks(chunks) => chunks.encode(program),
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

    /// Whether the op at `at` is one of chunks, if it is any.
    pub(crate) fn is_chunks(program: &[u8], at: usize) -> bool {
        matches!(program.get(at), Some(&(CHUNKS | DUMP_CHUNKS)))
    }

    /// Reads the op at `*at`, moving `*at` behind it.
    ///
    /// # Errors
    /// [`RecreateError::Codec`] for an op of a codec that is not known, else [`RecreateError::Program`] if there is no
    /// valid op.
    pub(crate) fn decode(program: &[u8], at: &mut usize) -> Result<Self, RecreateError> {
        if let Some(&[CODEC, codec]) = program.get(*at..).and_then(|rest| rest.first_chunk()) {
            return Err(RecreateError::Codec(codec));
        }
        Self::decode_known(program, at).ok_or(RecreateError::Program)
    }

    fn decode_known(program: &[u8], at: &mut usize) -> Option<Self> {
        let mut byte = || {
            let byte = program.get(*at).copied();
            *at += 1;
            byte
        };
        match byte()? {
            COPY => take_varint(program, at).filter(|&bytes| bytes > 0).map(Self::Copy),
            ENCODE => Encode::decode(program, at).map(Self::Encode),
            op @ (CHUNKS | DUMP_CHUNKS) => Chunks::decode(op, program, at).map(Self::Chunks),
            STREAM => Some(Self::Blocks { carry: 1, count: 0 }),
            BLOCKS => {
                let carry = byte().filter(|&carry| carry > 0)?;
                Some(Self::Blocks { carry, count: take_varint(program, at)? })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ops_come_back_as_they_were() {
        let ops = [
            Op::Copy(1),
            Op::Encode(Encode {
                params: [1, 2, 3, 4, 5, 6, 7, 8],
                carry: 9,
                ends: true,
                blocks: 1,
                history: 2,
                position: 3 << 40,
                state: 4,
                written: 5,
                plain: 6,
                after: 7,
                flushes: 8,
            }),
            Op::Chunks(Chunks { before: 300, of: Chunked::Image { covered: 299, crc: 0 }, groups: 1 }),
            Op::Chunks(Chunks { before: 0, of: Chunked::Image { covered: 0, crc: 0x1020_3040 }, groups: 200 }),
            Op::Chunks(Chunks { before: 300, of: Chunked::Dump, groups: 2 }),
            Op::Copy(300),
            Op::Blocks { carry: 1, count: 0 },
            Op::Blocks { carry: 1, count: 7 },
            Op::Blocks { carry: 0xff, count: 1 << 40 },
        ];
        let mut program = Vec::new();
        ops.iter().for_each(|op| op.encode(&mut program));
        let mut at = 0;
        for op in ops {
            assert_eq!(Op::decode(&program, &mut at), Ok(op));
        }
        assert_eq!(at, program.len());
    }

    #[test]
    fn what_is_unknown_or_cut_is_refused() {
        for bytes in [
            &[][..],
            &[0],
            &[8],
            &[CODEC],
            &[DUMP_CHUNKS],
            &[DUMP_CHUNKS, 3],
            &[DUMP_CHUNKS, 3, 0],
            &[DUMP_CHUNKS, 0x80],
            &[CHUNKS],
            &[CHUNKS, 3],
            &[CHUNKS, 3, 4, 1],
            &[CHUNKS, 3, 2],
            &[CHUNKS, 3, 2, 0],
            &[CHUNKS, 3, 0, 1, 2, 3],
            &[CHUNKS, 3, 0, 1, 2, 3, 4],
            &[ENCODE],
            &[ENCODE; 20],
            &[COPY],
            &[COPY, 0],
            &[COPY, 0x80],
            &[BLOCKS],
            &[BLOCKS, 0, 1],
            &[BLOCKS, 1],
        ] {
            assert_eq!(Op::decode(bytes, &mut 0), Err(RecreateError::Program), "{bytes:?}");
        }
        for codec in 0..=255 {
            assert_eq!(Op::decode(&[CODEC, codec, 1, 2, 3], &mut 0), Err(RecreateError::Codec(codec)));
        }
    }
}
