//! What a unit's program does, for people. Nothing is re-created, so this is cheap.
//!
//! Total: any bytes give steps or an error; no more steps than the program has bytes.

use std::fmt;

use crate::codec::deflate::encoder::params::Params;
use crate::container::chunks;
use crate::error::RecreateError;
use crate::program::{Chunked, Op, VERSION};
use crate::varint::take_varint;

/// One step of a program, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes of the view that are the object's as they are, at least 1.
    Copy { bytes: u64 },
    /// DEFLATE blocks that the view has as tokens; none: up to and with the stream's last.
    Tokens { blocks: Option<u64> },
    /// DEFLATE blocks that an encoder makes again of `plain` bytes of the view.
    Encoder { params: Params, plain: u64 },
    /// Boundaries between PNG's chunks within what the other steps make. They are not in the view.
    ImageChunks { boundaries: u64 },
    /// Boundaries between chunks of a table's data in a dump of pg_dump, likewise.
    DumpChunks { boundaries: u64 },
}

/// The steps of a program; none of an empty one, whose view is the object's bytes.
///
/// # Errors
/// [`RecreateError::Version`], [`RecreateError::Program`], [`RecreateError::Codec`] and [`RecreateError::Encoder`], as
/// [`crate::recreate`] gives them.
pub fn describe(program: &[u8]) -> Result<Vec<Step>, RecreateError> {
    let mut at = match program.first() {
        None => return Ok(Vec::new()),
        Some(&VERSION) => 1,
        Some(_) => return Err(RecreateError::Version),
    };
    let mut steps = Vec::new();
    while at < program.len() {
        steps.push(match Op::decode(program, &mut at)? {
            Op::Copy(bytes) => Step::Copy { bytes },
            Op::Blocks { count, .. } => Step::Tokens { blocks: Some(count).filter(|&count| count > 0) },
            Op::Chunks(_) if steps.last().is_some_and(|step: &Step| !step.is_chunks()) => {
                return Err(RecreateError::Program);
            }
            Op::Chunks(op) => {
                let total = chunks::total(&op, program, &mut at, usize::MAX);
                let boundaries = total.map_err(|_| RecreateError::Program)?.0 as u64;
                match op.of {
                    Chunked::Image { .. } => Step::ImageChunks { boundaries },
                    Chunked::Dump => Step::DumpChunks { boundaries },
                }
            }
            Op::Encode(op) => {
                for _ in 0..op.flushes {
                    take_varint(program, &mut at).ok_or(RecreateError::Program)?;
                }
                let params = Params::from_bytes(op.params).map_err(RecreateError::Encoder)?;
                Step::Encoder { params, plain: op.plain }
            }
        });
    }
    Ok(steps)
}

impl Step {
    const fn is_chunks(self) -> bool {
        matches!(self, Self::ImageChunks { .. } | Self::DumpChunks { .. })
    }
}

impl fmt::Display for Step {
    /// How the bytes come about, without how many: `copied`, `tokens`, `IDAT chunks`, `pg_dump chunks` or the encoder
    /// with its settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy { .. } => f.write_str("copied"),
            Self::Tokens { .. } => f.write_str("tokens"),
            Self::Encoder { params, .. } => params.fmt(f),
            Self::ImageChunks { .. } => f.write_str("IDAT chunks"),
            Self::DumpChunks { .. } => f.write_str("pg_dump chunks"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::deflate::encoder::params::Family;
    use crate::program::{Chunks, Encode};
    use crate::varint::put_varint;

    fn op(params: Params, flushes: u64) -> Op {
        Op::Encode(Encode {
            params: params.to_bytes(),
            carry: 1,
            ends: true,
            blocks: 2,
            history: 0,
            position: 0,
            state: 0,
            written: 0,
            plain: 70_000,
            after: 0,
            flushes,
        })
    }

    #[test]
    fn steps_are_those_of_the_program() {
        let params = Params::new(Family::Zlib, 6);
        let mut program = vec![VERSION];
        Op::Chunks(Chunks { before: 9, of: Chunked::Image { covered: 8, crc: 0 }, groups: 2 }).encode(&mut program);
        program.extend([3, 64, 2, 70]);
        Op::Chunks(Chunks { before: 90, of: Chunked::Dump, groups: 1 }).encode(&mut program);
        program.extend([7, 64]);
        Op::Copy(10).encode(&mut program);
        op(params, 2).encode(&mut program);
        program.extend([5, 0x80, 1]);
        Op::Blocks { carry: 1, count: 0 }.encode(&mut program);
        Op::Blocks { carry: 3, count: 7 }.encode(&mut program);
        let expected = [
            Step::ImageChunks { boundaries: 5 },
            Step::DumpChunks { boundaries: 7 },
            Step::Copy { bytes: 10 },
            Step::Encoder { params, plain: 70_000 },
            Step::Tokens { blocks: None },
            Step::Tokens { blocks: Some(7) },
        ];
        assert_eq!(describe(&program).as_deref(), Ok(&expected[..]));
        let names = expected.map(|step| step.to_string());
        assert_eq!(names, ["IDAT chunks", "pg_dump chunks", "copied", "zlib level 6", "tokens", "tokens"]);
        assert_eq!(describe(&[]), Ok(Vec::new()));
    }

    #[test]
    fn any_bytes_give_steps_or_an_error() {
        assert_eq!(describe(&[9]), Err(RecreateError::Version));
        assert_eq!(describe(&[VERSION, 0]), Err(RecreateError::Program));
        assert_eq!(describe(&[VERSION, 1, 5, 7, 2, 9]), Err(RecreateError::Codec(2)));
        assert_eq!(describe(&[VERSION, 1, 1, 5, 9, 8, 1, 1, 64]), Err(RecreateError::Program));
        let mut program = vec![VERSION];
        Op::Chunks(Chunks { before: 9, of: Chunked::Image { covered: 8, crc: 0 }, groups: 4 }).encode(&mut program);
        (0..4).for_each(|_| put_varint(&mut program, u64::MAX >> 1));
        assert_eq!(describe(&program), Err(RecreateError::Program));
        let mut program = vec![VERSION];
        op(Params::new(Family::Zlib, 6), u64::MAX >> 1).encode(&mut program);
        assert_eq!(describe(&program), Err(RecreateError::Program));
        let mut state = 1u64;
        for _ in 0..20_000 {
            let mut program = program.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (state >> 33) as usize % program.len();
                program[at] = (state >> 20) as u8;
            }
            program.truncate((state >> 40) as usize % (program.len() + 1));
            if let Ok(steps) = describe(&program) {
                assert!(steps.len() < program.len().max(1));
            }
        }
    }
}
