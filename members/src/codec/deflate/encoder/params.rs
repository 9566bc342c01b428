//! Which encoder, with which settings: what has to be stored to re-create a stream.

use super::engines::{klauspost, miniz};
use super::types::{HISTORY, LOOKAHEAD, WARM_UP};
use thiserror::Error;

/// Length of [`Params::to_bytes`].
pub const PARAMS_LEN: usize = 8;

/// First byte of every serialized form; another one means a newer program wrote it.
const VERSION: u8 = 1;

/// The program family that made a stream. The numbers are stored: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// zlib 1.1 to 1.3 (Python, Java, git, PNG writers, …).
    Zlib,
    /// Chromium's fork since 2022: zlib with a four-byte multiplicative hash (Node.js, so everything npm packs).
    Chromium,
    /// GNU gzip and Info-ZIP zip: zlib's matcher with 32 Ki symbols a block and an early end of blocks.
    Gzip,
    /// zlib-ng 2.3 and recent versions of its Rust port zlib-rs (0.6).
    Ng,
    /// Earlier ones: a match that reaches just to the end of the input does not end the search.
    NgEarlier,
    /// pigz: zlib on pieces of [`Params::writes`] bytes, each with the window before it as its dictionary, joined by
    /// padding.
    Pigz,
    /// Go's `compress/flate` up to Go 1.26, compared from 1.19 on; 1.27 has another encoder. [`Strategy::Huffman`] at
    /// level 6 is its `HuffmanOnly`.
    Go,
    /// libdeflate 1.8 or so to 1.26, levels 10 to 12 from 1.19 or so (htslib's BAM and bgzip, PNG optimizers). It
    /// encodes whole streams only, see [`Params::is_whole`].
    Libdeflate,
    /// Release 1.20 of klauspost's `compress/flate` for Go; with [`Params::writes`] set, pgzip with blocks of that many
    /// bytes. [`Strategy::Huffman`] at level 6 is its `HuffmanOnly`.
    Klauspost,
    /// Releases 1.18.2 to 1.19 of it: other only at levels 7 to 9 of pgzip, and hardly there.
    KlauspostEarlier,
    /// Releases 1.15.15 to 1.18.0: blocks name all symbols, whether they occur or not.
    KlauspostEarliest,
    /// miniz_oxide 0.7 to 0.9, the usual backend of Rust's flate2. Level 1 depends on [`Params::room`]: with none set
    /// it is enough.
    Miniz,
    /// GNU gzip with `--rsyncable`, compared with 1.12: blocks end where the content says so, most of them at a byte
    /// boundary.
    GzipRsyncable,
}

impl Family {
    pub(crate) const fn is_gzip(self) -> bool {
        matches!(self, Self::Gzip | Self::GzipRsyncable)
    }

    pub(crate) const fn is_klauspost(self) -> bool {
        matches!(self, Self::Klauspost | Self::KlauspostEarlier | Self::KlauspostEarliest)
    }
}

/// zlib's `strategy` setting. The numbers are zlib's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// `Z_DEFAULT_STRATEGY`.
    Default,
    /// `Z_FILTERED`: matches of five bytes or less are not taken by the lazy matcher.
    Filtered,
    /// `Z_HUFFMAN_ONLY`: literals only.
    Huffman,
    /// `Z_RLE`: distance one only.
    Rle,
    /// `Z_FIXED`: no dynamic trees.
    Fixed,
}

/// One exact encoder with its settings.
///
/// Every field is public so that a caller can try neighbours of a remembered one; [`Params::is_valid`] tells whether
/// the combination exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Params {
    /// The program family.
    pub family: Family,
    /// 1 to 9, for libdeflate 1 to 12, for miniz 1 to 10. Level 0 (stored blocks only) has no encoder here.
    pub level: u8,
    /// zlib's `memLevel`, 1 to 9: sizes of the hash table and of the symbol buffer. 8 for gzip.
    pub mem_level: u8,
    /// zlib's strategy.
    pub strategy: Strategy,
    /// Base-two logarithm of the window, 9 to 15.
    pub window_bits: u8,
    /// How many plain bytes each call of the encoder brought, 0 for all at once, else 256 to 16 MiB less one. Matters
    /// to [`Family::Ng`] mostly; with [`Family::Miniz`], 8 KiB stand for all sizes up to 56 KiB.
    pub writes: u32,
    /// Room for output of each call of the encoder: 0 for enough, or a power of two from 4 KiB to 64 MiB (32 KiB in
    /// Rust's flate2). Matters to the middle levels of [`Family::Ng`], and only if all input is passed at once, and to
    /// level 1 of [`Family::Miniz`].
    pub room: u32,
}

/// Why stored parameters could not be read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ParamsError {
    /// The version byte is not known.
    #[error("re-encoder parameters of version {0}, this program knows {VERSION}")]
    Version(u8),
    /// A field has a value that no encoder has.
    #[error("re-encoder parameters {0:02x?} name no encoder that this program knows")]
    Unknown([u8; PARAMS_LEN]),
}

impl Params {
    /// `family` at `level` with the settings that nearly every program uses.
    #[must_use]
    pub const fn new(family: Family, level: u8) -> Self {
        Self { family, level, mem_level: 8, strategy: Strategy::Default, window_bits: 15, writes: 0, room: 0 }
    }

    /// Whether an encoder with these settings exists here.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let usual = self.window_bits == 15 && self.strategy == Strategy::Default;
        let literals = self.strategy == Strategy::Huffman && self.level == 6 && self.window_bits == 15;
        let most = match self.family {
            Family::Libdeflate => 12,
            Family::Miniz => 10,
            _ => 9,
        };
        (1..=most).contains(&self.level)
            && (1..=9).contains(&self.mem_level)
            && (9..=15).contains(&self.window_bits)
            && self.has_writes()
            && (self.room == 0 || self.has_room())
            && match self.family {
                Family::Zlib => true,
                Family::Chromium => self.window_bits == 15,
                Family::Gzip | Family::GzipRsyncable => usual && self.mem_level == 8 && self.writes == 0,
                Family::Ng | Family::NgEarlier => usual && self.level >= 2,
                Family::Go => (usual || literals) && self.mem_level == 8 && self.writes == 0,
                Family::Klauspost | Family::KlauspostEarlier | Family::KlauspostEarliest => {
                    (usual || literals) && self.mem_level == 8 && (self.writes == 0 || self.writes >= 32768)
                }
                Family::Libdeflate => usual && self.mem_level == 8 && self.writes == 0,
                Family::Miniz => {
                    let short = self.writes == miniz::SHORT_WRITES && self.room > 0;
                    usual && self.mem_level == 8 && (self.writes == 0 || short)
                }
                Family::Pigz => usual && self.mem_level == 8 && (32768..=131_072).contains(&self.writes),
            }
    }

    /// Edges of windows and of writes meet again after the smallest multiple of both, over which an encoder's state in
    /// the middle of a stream is found: at most 2 GiB, so that no program takes long.
    fn has_writes(&self) -> bool {
        let short = (256..1 << 16).contains(&self.writes);
        let round = (1 << 16..1 << 24).contains(&self.writes) && self.writes.is_multiple_of(256);
        self.writes == 0 || short || round
    }

    fn has_room(&self) -> bool {
        if self.family == Family::Miniz {
            return self.level == 1 && self.room == miniz::ROOM;
        }
        let medium = matches!(self.family, Family::Ng | Family::NgEarlier) && (3..=6).contains(&self.level);
        medium && self.writes == 0 && self.room.is_power_of_two() && (12..=26).contains(&self.room.trailing_zeros())
    }

    /// The stored form: version, family, level, room and memLevel, strategy and window, 24 bits of write size. One
    /// settings value has one form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PARAMS_LEN] {
        let [w0, w1, w2, _] = self.writes.to_le_bytes();
        let family = match self.family {
            Family::Zlib => 0,
            Family::Chromium => 1,
            Family::Gzip => 2,
            Family::Ng => 3,
            Family::NgEarlier => 4,
            Family::Pigz => 5,
            Family::Go => 6,
            Family::Libdeflate => 7,
            Family::Klauspost => 8,
            Family::KlauspostEarlier => 9,
            Family::KlauspostEarliest => 10,
            Family::Miniz => 11,
            Family::GzipRsyncable => 12,
        };
        let strategy = match self.strategy {
            Strategy::Default => 0,
            Strategy::Filtered => 1,
            Strategy::Huffman => 2,
            Strategy::Rle => 3,
            Strategy::Fixed => 4,
        };
        let room = if self.room == 0 { 0 } else { (self.room.trailing_zeros() as u8).wrapping_sub(11) };
        [
            VERSION,
            family,
            self.level,
            room << 4 | self.mem_level & 15,
            (strategy << 4) | (self.window_bits & 15),
            w0,
            w1,
            w2,
        ]
    }

    /// Reads what [`Params::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the version is newer or the settings are none that [`Params::is_valid`] accepts.
    pub fn from_bytes(bytes: [u8; PARAMS_LEN]) -> Result<Self, ParamsError> {
        let [version, family, level, sizes, mixed, w0, w1, w2] = bytes;
        if version != VERSION {
            return Err(ParamsError::Version(version));
        }
        let unknown = ParamsError::Unknown(bytes);
        let family = match family {
            0 => Family::Zlib,
            1 => Family::Chromium,
            2 => Family::Gzip,
            3 => Family::Ng,
            4 => Family::NgEarlier,
            5 => Family::Pigz,
            6 => Family::Go,
            7 => Family::Libdeflate,
            8 => Family::Klauspost,
            9 => Family::KlauspostEarlier,
            10 => Family::KlauspostEarliest,
            11 => Family::Miniz,
            12 => Family::GzipRsyncable,
            _ => return Err(unknown),
        };
        let strategy = match mixed >> 4 {
            0 => Strategy::Default,
            1 => Strategy::Filtered,
            2 => Strategy::Huffman,
            3 => Strategy::Rle,
            4 => Strategy::Fixed,
            _ => return Err(unknown),
        };
        let writes = u32::from_le_bytes([w0, w1, w2, 0]);
        let room = if sizes >> 4 == 0 { 0 } else { 2048 << (sizes >> 4) };
        let params = Self { family, level, mem_level: sizes & 15, strategy, window_bits: mixed & 15, writes, room };
        if params.is_valid() { Ok(params) } else { Err(unknown) }
    }

    /// About how long encoding a plain byte takes, in picoseconds of a core: a rule of thumb, the same on every
    /// machine, that says where re-creating is slow. From reads of real archives; content of the same settings differs
    /// by a factor of two.
    #[must_use]
    pub fn pace(&self) -> u64 {
        let zlib = match self.level {
            1..=3 => 12_000,
            4 | 5 => 18_000,
            6 => 31_500,
            7 => 36_000,
            8 => 46_000,
            _ => 57_000,
        };
        match self.family {
            _ if matches!(self.strategy, Strategy::Huffman | Strategy::Rle) => 5_000,
            Family::Ng | Family::NgEarlier => 10_000 + u64::from(self.level) * 1_500,
            Family::Klauspost | Family::KlauspostEarlier | Family::KlauspostEarliest if self.level < 7 => 8_000,
            Family::Libdeflate => 5_000 * u64::from(self.level),
            Family::Miniz => [10_000, 25_000, 25_000, 30_000, 34_000, 41_000, 44_000, 50_000, 57_000, 70_000]
                [usize::from(self.level.clamp(1, 10)) - 1],
            Family::Chromium | Family::Gzip | Family::GzipRsyncable => zlib * 5 / 6,
            _ => zlib,
        }
    }

    /// Whether the encoder can be told to flush. One that cannot leaves empty stored blocks all the same, by rules of
    /// its own.
    #[must_use]
    pub const fn takes_flushes(&self) -> bool {
        !matches!(self.family, Family::GzipRsyncable)
    }

    /// Whether the encoder makes whole streams only, of at most 2 MiB of plain bytes: none of its blocks stands alone.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.family, Family::Libdeflate)
    }

    /// Plain bytes before a stream position that a restart there wants.
    #[must_use]
    pub fn history(&self, position: u64) -> usize {
        match self.is_lazy() {
            _ if self.family.is_klauspost() => klauspost::history(self, position),
            true => HISTORY,
            false => WARM_UP,
        }
    }

    /// Where a multiple of so many plain bytes ends, a restart is exact and needs little; 0 for nowhere.
    #[must_use]
    pub const fn piece(&self) -> u32 {
        if self.family.is_klauspost() { self.writes } else { 0 }
    }

    /// Plain bytes that must follow the last block asked for, unless the stream ends. With klauspost's family a block
    /// is taken to end where exactly so many are left: what it would have gone on with need not be known.
    #[must_use]
    pub const fn lookahead(&self) -> usize {
        match self.family {
            _ if self.family.is_klauspost() => klauspost::lookahead(self),
            Family::Miniz if self.level == 1 => miniz::LOOKAHEAD,
            _ => 2 * LOOKAHEAD,
        }
    }

    /// Whether the matcher keeps every position in its chains, so that a restart needs no more than a window of
    /// history.
    #[must_use]
    pub const fn is_lazy(&self) -> bool {
        match self.family {
            Family::Ng | Family::NgEarlier => self.level >= 7,
            Family::Miniz => self.level >= 2,
            // Level 9's choices also depend on what is before the window.
            Family::Klauspost | Family::KlauspostEarlier | Family::KlauspostEarliest => matches!(self.level, 7 | 8),
            _ => self.level >= 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_form_is_canonical_and_strict() {
        let mut p = Params::new(Family::Ng, 6);
        p.writes = 8192;
        assert_eq!(p.to_bytes(), [1, 3, 6, 8, 15, 0, 32, 0]);
        assert_eq!(Params::from_bytes(p.to_bytes()), Ok(p));
        assert_eq!(Params::from_bytes([2, 0, 6, 8, 15, 0, 0, 0]), Err(ParamsError::Version(2)));
        p = Params { room: 32768, writes: 0, ..p };
        assert_eq!(p.to_bytes(), [1, 3, 6, 0x48, 15, 0, 0, 0]);
        assert_eq!(Params::from_bytes(p.to_bytes()), Ok(p));
        p = Params { room: 32768, writes: 8192, ..Params::new(Family::Miniz, 1) };
        assert_eq!(p.to_bytes(), [1, 11, 1, 0x48, 15, 0, 32, 0]);
        assert_eq!(Params::from_bytes(p.to_bytes()), Ok(p));
        for bad in [[1, 13, 6, 8, 15, 0, 0, 0], [1, 0, 0, 8, 15, 0, 0, 0], [1, 0, 6, 8, 0x5f, 0, 0, 0]] {
            assert_eq!(Params::from_bytes(bad), Err(ParamsError::Unknown(bad)));
        }
    }
}
