//! What does not depend on which backend flate2 has.

use std::io::{Cursor, Write};
use std::num::NonZeroU64;

use deflate::CompressionOptions;
use gzp::ZWriter;
use gzp::deflate::{Bgzf, Gzip, Mgzip};
use gzp::par::compress::ParCompressBuilder;
use libdeflater::{CompressionLvl, Compressor};
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

use crate::{Result, Shelf};

pub fn make(shelf: &Shelf, picture: &[u8]) -> Result {
    whole_buffers(shelf)?;
    in_parallel(shelf)?;
    zips(shelf)?;
    pictures(shelf, picture)
}

fn whole_buffers(shelf: &Shelf) -> Result {
    for level in 1..=12 {
        let lvl = CompressionLvl::new(level).map_err(|_| "a level that libdeflate lacks")?;
        let gzip = shelf.members(|bytes| {
            let mut compressor = Compressor::new(lvl);
            let mut made = vec![0; compressor.gzip_compress_bound(bytes.len())];
            let len = compressor.gzip_compress(bytes, &mut made)?;
            made.truncate(len);
            Ok(made)
        })?;
        shelf.save("libdeflater", "libdeflater", &format!("gzip -{level}"), &gzip)?;
    }
    for level in 1..=10 {
        let zlib = shelf.members(|bytes| Ok(miniz_oxide::deflate::compress_to_vec_zlib(bytes, level)))?;
        shelf.save("miniz_oxide", "miniz_oxide", &format!("zlib -{level}"), &zlib)?;
        let zlib = shelf.members(|bytes| {
            let level = yazi::CompressionLevel::Specific(level);
            yazi::compress(bytes, yazi::Format::Zlib, level).map_err(|error| format!("yazi: {error:?}").into())
        })?;
        shelf.save("yazi", "yazi", &format!("zlib -{level}"), &zlib)?;
    }
    for (name, options) in [
        ("fast", CompressionOptions::fast()),
        ("default", CompressionOptions::default()),
        ("high", CompressionOptions::high()),
        ("huffman", CompressionOptions::huffman_only()),
        ("rle", CompressionOptions::rle()),
    ] {
        let gzip = shelf.members(|bytes| {
            let mut writer = deflate::write::GzEncoder::new(Vec::new(), options);
            writer.write_all(bytes)?;
            Ok(writer.finish()?)
        })?;
        shelf.save("deflate", "deflate", &format!("gzip {name}"), &gzip)?;
    }
    let gzip = shelf.members(|bytes| {
        let mut writer = libflate::gzip::Encoder::new(Vec::new())?;
        writer.write_all(bytes)?;
        Ok(writer.finish().into_result()?)
    })?;
    shelf.save("libflate", "libflate", "gzip", &gzip)?;
    for iterations in [1, 5] {
        let iteration_count = NonZeroU64::new(iterations).ok_or("no iterations")?;
        let options = zopfli::Options { iteration_count, ..Default::default() };
        let mut made = Vec::new();
        zopfli::compress(options, zopfli::Format::Gzip, shelf.words(), &mut made)?;
        shelf.save("zopfli", "zopfli", &format!("gzip {iterations}"), &made)?;
    }
    Ok(())
}

fn in_parallel(shelf: &Shelf) -> Result {
    for level in 1..=9 {
        let save = |variant: &str, bytes: &[u8]| shelf.save("gzp", "gzp", &format!("{variant} -{level}"), bytes);
        save("gzip", &parallel::<Gzip>(level, &shelf.large[..150_000])?)?;
        save("mgzip", &parallel::<Mgzip>(level, shelf.words())?)?;
        save("bgzf", &parallel::<Bgzf>(level, shelf.words())?)?;
    }
    Ok(())
}

fn parallel<F: gzp::FormatSpec>(level: u32, bytes: &[u8]) -> Result<Vec<u8>> {
    let builder = ParCompressBuilder::<F>::new().num_threads(2)?.compression_level(gzp::Compression::new(level));
    let mut writer = builder.from_writer(Vec::new());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

fn zips(shelf: &Shelf) -> Result {
    for level in 1..=9 {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(level))
            .last_modified_time(DateTime::default())
            .large_file(level % 3 == 0);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut streamed = ZipWriter::new_stream(Vec::new());
        for (name, bytes) in &shelf.files {
            zip.start_file(*name, options)?;
            zip.write_all(bytes)?;
            streamed.start_file(*name, options)?;
            streamed.write_all(bytes)?;
        }
        shelf.save("zip", "zip", &format!("zip -{level}"), &zip.finish()?.into_inner())?;
        shelf.save("zip", "zip", &format!("zip -{level} streamed"), &streamed.finish()?.into_inner())?;
    }
    Ok(())
}

fn pictures(shelf: &Shelf, picture: &[u8]) -> Result {
    let pixels = &picture[b"P6 160 120 255\n".len()..];
    let mut whole = Vec::new();
    for compression in
        [png::Compression::Fastest, png::Compression::Fast, png::Compression::Balanced, png::Compression::High]
    {
        let mut made = Vec::new();
        let mut encoder = png::Encoder::new(&mut made, 160, 120);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(compression);
        encoder.write_header()?.write_image_data(pixels)?;
        shelf.save("png", "png", &format!("png {compression:?}"), &made)?;
        whole = made;
    }
    for preset in 0..=6 {
        let options = oxipng::Options { force: true, ..oxipng::Options::from_preset(preset) };
        let made = oxipng::optimize_from_memory(&whole, &options)?;
        shelf.save("oxipng", "oxipng", &format!("png -o {preset}"), &made)?;
    }
    Ok(())
}
