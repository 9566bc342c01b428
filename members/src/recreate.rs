//! From a unit's program and view back to the object's bytes.
//!
//! Total: any program and view give exactly the bytes asked for, or an error; nothing panics, and little more than the
//! length asked for is allocated, with boundaries between chunks twice as much.

use std::ops::ControlFlow;

use crate::codec::deflate::encoder;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::state::State;
use crate::codec::deflate::encoder::types::{Block, Input, Start};
use crate::codec::deflate::tokens::{BitWriter, Encoder, encode_block};
use crate::container::chunks;
use crate::error::RecreateError;
use crate::program::{Chunks, Encode, Op, VERSION, take_varint};

/// Re-creates the `len` object bytes of a unit from its program and its part of the view.
/// An empty program means that the view's bytes are the object's. Both are used up exactly, or it is an error.
pub fn recreate(program: &[u8], view: &[u8], len: usize) -> Result<Vec<u8>, RecreateError> {
    let mut out = Vec::new();
    recreate_into(program, view, len, &mut Encoder::default(), &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// Fills the first `len` bytes of `out`, which gets at least 8 more.
pub(crate) fn recreate_into(
    program: &[u8],
    view: &[u8],
    len: usize,
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
) -> Result<(), RecreateError> {
    let room = len.checked_add(8).ok_or(RecreateError::Length)?;
    if out.len() < room {
        *out = vec![0; room];
    }
    match program.first() {
        Some(&VERSION) if Op::is_chunks(program, 1) => with_boundaries(program, view, len, encoder, out),
        Some(&VERSION) => run(program, 1, view, len, encoder, &mut out[..room]),
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
    encoder: &mut Encoder,
    out: &mut [u8],
) -> Result<(), RecreateError> {
    let (mut at, mut left) = (1, len);
    while Op::is_chunks(program, at) {
        let op = chunks_at(program, &mut at)?;
        left -= chunks::total(&op, program, &mut at, left)?.1;
    }
    let mut body = vec![0; left + 8];
    run(program, at, view, left, encoder, &mut body)?;
    body.truncate(left);
    let (mut at, mut place) = (1, chunks::Place::default());
    while Op::is_chunks(program, at) {
        let op = chunks_at(program, &mut at)?;
        chunks::insert(&op, program, &mut at, &body, &mut place, &mut out[..len])?;
    }
    place.put(&body[place.taken..], &mut out[..len])
}

fn chunks_at(program: &[u8], at: &mut usize) -> Result<Chunks, RecreateError> {
    match Op::decode(program, at) {
        Some(Op::Chunks(op)) => Ok(op),
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
    encoder: &mut Encoder,
    out: &mut [u8],
) -> Result<(), RecreateError> {
    let mut writer = BitWriter { out, cursor: Default::default() };
    let mut used = 0;
    while at < program.len() {
        match Op::decode(program, &mut at).ok_or(RecreateError::Program)? {
            Op::Copy(bytes) => {
                let bytes = usize::try_from(bytes).map_err(|_| RecreateError::View)?;
                let bytes = view.get(used..).and_then(|rest| rest.get(..bytes)).ok_or(RecreateError::View)?;
                used += bytes.len();
                if !writer.copy(bytes) {
                    return Err(RecreateError::Length);
                }
            }
            Op::Blocks { carry, count } => {
                writer.cursor.count = carry.ilog2();
                writer.cursor.buffer = u64::from(carry) ^ 1 << carry.ilog2();
                let mut done = 0;
                loop {
                    let last = encode_block(encoder, view, &mut used, &mut writer)?;
                    done += 1;
                    if done == count || last && count == 0 {
                        break;
                    }
                }
                (writer.cursor.buffer, writer.cursor.count) = (0, 0);
            }
            Op::Chunks(_) => return Err(RecreateError::Program),
            Op::Encode(op) => {
                let mut flushes = Vec::new();
                for _ in 0..op.flushes {
                    let flush = take_varint(program, &mut at).ok_or(RecreateError::Program)?;
                    flushes.push(usize::try_from(flush).map_err(|_| RecreateError::Program)?);
                }
                let bytes = encode_again(&op, &flushes, view, &mut used, len - writer.cursor.at.min(len))?;
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

/// The whole bytes of an op's blocks, which are no more than `most`.
fn encode_again(
    op: &Encode,
    flushes: &[usize],
    view: &[u8],
    used: &mut usize,
    most: usize,
) -> Result<Vec<u8>, RecreateError> {
    let params = Params::from_bytes(op.params).map_err(RecreateError::Encoder)?;
    let mut take = |bytes: u64| {
        let bytes = usize::try_from(bytes).map_err(|_| RecreateError::View)?;
        let slice = view.get(*used..).and_then(|rest| rest.get(..bytes)).ok_or(RecreateError::View)?;
        *used += bytes;
        Ok(slice)
    };
    let history = take(op.history)?;
    let plain = take(op.plain.checked_add(op.after).ok_or(RecreateError::View)?)?;
    let first_bit = op.carry.ilog2() as u8;
    let start =
        Start { history, position: op.position, state: State::from_bits(op.state), first_bit, written: op.written };
    let input = Input { plain, flushes, ends: op.ends };
    let (mut blocks, mut end) = (0, None);
    let mut bytes = encoder::encode(&params, start, input, &mut |block: Block| {
        blocks += 1;
        if blocks == op.blocks {
            end = Some((block.bit_end / 8) as usize);
        }
        let enough = end.is_some() || block.bytes.len() > most.saturating_add(8);
        if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let end = end.filter(|&end| end <= most && end <= bytes.len()).ok_or(RecreateError::Length)?;
    bytes.truncate(end);
    if let Some(first) = bytes.first_mut() {
        *first |= op.carry ^ 1 << first_bit;
    }
    Ok(bytes)
}
