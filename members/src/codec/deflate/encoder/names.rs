//! Encoders for people to read.

use super::params::{Family, Params, Strategy};
use std::fmt;

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Params {
    /// The family and its level, then what differs from the settings of nearly every program.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, level, mem_level, strategy, window_bits, input_chunk, output_buffer } = *self;
        write!(f, "{family} level {level}")?;
        if strategy != Strategy::Default {
            write!(f, ", {}", format!("{strategy:?}").to_lowercase())?;
        }
        if mem_level != 8 {
            write!(f, ", memory level {mem_level}")?;
        }
        if window_bits != 15 {
            write!(f, ", window 2^{window_bits}")?;
        }
        if input_chunk != 0 {
            write!(f, ", {} {input_chunk}", family.engine().chunk_label())?;
        }
        if output_buffer != 0 {
            write!(f, ", output buffer of {output_buffer}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_settings_are_named() {
        let usual = Params::new(Family::Pigz, 9);
        assert_eq!(Params { input_chunk: 131_072, ..usual }.to_string(), "pigz level 9, pieces of 131072");
        let params = Params { strategy: Strategy::Huffman, mem_level: 9, window_bits: 13, ..usual };
        let params = Params { family: Family::Zlib, input_chunk: 8192, ..params };
        assert_eq!(params.to_string(), "zlib level 9, huffman, memory level 9, window 2^13, input chunks of 8192");
        assert_eq!(
            Params { family: Family::Ng, output_buffer: 32768, ..usual }.to_string(),
            "zlib-ng level 9, output buffer of 32768"
        );
    }
}
