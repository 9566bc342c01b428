//! The stored form of an encoder's settings, eight bytes (`FORMAT.md`, op 4).

use super::engines;
use super::params::{Params, Strategy};

pub use crate::error::PARAMS_LEN;
use crate::error::PARAMS_VERSION as VERSION;
pub use crate::error::ParamsError;

impl Params {
    /// The stored form: version, family, level, output buffer and memLevel, strategy and window, 24 bits of input
    /// chunk. One settings value has one form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PARAMS_LEN] {
        let [w0, w1, w2, _] = self.input_chunk.to_le_bytes();
        let strategy = match self.strategy {
            Strategy::Default => 0,
            Strategy::Filtered => 1,
            Strategy::Huffman => 2,
            Strategy::Rle => 3,
            Strategy::Fixed => 4,
        };
        let output_buffer =
            if self.output_buffer == 0 { 0 } else { (self.output_buffer.trailing_zeros() as u8).wrapping_sub(11) };
        [
            VERSION,
            self.family as u8,
            self.level,
            output_buffer << 4 | self.mem_level & 15,
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
        let family = engines::family(family).ok_or(unknown)?;
        let strategy = match mixed >> 4 {
            0 => Strategy::Default,
            1 => Strategy::Filtered,
            2 => Strategy::Huffman,
            3 => Strategy::Rle,
            4 => Strategy::Fixed,
            _ => return Err(unknown),
        };
        let input_chunk = u32::from_le_bytes([w0, w1, w2, 0]);
        let output_buffer = if sizes >> 4 == 0 { 0 } else { 2048 << (sizes >> 4) };
        let params = Self {
            family,
            level,
            mem_level: sizes & 15,
            strategy,
            window_bits: mixed & 15,
            input_chunk,
            output_buffer,
        };
        if params.is_valid() { Ok(params) } else { Err(unknown) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::deflate::encoder::params::Family;

    #[test]
    fn stored_form_is_canonical_and_strict() {
        let mut p = Params::new(Family::Ng, 6);
        p.input_chunk = 8192;
        assert_eq!(p.to_bytes(), [1, 3, 6, 8, 15, 0, 32, 0]);
        assert_eq!(Params::from_bytes(p.to_bytes()), Ok(p));
        assert_eq!(Params::from_bytes([2, 0, 6, 8, 15, 0, 0, 0]), Err(ParamsError::Version(2)));
        p = Params { output_buffer: 32768, input_chunk: 0, ..p };
        assert_eq!(p.to_bytes(), [1, 3, 6, 0x48, 15, 0, 0, 0]);
        assert_eq!(Params::from_bytes(p.to_bytes()), Ok(p));
        p = Params { output_buffer: 32768, input_chunk: 8192, ..Params::new(Family::Miniz, 1) };
        assert_eq!(p.to_bytes(), [1, 11, 1, 0x48, 15, 0, 32, 0]);
        assert_eq!(Params::from_bytes(p.to_bytes()), Ok(p));
        for bad in [[1, 13, 6, 8, 15, 0, 0, 0], [1, 0, 0, 8, 15, 0, 0, 0], [1, 0, 6, 8, 0x5f, 0, 0, 0]] {
            assert_eq!(Params::from_bytes(bad), Err(ParamsError::Unknown(bad)));
        }
    }
}
