//! Which encoder, with which settings.

/// The program family that made a stream. The numbers are stored: never reuse one. Each family has a row in
/// [`super::engines`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// zlib 1.1 to 1.3 (Python, Java, git, PNG writers, …).
    Zlib = 0,
    /// Chromium's fork since 2022: zlib with a four-byte multiplicative hash (Node.js, so everything npm packs).
    Chromium = 1,
    /// GNU gzip and Info-ZIP zip: zlib's matcher with 32 Ki symbols a block and an early end of blocks.
    Gzip = 2,
    /// zlib-ng 2.3 and recent versions of its Rust port zlib-rs (0.6).
    Ng = 3,
    /// Earlier ones: a match that reaches just to the end of the input does not end the search.
    NgEarlier = 4,
    /// pigz: zlib on pieces of [`Params::input_chunk`] bytes, each with the window before it as its dictionary, joined
    /// by padding.
    Pigz = 5,
    /// Go's `compress/flate` up to Go 1.26, compared from 1.19 on; 1.27 has another encoder. [`Strategy::Huffman`] at
    /// level 6 is its `HuffmanOnly`.
    Go = 6,
    /// libdeflate 1.8 or so to 1.26, levels 10 to 12 from 1.19 or so (htslib's BAM and bgzip, PNG optimizers). It
    /// encodes whole streams only, see [`Params::is_whole`].
    Libdeflate = 7,
    /// Release 1.20 of klauspost's `compress/flate` for Go; with [`Params::input_chunk`] set, pgzip with blocks of that
    /// many bytes. [`Strategy::Huffman`] at level 6 is its `HuffmanOnly`.
    Klauspost = 8,
    /// Releases 1.18.2 to 1.19 of it: other only at levels 7 to 9 of pgzip, and hardly there.
    KlauspostEarlier = 9,
    /// Releases 1.15.15 to 1.18.0: blocks name all symbols, whether they occur or not.
    KlauspostEarliest = 10,
    /// miniz_oxide 0.7 to 0.9, the usual backend of Rust's flate2. Level 1 depends on [`Params::output_buffer`]: with
    /// none set it is enough.
    Miniz = 11,
    /// GNU gzip with `--rsyncable`, compared with 1.12: blocks end where the content says so, most of them at a byte
    /// boundary.
    GzipRsyncable = 12,
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
    pub input_chunk: u32,
    /// Output buffer of each call of the encoder: 0 for enough, or a power of two from 4 KiB to 64 MiB (32 KiB in
    /// Rust's flate2). Matters to the middle levels of [`Family::Ng`], and only if all input is passed at once, and to
    /// level 1 of [`Family::Miniz`].
    pub output_buffer: u32,
}

impl Params {
    /// `family` at `level` with the settings that nearly every program uses.
    #[must_use]
    pub const fn new(family: Family, level: u8) -> Self {
        Self {
            family,
            level,
            mem_level: 8,
            strategy: Strategy::Default,
            window_bits: 15,
            input_chunk: 0,
            output_buffer: 0,
        }
    }

    /// Whether all fields have values that they have with some family.
    pub(super) fn is_in_range(&self) -> bool {
        self.level >= 1
            && (1..=9).contains(&self.mem_level)
            && (9..=15).contains(&self.window_bits)
            && (self.input_chunk == 0 || is_chunk(self.input_chunk))
    }

    /// Whether the window is the largest and the strategy the default one, as everywhere but with zlib.
    pub(super) fn is_usual(&self) -> bool {
        self.window_bits == 15 && self.strategy == Strategy::Default
    }

    /// Whether these are the settings that stand for an encoder without matches, which has no levels.
    pub(super) fn is_literals(&self) -> bool {
        self.strategy == Strategy::Huffman && self.level == 6 && self.window_bits == 15
    }

    /// Whether memory level, input chunk and output buffer are those of nearly all programs.
    pub(super) const fn is_plain(&self) -> bool {
        self.mem_level == 8 && self.input_chunk == 0 && self.output_buffer == 0
    }

    /// Whether the strategy does without chains.
    pub(super) const fn is_without_chains(&self) -> bool {
        matches!(self.strategy, Strategy::Huffman | Strategy::Rle)
    }
}

/// Whether [`Params::input_chunk`] may have that value beside 0.
///
/// Edges of windows and of input chunks meet again after the smallest multiple of both, over which an encoder's state
/// in the middle of a stream is found: at most 2 GiB, so that no program takes long.
pub(super) const fn is_chunk(input_chunk: u32) -> bool {
    match input_chunk {
        256..0x1_0000 => true,
        0x1_0000..0x100_0000 => input_chunk.is_multiple_of(256),
        _ => false,
    }
}
