//! Zip files, as packers make them.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// The local headers and data of a zip file, without its directory.
pub fn zip(members: &[(&str, &[u8])], level: u32) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, plain) in members {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(plain).expect("memory takes it");
        let data = encoder.finish().expect("memory takes it");
        let mut crc = Crc::new();
        crc.update(plain);
        file.extend(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0");
        file.extend(crc.sum().to_le_bytes());
        file.extend((data.len() as u32).to_le_bytes());
        file.extend((plain.len() as u32).to_le_bytes());
        file.extend((name.len() as u16).to_le_bytes());
        file.extend([0, 0]);
        file.extend(name.as_bytes());
        file.extend(data);
    }
    file
}
