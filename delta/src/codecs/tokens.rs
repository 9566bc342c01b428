//! The tokens codec: windows of tokens of compressed members, their kinds apart.
//!
//! In a member's tokens (`members/FORMAT.md`, "Tokens") letters, lengths and distances follow each other. zstd has one
//! table for all of them, which costs a byte of text most of a bit beside bytes of distances, which are nearly random:
//! an archive without anything to encode it against would take more than it did as DEFLATE. Apart, each kind has a
//! table of its own. The bytes are specified in `format/SPEC.md` ("Tokens").
//!
//! A window begins anywhere, and blocks' headers lie between tokens. So all bytes are read as if they were tokens: what
//! is none puts the reading out of step for a few bytes, until it agrees again by itself, and costs as much.
//!
//! Must: decoding allocates no more than a few times `raw_len` and never panics; encoding the same bytes gives the same
//! bytes.

use zstd::zstd_safe::DCtx;

use crate::frame::{append_stream, read_stream};

/// Literals, lengths and what else is neither a literal nor a distance; literals; the lower bytes of distances; the
/// upper ones.
const KINDS: usize = 4;
/// Bytes of the header: a plain and a stored length for each kind.
const HEADER_LEN: usize = 8 * KINDS;
/// How many literals a token says at most without a number.
const MANY: usize = 15;
/// Most bytes of such a number that count, seven bits each.
const NUMBER_LEN: usize = 4;

/// Tokens have few matches if at most one byte in this many is of a distance's lower half.
const FEW_MATCHES: usize = 14;

#[derive(Clone, Copy)]
enum Kind {
    Control = 0,
    Literals = 1,
    Lower = 2,
    Upper = 3,
}

/// Goes over a window of `len` bytes in runs of one kind; `next` takes a run and gives its first byte, or nothing if
/// there are too few.
fn walk(len: usize, mut next: impl FnMut(Kind, usize) -> Option<u8>) -> Option<()> {
    let mut left = len;
    let mut take = |kind, wanted: usize, left: &mut usize| {
        let run = wanted.min(*left);
        *left -= run;
        if run == 0 { Some(0) } else { next(kind, run) }
    };
    while left > 0 {
        let token = take(Kind::Control, 1, &mut left)?;
        let mut literals = usize::from(token >> 4);
        if literals == MANY {
            for place in 0..NUMBER_LEN {
                let byte = take(Kind::Control, 1, &mut left)?;
                literals += usize::from(byte & 0x7f) << (7 * place);
                if byte < 0x80 {
                    break;
                }
            }
        }
        take(Kind::Literals, literals, &mut left)?;
        let match_follows = match token & 15 {
            0 => false,
            15 => take(Kind::Control, 1, &mut left)? != 255,
            _ => true,
        };
        if match_follows {
            take(Kind::Lower, 1, &mut left)?;
            take(Kind::Upper, 1, &mut left)?;
        }
    }
    Some(())
}

/// A window's bytes by their kind.
pub(crate) struct Kinds([Vec<u8>; KINDS]);

impl Kinds {
    pub(crate) fn of(window: &[u8]) -> Self {
        let mut kinds: [Vec<u8>; KINDS] = Default::default();
        let mut rest = window;
        let _ = walk(window.len(), |kind, run| {
            let (bytes, behind) = rest.split_at_checked(run)?;
            kinds[kind as usize].extend_from_slice(bytes);
            rest = behind;
            bytes.first().copied()
        });
        Self(kinds)
    }

    /// Whether distances are so many that tokens take less apart. Where they are few, zstd finds a little more in one
    /// piece: with 7 % of bytes in each half of distances (JavaScript) both take the same, with 10 % (Rust's sources)
    /// tokens take 4 %, with 19 % (documents of XML) 9 % less.
    pub(crate) fn has_many_matches(&self) -> bool {
        self.0[Kind::Lower as usize].len() * FEW_MATCHES > self.0.iter().map(Vec::len).sum()
    }

    /// The encoded window, or nothing if that would be longer than `limit`, or the library refuses. `level` is zstd's.
    pub(crate) fn write(&self, level: i32, limit: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; HEADER_LEN];
        let mut fields = Vec::with_capacity(2 * KINDS);
        for bytes in &self.0 {
            fields.extend([bytes.len() as u32, append_stream(bytes, level, &mut out)? as u32]);
            if out.len() > limit {
                return None;
            }
        }
        for (place, field) in out.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        Some(out)
    }
}

/// Undoes it: exactly `raw_len` bytes. Allocates no more than twice that.
pub(crate) fn decode(zstd: &mut DCtx<'_>, encoded: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
    let (header, mut rest) = encoded.split_at_checked(HEADER_LEN).ok_or("no room for a header")?;
    let mut kinds: [Vec<u8>; KINDS] = Default::default();
    let mut room = raw_len;
    for (kind, lens) in kinds.iter_mut().zip(header.as_chunks::<4>().0.as_chunks::<2>().0) {
        let [len, stored] = lens.map(|field| u32::from_le_bytes(field) as usize);
        room = room.checked_sub(len).ok_or("streams longer than the window")?;
        let (bytes, behind) = rest.split_at_checked(stored).ok_or("a stream is cut off")?;
        *kind = read_stream(zstd, bytes, len)?;
        rest = behind;
    }
    if room > 0 || !rest.is_empty() {
        return Err(format!("{room} bytes of the window are missing, {} bytes are left", rest.len()));
    }
    let mut out = Vec::with_capacity(raw_len);
    let mut left = [&kinds[0][..], &kinds[1], &kinds[2], &kinds[3]];
    walk(raw_len, |kind, run| {
        let (bytes, behind) = left[kind as usize].split_at_checked(run)?;
        out.extend_from_slice(bytes);
        left[kind as usize] = behind;
        bytes.first().copied()
    })
    .ok_or("a stream that is too short")?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, noise, text};

    /// Tokens of text that repeats at random distances.
    fn tokens(seed: u64, len: usize) -> Vec<u8> {
        let mut random = Random::new(seed);
        let letters = text(seed, len);
        let mut tokens = Vec::new();
        let mut at = 0;
        while tokens.len() < len {
            let literals = random.below(24).min(letters.len() - at);
            tokens.push((literals.min(15) << 4 | (1 + random.below(14))) as u8);
            if literals >= 15 {
                tokens.push(literals as u8 - 15);
            }
            tokens.extend_from_slice(&letters[at..at + literals]);
            tokens.extend_from_slice(&(random.below(32768) as u16).to_le_bytes());
            at += literals;
        }
        tokens.truncate(len);
        tokens
    }

    fn encode(window: &[u8], level: i32, limit: usize) -> Option<Vec<u8>> {
        Kinds::of(window).write(level, limit)
    }

    fn back(encoded: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
        decode(&mut DCtx::create(), encoded, raw_len)
    }

    #[test]
    fn any_bytes_come_back() {
        let mut random = Random::new(1);
        for round in 0..200 {
            let len = random.below(20_000);
            let window = match round % 4 {
                0 => noise(round, len),
                1 => text(round, len),
                2 => vec![random.next() as u8; len],
                _ => tokens(round, len)[random.below(len / 2 + 1)..].to_vec(),
            };
            let encoded = encode(&window, 1, usize::MAX).expect("no limit");
            assert_eq!(back(&encoded, window.len()).as_deref(), Ok(&window[..]), "round {round}");
            assert_eq!(encode(&window, 1, encoded.len()), Some(encoded.clone()), "the same bytes again");
            assert_eq!(encode(&window, 1, encoded.len() - 1), None);
        }
    }

    #[test]
    fn kinds_apart_take_less() {
        let window = tokens(2, 1 << 20);
        let apart = encode(&window, 3, window.len()).expect("shorter");
        let together = zstd::bulk::compress(&window, 3).expect("compresses");
        assert!(apart.len() * 10 < together.len() * 9, "{} of {}", apart.len(), together.len());
    }

    /// Streams as they are, behind their header.
    fn pieces(kinds: [&[u8]; KINDS]) -> Vec<u8> {
        let lens = kinds.iter().flat_map(|kind| [kind.len() as u32; 2]);
        let mut bytes: Vec<u8> = lens.flat_map(u32::to_le_bytes).collect();
        kinds.iter().for_each(|kind| bytes.extend_from_slice(kind));
        bytes
    }

    #[test]
    fn the_layout_is_the_specified_one() {
        // Two literals and a match; 15 + 1 literals and nothing; a block's end; a long match, of whose distance the
        // window has one byte.
        let control = [0x21, 0xf0, 1, 0x0f, 255, 0x0f, 9];
        let encoded = pieces([&control, b"ab0123456789abcdef", &[7, 8], &[1]]);
        let window = [&[0x21, b'a', b'b', 7, 1, 0xf0, 1][..], b"0123456789abcdef", &[0x0f, 255, 0x0f, 9, 8]].concat();
        assert_eq!(back(&encoded, window.len()).as_deref(), Ok(&window[..]));
        for len in [0, window.len() - 1, window.len() + 1] {
            assert!(back(&encoded, len).is_err());
        }
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let good = [&[0x21, 0x20][..], b"abcd", &[7], &[1]];
        assert_eq!(back(&pieces(good), 8).as_deref(), Ok(&[0x21, b'a', b'b', 7, 1, 0x20, b'c', b'd'][..]));
        let with = |kind: usize, bytes: &'static [u8]| {
            let mut kinds = good;
            kinds[kind] = bytes;
            pieces(kinds)
        };
        for (name, encoded) in [
            ("too few literals", with(1, b"abc")),
            ("too many literals", with(1, b"abcde")),
            ("no distance", with(2, &[])),
            ("a distance too many", with(3, &[1, 2])),
            ("no header", pieces(good)[..31].to_vec()),
            ("a stream that is cut off", pieces(good)[..39].to_vec()),
            ("bytes behind the streams", [&pieces(good)[..], b"!"].concat()),
            ("another kind instead", pieces([&[0x21], b"abcde", &[7], &[1]])),
        ] {
            assert!(back(&encoded, 8).is_err(), "{name}");
        }
    }

    #[test]
    fn damage_is_an_error_or_other_bytes_of_the_right_length() {
        let mut random = Random::new(3);
        let window = tokens(3, 30_000);
        let encoded = encode(&window, 3, window.len()).expect("shorter");
        for _ in 0..2000 {
            let mut bad = encoded.clone();
            let reach = if random.below(2) == 0 { bad.len() } else { 64 };
            bad[random.below(reach)] ^= 1 << random.below(8);
            if let Ok(plain) = back(&bad, window.len()) {
                assert_eq!(plain.len(), window.len());
            }
        }
    }
}
