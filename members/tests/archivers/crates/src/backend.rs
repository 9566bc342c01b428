//! What flate2 makes with the backend it was built with.

use std::io::Write;

use flate2::{Compression, GzBuilder, write};

use crate::{Result, Shelf};

const BACKEND: &str = if cfg!(feature = "zlib-ng") {
    "libz-ng-sys"
} else if cfg!(feature = "zlib") {
    "libz-sys"
} else if cfg!(feature = "zlib-rs") {
    "zlib-rs"
} else {
    "miniz_oxide"
};

pub fn make(shelf: &Shelf) -> Result {
    let tool = format!("flate2, {BACKEND}");
    let save = |variant: &str, bytes: &[u8]| shelf.save(&tool, BACKEND, variant, bytes);
    let gzip = |bytes: &[u8], level: u32| {
        let mut writer = GzBuilder::new().filename("name").write(Vec::new(), Compression::new(level));
        writer.write_all(bytes)?;
        writer.finish().map_err(Into::into)
    };
    for level in 1..=9 {
        save(&format!("gzip -{level}"), &shelf.members(|bytes| gzip(bytes, level))?)?;
        let zlib = shelf.members(|bytes| {
            let mut writer = write::ZlibEncoder::new(Vec::new(), Compression::new(level));
            for piece in bytes.chunks(1000) {
                writer.write_all(piece)?;
            }
            Ok(writer.finish()?)
        })?;
        save(&format!("zlib -{level} in pieces"), &zlib)?;
        let mut tar = tar::Builder::new(write::GzEncoder::new(Vec::new(), Compression::new(level)));
        for (name, bytes) in &shelf.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, name, bytes.as_slice())?;
        }
        save(&format!("tgz -{level}"), &tar.into_inner()?.finish()?)?;
    }
    save("gzip large", &gzip(&shelf.large, 6)?)?;
    let mut flushed = write::GzEncoder::new(Vec::new(), Compression::default());
    for piece in shelf.words().chunks(3000) {
        flushed.write_all(piece)?;
        flushed.flush()?;
    }
    save("gzip flushed", &flushed.finish()?)?;
    Ok(())
}
