//! Dumps of pg_dump's custom format, whose streams lie in chunks of its room for output.

use std::io::Write;

use crate::boundaries::{boundaries, damaged, modes, reencode, steps, taken_apart};
use crate::png::{pixels, png, stream as image_stream};
use crate::support::{Dice, check, checked, expand, flushed, tarred, tight, zipped};
use deltastore_members::{Settings, Step, recreate};
use flate2::{Compression, write};

/// Bytes between the data of two chunks.
const BOUNDARY: usize = 5;

/// Data bytes of all chunks but the last, and those of later versions of pg_dump.
const WHOLE: usize = 4096;
const LATER: usize = 128 * 1024;

/// A number as pg_dump writes it: its sign, and four bytes.
fn int(number: usize) -> [u8; BOUNDARY] {
    let [a, b, c, d] = (number as u32).to_le_bytes();
    [0, a, b, c, d]
}

/// A stream in chunks, and the mark behind the last.
fn chunks(stream: &[u8], whole: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for data in stream.chunks(whole) {
        all.extend(int(data.len()));
        all.extend(data);
    }
    all.extend(int(0));
    all
}

/// The block of a table's data.
pub fn table(id: usize, stream: &[u8], whole: usize) -> Vec<u8> {
    [&[1][..], &int(id), &chunks(stream, whole)].concat()
}

/// The block of large objects.
fn objects(id: usize, streams: &[Vec<u8>], whole: usize) -> Vec<u8> {
    let mut block = [&[3][..], &int(id)].concat();
    for (number, stream) in streams.iter().enumerate() {
        block.extend(int(16_384 + number));
        block.extend(chunks(stream, whole));
    }
    block.extend(int(0));
    block
}

/// A dump of these blocks.
fn dump(blocks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"PGDMP\x01\x0e\0\x04\x08\x01".to_vec();
    for text in ["", "ENCODING", "SET client_encoding = 'UTF8';\n", "CREATE TABLE t (id integer, note text);\n"] {
        file.extend(int(text.len()));
        file.extend(text.as_bytes());
    }
    file.extend(blocks.concat());
    file
}

/// As pg_dump compresses it.
fn stream(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A table as COPY writes it.
fn rows(dice: &mut Dice, count: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for row in 0..count {
        let (name, one, two) = (dice.below(500), dice.below(1 << 30), dice.below(1 << 30));
        writeln!(all, "{row}\tname{name}\t{one:x}{two:x}\t2026-11-{:02}", 1 + row % 30).unwrap();
    }
    all.extend(b"\\.\n\n\n");
    all
}

/// Boundaries of a stream of that length.
fn within(len: usize, whole: usize) -> u64 {
    (len.div_ceil(whole) - 1) as u64
}

#[test]
fn tables_with_every_room_for_output() {
    let content = rows(&mut Dice::new(50), 30_000);
    let stream = stream(&content, 6);
    assert!(stream.len() > 300_000);
    for whole in [WHOLE, 8192, LATER, 2 * LATER] {
        taken_apart(&dump(&[table(3341, &stream, whole)]), within(stream.len(), whole));
    }
    for whole in [2048, 5000, 4 * LATER] {
        for settings in modes() {
            assert_eq!(boundaries(&checked(&dump(&[table(1, &stream, whole)]), &settings)), 0, "chunks of {whole}");
        }
    }
}

#[test]
fn streams_that_end_at_and_around_a_chunk() {
    let mut dice = Dice::new(51);
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&rows(&mut dice, 100)).unwrap();
    encoder.flush().unwrap();
    let begun = encoder.get_ref().clone();
    for len in [4095, 4096, 4097, 8191, 8192, 8193, 12_288] {
        // The rest is a stored block, and the check.
        let rest = dice.noise(len - begun.len() - 9);
        let size = rest.len() as u16;
        let ended = [&begun[..], &[1], &size.to_le_bytes(), &(!size).to_le_bytes(), &rest, &[1, 2, 3, 4]].concat();
        assert_eq!(ended.len(), len);
        let file = dump(&[table(1, &ended, WHOLE), table(2, &ended, WHOLE)]);
        for settings in [Settings::default(), reencode()] {
            assert_eq!(boundaries(&checked(&file, &settings)), 2 * within(len, WHOLE), "{len} bytes");
        }
    }
}

#[test]
fn many_tables_and_large_objects_at_every_level() {
    let mut dice = Dice::new(52);
    for (level, whole) in [(1, WHOLE), (6, LATER), (9, WHOLE)] {
        let mut streams: Vec<Vec<u8>> =
            [1000, 1, 0, 12_000, 40, 3000].iter().map(|&count| stream(&rows(&mut dice, count), level)).collect();
        let large: Vec<Vec<u8>> = (0..9).map(|at| stream(&rows(&mut dice, at * 300), level)).collect();
        let mut blocks: Vec<Vec<u8>> =
            streams.iter().enumerate().map(|(id, stream)| table(3300 + id, stream, whole)).collect();
        blocks.push(objects(3400, &large, whole));
        streams.extend(large);
        taken_apart(&dump(&blocks), streams.iter().map(|stream| within(stream.len(), whole)).sum());
    }
}

#[test]
fn large_objects_that_are_compressed_themselves() {
    let mut dice = Dice::new(53);
    let image = png(&image_stream(&pixels(&mut dice, 200)), &[600]);
    let noise = dice.noise(60_000);
    // What does not compress lies in the stream as it is: an image with its chunks, and heads of another dump.
    let inner = dump(&[table(1, &stream(&dice.noise(30_000), 6), WHOLE)]);
    for whole in [WHOLE, LATER] {
        let large = [image.clone(), noise.clone(), inner.clone()].map(|content| stream(&content, 6));
        let file = dump(&[objects(1, &large, whole), table(2, &stream(&rows(&mut dice, 9000), 6), whole)]);
        for settings in modes() {
            let expansion = checked(&file, &settings);
            assert!(boundaries(&expansion) >= within(large[0].len(), whole));
        }
        if whole == WHOLE {
            let expansion = checked(&file, &reencode());
            assert!(!steps(&expansion).iter().any(|step| matches!(step, Step::ImageChunks { .. })));
        }
    }
}

#[test]
fn dumps_and_images_within_others() {
    let mut dice = Dice::new(54);
    let stream = stream(&rows(&mut dice, 4000), 6);
    let dump = dump(&[table(1, &stream, WHOLE)]);
    let expected = within(stream.len(), WHOLE);
    let pixels = image_stream(&pixels(&mut dice, 60));
    let image = png(&pixels, &[1000]);
    let images = within(pixels.len(), 1000);
    taken_apart(&[&dump[..], &image, &dump, &image].concat(), 2 * (expected + images));
    taken_apart(&[tarred("a.dump", &dump), tarred("i.png", &image)].concat(), expected + images);
    taken_apart(&zipped("a.dump", &dump, false, false), expected);
    // Both in one unit, in the order of the object.
    let found = steps(&checked(&[&image[..], &dump].concat(), &reencode()));
    assert!(matches!(found[..2], [Step::ImageChunks { .. }, Step::DumpChunks { .. }]), "{found:?}");
    // A part of an upload that begins within a stream: the next one is found.
    let two = [&dump[20_000..], &dump].concat();
    for settings in modes() {
        assert_eq!(boundaries(&checked(&two, &settings)), expected);
    }
}

#[test]
fn what_is_wrong_costs_the_rest_of_a_stream_only() {
    let mut dice = Dice::new(55);
    // Of small blocks, so that there are some before what is wrong.
    let stream = flushed(&rows(&mut dice, 1000), 4000);
    let whole = dump(&[table(1, &stream, WHOLE)]);
    let first = whole.len() - table(1, &stream, WHOLE).len() + 1 + BOUNDARY;
    let second = first + BOUNDARY + WHOLE;
    let expected = within(stream.len(), WHOLE);
    // Signs and lengths, of the first chunk and those behind it.
    for (at, change, found) in [
        (first, 1, 0),
        (first + 1, 1, 0),
        (first + 2, 0x30, 0),
        (first + 4, 1, 0),
        (second, 1, 0),
        (second + 2, 0x20, 0),
        (second + BOUNDARY + WHOLE, 1, 1),
        (second + BOUNDARY + WHOLE + 2, 0x18, 2),
        (second + BOUNDARY + WHOLE + 3, 1, 1),
    ] {
        let mut file = whole.clone();
        file[at] ^= change;
        let two = [&file[..], &whole].concat();
        for settings in modes() {
            assert_eq!(boundaries(&checked(&file, &settings)), found, "at {at}");
            assert_eq!(boundaries(&checked(&two, &settings)), found + expected, "at {at}");
            assert!(expand(&two, &settings, 7) == expand(&two, &settings, 100_000));
        }
    }
    // A stream that does not decode: all as it is.
    let file = dump(&[table(1, &[&[0x78, 0x9c][..], &dice.noise(50_000)].concat(), WHOLE)]);
    assert_eq!(check(&file, &Settings::default()), 0);
    assert!(expand(&file, &Settings::default(), 777).view == file);
}

#[test]
fn any_damage_comes_back() {
    let mut dice = Dice::new(56);
    let tables: Vec<Vec<u8>> =
        (0..5).map(|id| table(id, &stream(&rows(&mut dice, 300 + id * 200), 6), WHOLE)).collect();
    let file = dump(&tables);
    for round in 0..100 {
        let mut object = file.clone();
        for _ in 0..1 + dice.below(4) {
            let at = dice.below(object.len());
            match dice.below(3) {
                0 => object[at] = dice.below(256) as u8,
                1 => drop(object.drain(at..(at + dice.below(6)).min(object.len()))),
                _ => drop(object.splice(at..at, dice.noise(4))),
            }
        }
        let settings = &modes()[round % 4];
        let expansion = checked(&object, settings);
        assert!(expand(&object, settings, 1 + dice.below(9000)) == expansion);
    }
}

#[test]
fn cut_anywhere() {
    let mut dice = Dice::new(57);
    let file = dump(&[table(1, &stream(&rows(&mut dice, 700), 6), WHOLE)]);
    assert!(file.len() > 8500);
    let near = |len: usize| len % WHOLE < 200 || len.is_multiple_of(31);
    for len in (0..file.len()).filter(|&len| near(len)) {
        for settings in [tight(), Settings { reencode: true, ..tight() }] {
            let expansion = checked(&file[..len], &settings);
            if len % 20 == 0 {
                assert!(expand(&file[..len], &settings, 7) == expansion);
            }
        }
    }
}

#[test]
fn heads_without_a_boundary_hide_nothing_and_take_bounded_time() {
    let mut dice = Dice::new(58);
    let stream = stream(&rows(&mut dice, 4000), 6);
    let whole = dump(&[table(1, &stream, WHOLE)]);
    let pixels = image_stream(&pixels(&mut dice, 60));
    let image = png(&pixels, &[1000]);
    let head = [&int(2 * LATER)[..], &[0x78, 0x9c]].concat();
    let lone = [&head[..], &whole, &head, &image, &head].concat();
    for settings in modes() {
        assert_eq!(boundaries(&checked(&lone, &settings)), within(stream.len(), WHOLE) + within(pixels.len(), 1000));
        assert!(expand(&lone, &settings, 1) == expand(&lone, &settings, lone.len()));
    }
    let start = std::time::Instant::now();
    let heads = head.repeat((8 << 20) / head.len());
    let settings = Settings::default();
    assert!(checked(&heads, &settings) == expand(&heads, &settings, 5000));
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn versions_differ_where_the_table_does() {
    let content = rows(&mut Dice::new(59), 20_000);
    let mut changed = content.clone();
    changed[200_000..200_300].fill(b'9');
    let [one, two] = [content, changed].map(|content| {
        let file = dump(&[table(1, &stream(&content, 6), WHOLE)]);
        expand(&file, &reencode(), 4096).view
    });
    // But for the stream's last bits and its check.
    let [one, two] = [&one, &two].map(|view| {
        let end = view.windows(3).rposition(|three| three == b"\\.\n");
        &view[..end.expect("the table's last line")]
    });
    let same = one.iter().zip(two).take_while(|(a, b)| a == b).count();
    let behind = one.iter().rev().zip(two.iter().rev()).take_while(|(a, b)| a == b).count();
    assert!(one.len() - same - behind < 400, "{same} of {} bytes, then {behind}", one.len());
}

#[test]
fn damaged_programs_are_refused_or_fail() {
    let mut dice = Dice::new(60);
    let tables: Vec<Vec<u8>> = (0..4).map(|id| table(id, &stream(&rows(&mut dice, 2000), 6), WHOLE)).collect();
    let expansion = expand(&dump(&tables), &Settings { unit: 20_000, ..reencode() }, 1000);
    assert!(boundaries(&expansion) > 10);
    damaged(&mut dice, &expansion, 6, BOUNDARY, 8);
}

#[test]
fn ops_of_chunks_mean_what_they_say() {
    use deltastore_members::RecreateError::{Length, Program, View};
    let body = b"abcdefghijkl";
    // Behind "abc"; then chunks of two bytes, and one that is longer than the unit goes.
    let expected = [&b"abc"[..], &int(2), b"de", &int(2), b"fg", &int(300), b"hijkl"].concat();
    let program = [1, 6, 3, 2, 2, 2, 1, 0xac, 2, 1, 12];
    assert_eq!(recreate(&program, body, expected.len()).as_deref(), Ok(&expected[..]));
    // Two ops, and one of an image behind them.
    let crc = libdeflater::crc32(b"jk").to_be_bytes();
    let expected = [&int(3)[..], b"abcde", &int(9), b"fghijk", &crc, &[0, 0, 0, 7], b"IDAT", b"l"].concat();
    let mixed = [1, 6, 0, 1, 1, 3, 6, 5, 1, 1, 9, 5, 6, 2, 1, 1, 7, 1, 12];
    assert_eq!(recreate(&mixed, body, expected.len()).as_deref(), Ok(&expected[..]));
    for (program, len, error) in [
        // A boundary at the end, or beyond it.
        (&[1, 6, 12, 1, 1, 9, 1, 12][..], 17, View),
        (&[1, 6, 9, 1, 2, 9, 1, 12], 22, View),
        (&[1, 6, 9, 1, 1, 9, 1, 12], 16, Length),
        (&[1, 6, 9, 1, 1, 9, 1, 12], 18, Length),
        // No boundaries, too long a chunk, the wrong order, the end of the program.
        (&[1, 6, 9, 0, 1, 12], 12, Program),
        (&[1, 6, 9, 1, 0, 9, 1, 12], 17, Program),
        (&[1, 6, 9, 1, 1, 0x80, 0x80, 0x80, 0x80, 8, 1, 12], 17, Program),
        (&[1, 1, 12, 6, 9, 1, 1, 9], 17, Program),
        (&[1, 6, 9, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 9, 1, 12], 17, Length),
        (&[1, 6, 9, 3, 1, 9], 17, Program),
    ] {
        assert_eq!(recreate(program, body, len), Err(error), "{program:?}");
    }
}
