//! From a unit's program and view back to the object's bytes.
//!
//! Total: any program and view give exactly the bytes asked for, or an error; nothing panics, and little more than the
//! length asked for is allocated, with boundaries between chunks twice as much.

use crate::codec::deflate::recreate as deflate;
use crate::codec::deflate::tokens::{SliceWriter, TokenEncoder};
use crate::container::chunks;
use crate::error::RecreateError;
use crate::program::{Chunks, Op, VERSION};

/// Memory of the codecs that is used again from unit to unit.
#[derive(Default)]
pub(crate) struct Scratch {
    tokens: TokenEncoder,
}

/// Re-creates the `len` object bytes of a unit from its program and its part of the view.
/// An empty program means that the view's bytes are the object's. Both are used up exactly, or it is an error.
pub fn recreate(program: &[u8], view: &[u8], len: usize) -> Result<Vec<u8>, RecreateError> {
    let mut out = Vec::new();
    recreate_into(program, view, len, &mut Scratch::default(), &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// Fills the first `len` bytes of `out`, which gets at least 8 more.
pub(crate) fn recreate_into(
    program: &[u8],
    view: &[u8],
    len: usize,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<(), RecreateError> {
    let room = len.checked_add(8).ok_or(RecreateError::Length)?;
    if out.len() < room {
        *out = vec![0; room];
    }
    match program.first() {
        Some(&VERSION) if Op::is_chunks(program, 1) => with_boundaries(program, view, len, scratch, out),
        Some(&VERSION) => run(program, 1, view, len, scratch, &mut out[..room]),
        Some(_) => Err(RecreateError::Version),
        None if view.len() == len => {
            out[..len].copy_from_slice(view);
            Ok(())
        }
        None => Err(RecreateError::Length),
    }
}

/// Runs a program that begins with ops of chunks: the others make a body, into which these put boundaries.
fn with_boundaries(
    program: &[u8],
    view: &[u8],
    len: usize,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Result<(), RecreateError> {
    let (mut at, mut left) = (1, len);
    while Op::is_chunks(program, at) {
        let op = chunks_at(program, &mut at)?;
        left -= chunks::total(&op, program, &mut at, left)?.1;
    }
    let mut body = vec![0; left + 8];
    run(program, at, view, left, scratch, &mut body)?;
    body.truncate(left);
    let (mut at, mut place) = (1, chunks::Place::default());
    while Op::is_chunks(program, at) {
        let op = chunks_at(program, &mut at)?;
        chunks::insert(&op, program, &mut at, &body, &mut place, &mut out[..len])?;
    }
    place.put(&body[place.taken..], &mut out[..len])
}

fn chunks_at(program: &[u8], at: &mut usize) -> Result<Chunks, RecreateError> {
    match Op::decode(program, at)? {
        Op::Chunks(op) => Ok(op),
        _ => Err(RecreateError::Program),
    }
}

/// Runs the ops from `at` on, none of which is of chunks. They fill `out` but for its last 8 bytes, from all of the
/// view.
fn run(
    program: &[u8],
    mut at: usize,
    view: &[u8],
    len: usize,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Result<(), RecreateError> {
    let mut writer = SliceWriter { out, cursor: Default::default() };
    let mut used = 0;
    while at < program.len() {
        match Op::decode(program, &mut at)? {
            Op::Copy(bytes) => {
                let bytes = usize::try_from(bytes).map_err(|_| RecreateError::View)?;
                let bytes = view.get(used..).and_then(|rest| rest.get(..bytes)).ok_or(RecreateError::View)?;
                used += bytes.len();
                if !writer.copy(bytes) {
                    return Err(RecreateError::Length);
                }
            }
            Op::Blocks { carry, count } => {
                deflate::blocks(carry, count, view, &mut used, &mut scratch.tokens, &mut writer)?;
            }
            Op::Chunks(_) => return Err(RecreateError::Program),
            Op::Encode(op) => {
                let flushes = deflate::flushes(&op, program, &mut at)?;
                let most = len - writer.cursor.at.min(len);
                let bytes = deflate::encoded(&op, &flushes, view, &mut used, most)?;
                if !writer.copy(&bytes) {
                    return Err(RecreateError::Length);
                }
            }
        }
    }
    if used != view.len() {
        return Err(RecreateError::View);
    }
    if writer.cursor.at == len { Ok(()) } else { Err(RecreateError::Length) }
}
