//! Which encoder made a stream, found by trying.
//!
//! The first blocks are decoded into symbols ([`Fingerprint`]), and each engine names the settings that can have made
//! them. Every candidate runs until it chooses another symbol, which most do within a few hundred bytes.

use super::encode::encode_expecting;
use super::engines;
use super::fingerprint::Fingerprint;
use super::matching::same_bits;
use super::output::expected::Expected;
use super::params::Params;
use super::types::{Block, Input, Start};
use std::cell::Cell;
use std::ops::ControlFlow;

/// What trying an encoder takes at least, in nanoseconds of a core: its tables are cleared.
const MIN_TRIAL_COST: u64 = 10_000;

/// Finds settings that reproduce the first blocks of `actual`, whose first `start.first_bit` bits are ignored: all
/// blocks up to the first that ends 256 KiB or more into the plain bytes. `hints` are tried first. `None` if nothing
/// does, or `input` ends within the first block.
#[must_use]
pub fn find(start: Start, input: Input, actual: &[u8], hints: &[Params]) -> Option<Params> {
    find_within(&mut u64::MAX.clone(), start, input, actual, hints)
}

/// As [`find`], as long as `time` lasts: nanoseconds of a core by [`Params::cost`], those that trying encoders takes
/// are taken off.
pub(crate) fn find_within(
    time: &mut u64,
    start: Start,
    input: Input,
    actual: &[u8],
    hints: &[Params],
) -> Option<Params> {
    search(time, start, input, actual, hints, true)
}

/// As [`find`], of these alone.
#[must_use]
pub fn find_among(start: Start, input: Input, actual: &[u8], params: &[Params]) -> Option<Params> {
    search(&mut u64::MAX.clone(), start, input, actual, params, false)
}

fn search(time: &mut u64, start: Start, input: Input, actual: &[u8], hints: &[Params], others: bool) -> Option<Params> {
    let seen = Fingerprint::decode(start, input, actual)?;
    let flushes = &input.flushes[..input.flushes.partition_point(|&at| at <= seen.plain)];
    let part = |params: &Params| {
        let reach = input.plain.len().min(seen.plain + params.lookahead());
        Input { plain: &input.plain[..reach], flushes, ends: input.ends && reach == input.plain.len() }
    };
    let mut tried = |params: &Params| match params.is_whole() {
        false => params.is_valid() && fits(&seen, time, start, part(params), actual, params),
        true => seen.ordered == Some(true) && fits(&seen, time, start, input, actual, params),
    };
    if let Some(found) = hints.iter().copied().find(&mut tried) {
        return Some(found);
    }
    others.then(|| engines::candidates(&seen).find(tried)).flatten()
}

/// Whether the encoder makes these blocks; false too once `time` is used up.
fn fits(seen: &Fingerprint, time: &mut u64, start: Start, part: Input, actual: &[u8], params: &Params) -> bool {
    if *time == 0 {
        return false;
    }
    let (mut blocks, mut bit) = (0, u64::from(start.first_bit & 7));
    let compared = Cell::new(0);
    let expected = Expected::new(&seen.symbols, &compared);
    encode_expecting(params, start, part, Some(expected), &mut |block: Block| {
        if !same_bits(block.bytes, actual, bit, block.bit_end) {
            return ControlFlow::Break(());
        }
        (blocks, bit) = (blocks + 1, block.bit_end);
        if blocks == seen.symbols.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    *time = time.saturating_sub(cost(seen, &start, part.plain.len(), params, compared.get()));
    blocks == seen.symbols.len()
}

/// Nanoseconds of a core that an encoder took which gave up after so many symbols, about; it depends on the bytes
/// alone.
fn cost(seen: &Fingerprint, start: &Start, plain: usize, params: &Params, compared: usize) -> u64 {
    let symbols: usize = seen.symbols.iter().map(Vec::len).sum();
    let read = match params.is_whole() || symbols == 0 {
        true => plain,
        false => seen.plain.min(plain) * compared.min(symbols) / symbols,
    };
    let history = if params.is_lazy() { 0 } else { start.history.len().min(params.history(start.position)) };
    MIN_TRIAL_COST + params.cost() * (read + history) as u64 / 1000
}
