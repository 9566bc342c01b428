//! Bodies with compressed members in them, as packers make them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A gzip file. With `flush`, the encoder is told to flush after every so many bytes, so that the stream has many
/// blocks.
pub fn gzip(plain: &[u8], level: u32, flush: Option<usize>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    for piece in plain.chunks(flush.unwrap_or(usize::MAX)) {
        encoder.write_all(piece).expect("memory takes it");
        if flush.is_some() {
            encoder.flush().expect("memory takes it");
        }
    }
    encoder.finish().expect("memory takes it")
}
