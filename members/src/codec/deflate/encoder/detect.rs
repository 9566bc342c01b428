//! Which encoder made a stream, found by trying.
//!
//! The first blocks are decoded into symbols and every plausible encoder runs until it chooses another symbol, which
//! most do within a few hundred bytes. How many symbols the blocks hold says beforehand which symbol buffers are
//! possible.

use super::encode_expecting;
use super::engines::{klauspost, miniz};
use super::matchers::rsync::Rsync;
use super::matchers::window::MAX_MATCH;
use super::matching::same_bits;
use super::output::block::Expected;
use super::output::tables::{END_BLOCK, L_CODES, LENGTH_CODE};
use super::params::{Family, Params, Strategy};
use super::types::{Block, HISTORY, Input, LOOKAHEAD, Start};
use crate::codec::deflate::inflate::{BitReader, Header, Kind, Lengths, Sink, Tables, decode_block};
use std::cell::Cell;
use std::ops::ControlFlow;

/// Plain bytes after which no further block is looked at.
const ENOUGH: usize = 256 * 1024;
/// What trying an encoder takes at least, in nanoseconds of a core: its tables are cleared.
const TRIAL: u64 = 10_000;

/// Families and levels, the most frequent in the wild first.
const LIKELY: [(Family, u8); 41] = {
    use Family::{Chromium, Gzip, Ng, NgEarlier, Zlib};
    [
        (Zlib, 6),
        (Zlib, 9),
        (Chromium, 6),
        (Chromium, 9),
        (Gzip, 6),
        (Gzip, 9),
        (Ng, 6),
        (Ng, 9),
        (NgEarlier, 6),
        (NgEarlier, 9),
        (Zlib, 1),
        (Zlib, 5),
        (Zlib, 7),
        (Zlib, 8),
        (Zlib, 4),
        (Zlib, 3),
        (Zlib, 2),
        (Gzip, 1),
        (Gzip, 5),
        (Gzip, 7),
        (Gzip, 8),
        (Gzip, 4),
        (Gzip, 3),
        (Gzip, 2),
        (Ng, 5),
        (Ng, 2),
        (Ng, 3),
        (Ng, 4),
        (Ng, 7),
        (Ng, 8),
        (NgEarlier, 7),
        (NgEarlier, 8),
        (Chromium, 1),
        (Chromium, 2),
        (Chromium, 3),
        (Chromium, 4),
        (Chromium, 5),
        (Chromium, 7),
        (Chromium, 8),
        (NgEarlier, 2),
        (NgEarlier, 3),
    ]
};

/// Sizes of writes that programs use.
const WRITES: [u32; 6] = [0, 8192, 32768, 65536, 16384, 4096];

/// Finds settings that reproduce the first blocks of `actual`, whose first `start.first_bit` bits are ignored: all
/// blocks up to the first that ends 256 KiB or more into the plain bytes. `hints` are tried first. `None` if nothing
/// does, or `input` ends within the first block.
#[must_use]
pub fn find(start: Start, input: Input, actual: &[u8], hints: &[Params]) -> Option<Params> {
    find_within(&mut u64::MAX.clone(), start, input, actual, hints)
}

/// As [`find`], as long as `time` lasts: nanoseconds of a core by [`Params::pace`], those that trying encoders takes
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
    let first = First::decode(start, &input, actual)?;
    let flushes = &input.flushes[..input.flushes.partition_point(|&at| at <= first.plain)];
    let part = |params: &Params| {
        let reach = input.plain.len().min(first.plain + params.lookahead());
        Input { plain: &input.plain[..reach], flushes, ends: input.ends && reach == input.plain.len() }
    };
    let mut tried = |params: &Params| match params.is_whole() {
        false => params.is_valid() && first.fits(time, start, part(params), actual, params),
        true => first.ordered == Some(true) && first.fits(time, start, input, actual, params),
    };
    if let Some(found) = hints.iter().copied().find(&mut tried) {
        return Some(found);
    }
    others.then(|| first.plausible(&start, &input).find(tried)).flatten()
}

/// The decoded first blocks.
struct First {
    /// Symbols of each block; empty for stored ones.
    symbols: Vec<Vec<u32>>,
    plain: usize,
    /// Symbols of the first block that a full buffer can have ended.
    full: Option<usize>,
    /// Plain bytes of that block.
    buffer: usize,
    /// Plain bytes of the first block, if it is stored.
    stored: usize,
    /// Plain bytes of the first block.
    first: usize,
    /// The stream ends with an empty stored block.
    closed: bool,
    /// The stream ends with an empty block with the fixed codes.
    closed_fixed: bool,
    /// Whether the description of that block's codes names symbols without need, if it can be told.
    named: Option<bool>,
    /// There are blocks with codes of their own, and in each the rarer of two symbols has the longer code, the lower
    /// one among equals. With libdeflate that is always so.
    ordered: Option<bool>,
    /// What miniz's blocks would look like.
    miniz: miniz::Signs,
}

impl First {
    fn decode(start: Start, input: &Input, actual: &[u8]) -> Option<Self> {
        let mut tables = Tables::default();
        let mut made = Self {
            symbols: Vec::new(),
            plain: 0,
            full: None,
            buffer: 0,
            stored: 0,
            first: 0,
            closed: false,
            closed_fixed: false,
            named: None,
            ordered: None,
            miniz: miniz::Signs::default(),
        };
        let mut bit = usize::from(start.first_bit & 7);
        let known = start.position.min(32768);
        while made.plain < ENOUGH {
            let mut symbols = Symbols::default();
            let history = known + made.plain as u64;
            let Ok(block) = decode_block(&mut tables, actual, bit, history, &mut symbols) else { break };
            let plain = made.plain + usize::try_from(block.plain).ok()?;
            if plain + if input.ends { 0 } else { LOOKAHEAD } > input.plain.len() {
                break;
            }
            (made.plain, bit) = (plain, block.end);
            let by_flush = input.flushes.binary_search(&plain).is_ok();
            if !symbols.symbols.is_empty() && !block.last && !by_flush && made.full.is_none() {
                (made.full, made.buffer) = (Some(symbols.symbols.len()), block.plain as usize);
                made.named = match symbols.lens.as_deref() {
                    Some([.., 0]) => Some(true),
                    Some(lens) if (END_BLOCK + 2..L_CODES).contains(&lens.len()) => Some(false),
                    _ => None,
                };
            }
            if made.symbols.is_empty() {
                made.first = plain;
                made.stored = if symbols.stored { plain } else { 0 };
            }
            let form = match &symbols.lens {
                Some(lens) => miniz::Form::Own { ordered: is_ordered(&symbols.symbols, lens) },
                None if symbols.stored => miniz::Form::Stored,
                None => miniz::Form::Fixed,
            };
            if let miniz::Form::Own { ordered } = form {
                made.ordered = Some(made.ordered != Some(false) && ordered);
            }
            made.miniz.see(&symbols.symbols, form, block.plain as usize, !block.last && !by_flush);
            made.symbols.push(symbols.symbols);
            if block.last {
                made.closed = symbols.stored && block.plain == 0;
                made.closed_fixed = !symbols.stored && block.plain == 0 && symbols.lens.is_none();
                break;
            }
        }
        (!made.symbols.is_empty()).then_some(made)
    }

    /// Whether the encoder makes these blocks; false too once `time` is used up.
    fn fits(&self, time: &mut u64, start: Start, part: Input, actual: &[u8], params: &Params) -> bool {
        if *time == 0 {
            return false;
        }
        let (mut blocks, mut bit) = (0, u64::from(start.first_bit & 7));
        let compared = Cell::new(0);
        let expected = Expected::new(&self.symbols, &compared);
        encode_expecting(params, start, part, Some(expected), &mut |block: Block| {
            if !same_bits(block.bytes, actual, bit, block.bit_end) {
                return ControlFlow::Break(());
            }
            (blocks, bit) = (blocks + 1, block.bit_end);
            if blocks == self.symbols.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        *time = time.saturating_sub(self.cost(&start, part.plain.len(), params, compared.get()));
        blocks == self.symbols.len()
    }

    /// Nanoseconds of a core that an encoder took which gave up after so many symbols, about; it depends on the bytes
    /// alone.
    fn cost(&self, start: &Start, plain: usize, params: &Params, compared: usize) -> u64 {
        let symbols: usize = self.symbols.iter().map(Vec::len).sum();
        let read = match params.is_whole() || symbols == 0 {
            true => plain,
            false => self.plain.min(plain) * compared.min(symbols) / symbols,
        };
        let history = if params.is_lazy() { 0 } else { start.history.len().min(params.history(start.position)) };
        TRIAL + params.pace() * (read + history) as u64 / 1000
    }

    /// Everything that the number of symbols in a block allows.
    fn plausible(&self, start: &Start, input: &Input) -> impl Iterator<Item = Params> {
        let full = self.full;
        let buffers: Vec<u8> = match full {
            None => vec![8, 9],
            Some(n) => (1..=9).filter(|m| (1usize << (m + 6)) == n + 1).collect(),
        };
        let gzip = full.is_none_or(|n| n % 4096 == 0 || n == 32767);
        let usual = LIKELY.into_iter().flat_map(move |(family, level)| {
            let sizes = match family {
                Family::Gzip if gzip => vec![8],
                Family::Gzip => Vec::new(),
                _ => buffers.clone(),
            };
            let writes = match family {
                Family::Ng | Family::NgEarlier if level < 7 => &WRITES[..],
                _ => &WRITES[..1],
            };
            sizes.into_iter().flat_map(move |mem_level| {
                writes.iter().flat_map(move |&writes| {
                    let usual = Params { mem_level, writes, ..Params::new(family, level) };
                    [Params { room: 32768, ..usual }, usual].into_iter().filter(Params::is_valid)
                })
            })
        });
        let odd =
            [Strategy::Filtered, Strategy::Fixed, Strategy::Rle, Strategy::Huffman].into_iter().flat_map(|strategy| {
                [6, 9, 1, 2, 3, 4, 5, 7, 8].map(|level| Params { strategy, ..Params::new(Family::Zlib, level) })
            });
        // What image writers set beside the largest memory level: Pillow the first, optipng each. The others have no
        // levels.
        let images = [(Strategy::Filtered, &[6, 9, 4, 5, 7, 8][..]), (Strategy::Huffman, &[6]), (Strategy::Rle, &[6])]
            .into_iter()
            .flat_map(|(strategy, levels)| {
                levels.iter().map(move |&level| Params { strategy, mem_level: 9, ..Params::new(Family::Zlib, level) })
            });
        let large = full.is_none_or(|n| n == 32767);
        let small = (9..15)
            .rev()
            .flat_map(|window_bits| [6, 9].map(|level| Params { window_bits, ..Params::new(Family::Zlib, level) }));
        let pigz =
            [6, 9, 1, 2, 3, 4, 5, 7, 8].map(|level| Params { writes: 131_072, ..Params::new(Family::Pigz, level) });
        let common = full.is_none_or(|n| n == 16383);
        let (first, last) = self.go();
        let (sure, likely) = self.miniz.plausible();
        let whole = [6, 5, 7, 1, 9, 8, 2, 3, 4, 12, 11, 10].map(|level| Params::new(Family::Libdeflate, level));
        let klauspost = self.klauspost(start, input).into_iter();
        let rsyncable: &[u8] = if self.ends_by_content(start, input) { &[6, 9, 1, 5, 7, 8, 4, 3, 2] } else { &[] };
        let rsyncable = rsyncable.iter().map(|&level| Params::new(Family::GzipRsyncable, level));
        sure.into_iter()
            .chain(rsyncable)
            .chain(first)
            .chain(klauspost)
            .chain(usual)
            .chain(likely)
            .chain(odd.chain(small).filter(move |_| common))
            .chain(images.filter(move |_| large))
            .chain(pigz)
            .chain(last)
            .chain(whole)
    }

    /// Whether the first block ends as `gzip --rsyncable` would end it: within a symbol of the first place that its
    /// sums name.
    fn ends_by_content(&self, start: &Start, input: &Input) -> bool {
        let near = &start.history[start.history.len().saturating_sub(HISTORY)..];
        let first = [near, &input.plain[..self.first.min(input.plain.len())]].concat();
        let rsync = Rsync::on(&first, start.position.saturating_sub(near.len() as u64), near.len());
        rsync.is_due(first.len()) && !rsync.is_due(first.len().saturating_sub(MAX_MATCH))
    }

    /// klauspost's encoders.
    fn klauspost(&self, start: &Start, input: &Input) -> Vec<Params> {
        klauspost::plausible(&klauspost::Signs {
            first: self.full.map(|symbols| (symbols, self.buffer)),
            stored: self.stored,
            named: self.named,
            closed: self.closed_fixed,
            flush: input.flushes.first().map(|&flush| start.position.saturating_add(flush as u64)),
            span: (start.position, start.position.saturating_add(input.plain.len() as u64)),
            ends: input.ends,
        })
    }

    /// Go's encoders, to be tried first or last. Each ends a stream with an empty stored block, blocks of 16384 symbols
    /// or of 65535 bytes before it.
    fn go(&self) -> (impl Iterator<Item = Params> + use<>, impl Iterator<Item = Params> + use<>) {
        let levels: &[u8] = match self.full {
            Some(16384) => &[6, 5, 9, 4, 7, 8, 3, 2],
            Some(_) if self.buffer == 65535 && !self.closed => &[1],
            Some(_) if !self.closed => &[],
            _ => &[6, 5, 9, 1, 4, 7, 8, 3, 2],
        };
        let literals = Params { strategy: Strategy::Huffman, ..Params::new(Family::Go, 6) };
        let literals = (levels.contains(&1)).then_some(literals);
        let all = levels.iter().map(|&level| Params::new(Family::Go, level)).chain(literals);
        // Stored blocks alone tell nothing.
        let sure = self.full.is_some() || self.closed;
        (all.clone().filter(move |_| sure), all.filter(move |_| !sure))
    }
}

/// See [`First::ordered`].
fn is_ordered(symbols: &[u32], lens: &[u8]) -> bool {
    let mut counts = [0u32; 286];
    counts[END_BLOCK] = 1;
    for &symbol in symbols {
        let low = (symbol & 255) as usize;
        counts[if symbol >> 16 == 0 { low } else { usize::from(LENGTH_CODE[low]) + 257 }] += 1;
    }
    let mut used: Vec<_> = counts.iter().zip(lens).filter(|&(&count, _)| count > 0).collect();
    used.sort_by_key(|&(count, _)| count);
    used.is_sorted_by(|a, b| a.1 >= b.1)
}

/// The symbols of a block in the form that `Blocks` keeps.
#[derive(Default)]
struct Symbols {
    symbols: Vec<u32>,
    stored: bool,
    /// Code lengths of literals and lengths, if they are the block's own.
    lens: Option<Vec<u8>>,
}

impl Sink for Symbols {
    fn begin(&mut self, input: &[u8], header: &Header) {
        if let Kind::Dynamic { lengths } = &header.kind {
            self.lens = Lengths::read(&mut BitReader::at(input, lengths.start)).map(|read| read.literals().to_vec());
        }
    }

    fn stored(&mut self, _: &[u8]) {
        self.stored = true;
    }

    #[inline(always)]
    fn literal(&mut self, byte: u8) {
        self.symbols.push(u32::from(byte));
    }

    #[inline(always)]
    fn copy(&mut self, length: u32, distance: u32) {
        self.symbols.push(distance.wrapping_add(1) << 16 | length);
    }

    fn end(&mut self) {}
}
