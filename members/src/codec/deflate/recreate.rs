//! From DEFLATE's ops, 2 to 4, back to its bits.
//!
//! Total: any operands and view give bytes or an error; nothing panics, and little more than the length asked for is
//! allocated.

use std::ops::ControlFlow;

use super::encoder::encode;
use super::encoder::params::Params;
use super::encoder::state::State;
use super::encoder::types::{Block, Input, Start};
use super::tokens::{SliceWriter, TokenEncoder, encode_block};
use crate::error::RecreateError;
use crate::program::Encode;
use crate::varint::take_varint;

/// Writes `count` blocks of tokens (0: up to and with a stream's last), behind the bits of `carry`.
pub(crate) fn blocks(
    carry: u8,
    count: u64,
    view: &[u8],
    used: &mut usize,
    encoder: &mut TokenEncoder,
    writer: &mut SliceWriter<'_>,
) -> Result<(), RecreateError> {
    writer.cursor.count = carry.ilog2();
    writer.cursor.buffer = u64::from(carry) ^ 1 << carry.ilog2();
    let mut done = 0;
    loop {
        let last = encode_block(encoder, view, used, writer)?;
        done += 1;
        if done == count || last && count == 0 {
            break;
        }
    }
    (writer.cursor.buffer, writer.cursor.count) = (0, 0);
    Ok(())
}

/// The flushes behind an op, moving `*at` behind them.
pub(crate) fn flushes(op: &Encode, program: &[u8], at: &mut usize) -> Result<Vec<usize>, RecreateError> {
    let mut flushes = Vec::new();
    for _ in 0..op.flushes {
        let flush = take_varint(program, at).ok_or(RecreateError::Program)?;
        flushes.push(usize::try_from(flush).map_err(|_| RecreateError::Program)?);
    }
    Ok(flushes)
}

/// The whole bytes of an op's blocks, which are no more than `most`.
pub(crate) fn encoded(
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
    let mut bytes = encode(&params, start, input, &mut |block: Block| {
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
