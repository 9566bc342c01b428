//! Window records: a head that says how the window is encoded, then the encoded bytes.

use crate::error::DecodeError;
use crate::ids::Hash;
use crate::record::MAX_PAYLOAD_LEN;
use crate::wire::{Reader, Wire, Writer, within};

/// Largest window, in plain bytes.
pub const MAX_WINDOW_LEN: u32 = 16 << 20;
/// Most references one window may have.
pub const MAX_REFERENCES: usize = 4;
/// Most sketch features stored with one window.
pub const MAX_FEATURES: usize = 64;

/// Most bytes of an encoded [`WindowHead`].
pub const MAX_WINDOW_HEAD_LEN: usize = FIXED_LEN + MAX_REFERENCES * HASH_LEN + MAX_FEATURES * FEATURE_LEN;

/// How a window's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    Raw = 0,
    /// One zstd frame.
    Zstd = 1,
    /// One zstd frame, with the references, concatenated in order, as its prefix.
    ZstdReferences = 2,
    /// VCDIFF (RFC 3284) against the references, concatenated in order.
    Vcdiff = 3,
    /// Copies from the references, concatenated in order, that need not be equal, and what is to be added to them.
    Approximate = 4,
    /// Numbers, the bytes of one place together.
    Columns = 5,
    /// The same, some of them as differences to numbers of the references, concatenated in order.
    ColumnsReferences = 6,
    /// Tokens of compressed members, their kinds apart.
    Tokens = 7,
}

impl Codec {
    /// Whether other windows are needed to decode it.
    #[must_use]
    pub const fn has_references(self) -> bool {
        matches!(self, Self::ZstdReferences | Self::Vcdiff | Self::Approximate | Self::ColumnsReferences)
    }
}

/// Head of a window record's payload; the encoded bytes follow it to the payload's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowHead {
    /// SHA-256 of the plain bytes.
    pub hash: Hash,
    pub codec: Codec,
    /// Reference hops to decode it: 0 without references, else 1 + the deepest reference's.
    pub depth: u8,
    /// Written by the optimizer, and encoded against such windows only.
    pub optimized: bool,
    /// Plain bytes.
    pub raw_len: u32,
    /// Encoded bytes after the head.
    pub encoded_len: u32,
    /// Windows it is encoded against, in the order the codec sees them.
    pub references: Vec<Hash>,
    /// Similarity features, so that the index can be rebuilt without decoding.
    pub features: Vec<u64>,
}

const WINDOW_VERSION: u8 = 1;
const FIXED_LEN: usize = 48;
const HASH_LEN: usize = 32;
const FEATURE_LEN: usize = 8;

impl WindowHead {
    /// Appends the head; the encoded bytes go right after it. A head over a limit yields bytes that `decode` refuses.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(&mut Writer::new(out));
    }

    /// Decodes a window record's payload: the head, and how many bytes it takes; the encoded bytes are the rest.
    ///
    /// # Errors
    /// Whatever `SPEC.md` does not allow, and a payload whose rest is not `encoded_len` bytes.
    pub fn decode(payload: &[u8]) -> Result<(Self, usize), DecodeError> {
        let (head, head_len) = Self::decode_prefix(payload)?;
        let (needed, left) = (u64::from(head.encoded_len), (payload.len() - head_len) as u64);
        if left < needed {
            return Err(DecodeError::Truncated { what: "window bytes", needed, left });
        }
        if left > needed {
            return Err(DecodeError::Trailing { what: "window bytes", left: left - needed });
        }
        Ok((head, head_len))
    }

    /// As [`WindowHead::decode`], with no look at what follows the head: its first [`MAX_WINDOW_HEAD_LEN`] bytes,
    /// or the whole payload where that is shorter, are enough.
    ///
    /// # Errors
    /// Whatever `SPEC.md` does not allow in a head.
    pub fn decode_prefix(bytes: &[u8]) -> Result<(Self, usize), DecodeError> {
        let mut input = Reader::new(bytes);
        let head = Self::read(&mut input)?;
        Ok((head, bytes.len() - input.left()))
    }

    fn check_codec(&self) -> Result<(), DecodeError> {
        let inconsistent = |what, with| Err(DecodeError::Inconsistent { what, with });
        let delta = self.codec.has_references();
        if delta == self.references.is_empty() {
            return inconsistent("window references", "its codec");
        }
        if delta == (self.depth == 0) {
            return inconsistent("window depth", "its codec");
        }
        if self.codec == Codec::Raw && self.encoded_len != self.raw_len {
            return inconsistent("encoded length", "the plain length of a raw window");
        }
        if self.references.contains(&self.hash) {
            return inconsistent("window references", "its own hash");
        }
        Ok(())
    }
}

impl Wire for WindowHead {
    const NAME: &'static str = "window head";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(WINDOW_VERSION);
        out.u8(self.codec as u8);
        out.u8(self.depth);
        out.len_u8(self.references.len());
        out.len_u8(self.features.len());
        out.flags(&[self.optimized]);
        out.zeros(2);
        out.u32(self.raw_len);
        out.u32(self.encoded_len);
        out.bytes(&self.hash.0);
        self.references.iter().for_each(|hash| out.bytes(&hash.0));
        self.features.iter().for_each(|feature| out.u64(*feature));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, WINDOW_VERSION)?;
        let codec = match input.u8(Self::NAME)? {
            0 => Codec::Raw,
            1 => Codec::Zstd,
            2 => Codec::ZstdReferences,
            3 => Codec::Vcdiff,
            4 => Codec::Approximate,
            5 => Codec::Columns,
            6 => Codec::ColumnsReferences,
            7 => Codec::Tokens,
            value => {
                return Err(DecodeError::Unknown { what: "codec", value: value.into() });
            }
        };
        let depth = input.u8(Self::NAME)?;
        let references = within("window references", input.u8(Self::NAME)?.into(), MAX_REFERENCES as u64)?;
        let features = within("window features", input.u8(Self::NAME)?.into(), MAX_FEATURES as u64)?;
        let [optimized] = input.flags("window flags")?;
        input.zeros(Self::NAME, 2)?;
        let raw_len = input.u32(Self::NAME)?;
        within("window length", raw_len.into(), MAX_WINDOW_LEN.into())?;
        let encoded_len = input.u32(Self::NAME)?;
        within("encoded length", encoded_len.into(), MAX_PAYLOAD_LEN.into())?;
        let head = WindowHead {
            hash: Hash(input.array(Self::NAME)?),
            codec,
            depth,
            optimized,
            raw_len,
            encoded_len,
            references: input
                .items("window references", references, HASH_LEN, |input| input.array("window references").map(Hash))?,
            features: input.items("window features", features, FEATURE_LEN, |input| input.u64("window features"))?,
        };
        head.check_codec()?;
        Ok(head)
    }
}
