//! Truncated, mutated and adversarial objects: copied where they must be, exact always.

use std::time::Instant;

use crate::support::{Dice, STRATEGIES, check, expand, flushed, gzip, tight, zipped, zlib};
use deltastore_members::{Settings, recreate};

#[test]
fn truncated_anywhere() {
    let mut dice = Dice::new(20);
    let content = dice.content(3000);
    for object in [
        gzip(&content, 6),
        zlib(&content, 6, STRATEGIES[4], 15, 1),
        flushed(&content, 100),
        zipped("name", &content, true, true),
    ] {
        for len in 0..object.len() {
            check(&object[..len], &tight());
        }
    }
    let large = gzip(&(0..30).flat_map(|_| dice.content(50_000)).collect::<Vec<u8>>(), 6);
    for _ in 0..30 {
        check(&large[..dice.below(large.len())], &Settings::default());
    }
}

#[test]
fn mutated_at_random() {
    let mut dice = Dice::new(21);
    for _ in 0..300 {
        let mut object = gzip(&dice.content(60_000), 6);
        object.extend(zlib(&dice.content(20_000), 6, STRATEGIES[dice.below(5)], 15, 1 + dice.below(9) as i32));
        object.extend(zipped("z", &dice.content(20_000), true, false));
        for _ in 0..1 + dice.below(6) {
            let at = dice.below(object.len());
            match dice.below(3) {
                0 => object[at] ^= 1 << dice.below(8),
                1 => drop(object.drain(at..(at + dice.below(50)).min(object.len()))),
                _ => drop(object.splice(at..at, dice.noise(5))),
            }
        }
        check(&object, &Settings::default());
        check(&object, &tight());
    }
}

#[test]
fn damage_within_a_stream_costs_the_rest_of_it_only() {
    let mut dice = Dice::new(22);
    let text: Vec<u8> = (0..400_000).flat_map(|_| format!("{} ", dice.below(5000)).into_bytes()).collect();
    let mut object = gzip(&text, 6);
    let half = object.len() / 2;
    object.splice(half..half + 200_000, dice.noise(200_000));
    object.extend(gzip(&text[..100_000], 6));
    let covered = check(&object, &Settings::default()) as usize;
    assert!(covered > half - 100_000 && covered < object.len(), "{covered} of {}", object.len());
}

#[test]
fn noise_with_signatures() {
    let mut dice = Dice::new(23);
    for _ in 0..40 {
        let mut object = dice.noise(50_000);
        for _ in 0..400 {
            let at = dice.below(object.len() - 40);
            let signature: &[u8] = match dice.below(4) {
                0 => b"\x1f\x8b\x08\x00\0\0\0\0\0\x03",
                1 => b"PK\x03\x04\x14\0\0\0\x08\0",
                2 => b"\x78\x9c\x05",
                _ => b"\x1f\x8b\x08\x1c\0\0\0\0\0\x03\x02\0",
            };
            object[at..at + signature.len()].copy_from_slice(signature);
        }
        check(&object, &Settings::default());
        check(&object, &tight());
    }
}

/// Candidates that each decode for long before they fail must not multiply: the object is a run of signatures, each
/// followed by the start of a block whose end never comes.
#[test]
fn adversarial_candidates_take_bounded_time() {
    let mut object = Vec::new();
    // A fixed block of literals; "x\x01" is a literal pair of every other block as well.
    while object.len() < 16 << 20 {
        object.extend([0x78, 0x01, 0x03, 0x78, 0x01, 0x4b]);
    }
    let start = Instant::now();
    check(&object, &Settings::default());
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn recreating_is_total() {
    let mut dice = Dice::new(24);
    let object = {
        let mut object = gzip(&dice.content(30_000), 6);
        object.extend(zipped("z", &dice.content(5_000), true, false));
        object.extend(zlib(&dice.content(9_000), 6, STRATEGIES[4], 15, 8));
        object
    };
    let expansion = expand(&object, &tight(), 1000);
    for round in 0..20_000 {
        let unit = &expansion.units[dice.below(expansion.units.len())];
        let mut program = unit.program.clone();
        let mut view = expansion.view[unit.view.start as usize..unit.view.end as usize].to_vec();
        let mut len = unit.len as usize;
        for _ in 0..1 + dice.below(3) {
            match dice.below(5) {
                0 if !program.is_empty() => {
                    let at = dice.below(program.len());
                    program[at] = dice.below(256) as u8;
                }
                1 => view.truncate(dice.below(view.len() + 1)),
                2 => len = dice.below(2 * len + 2),
                _ if !view.is_empty() => {
                    let at = dice.below(view.len());
                    view[at] ^= 1 << dice.below(8);
                }
                _ => {}
            }
        }
        if let Ok(bytes) = recreate(&program, &view, len) {
            assert_eq!(bytes.len(), len, "round {round}");
        }
    }
    for _ in 0..20_000 {
        let len = 1 + dice.below(12);
        let mut program = dice.noise(len);
        program[0] = 1;
        program.iter_mut().skip(1).step_by(2).for_each(|byte| *byte %= 7);
        let len = dice.below(300);
        let view = dice.noise(len);
        let _ = recreate(&program, &view, dice.below(500));
    }
}

#[test]
fn unknown_versions_and_ops_are_refused() {
    use deltastore_members::RecreateError::{Length, Program, Version, View};
    assert_eq!(recreate(&[0], b"", 0), Err(Version));
    assert_eq!(recreate(&[2, 1, 1], b"a", 1), Err(Version));
    assert_eq!(recreate(&[1, 4], b"", 0), Err(Program));
    assert_eq!(recreate(&[1, 1, 0], b"", 0), Err(Program));
    let of_encoder =
        |family| [[1, 4, 1, family, 6, 8, 15, 0, 0, 0].as_slice(), &[1, 1, 1, 1, 1, 0, 1, 1, 1, 0]].concat();
    let newer = recreate(&of_encoder(0xee), b"abc", 9);
    assert!(matches!(newer, Err(deltastore_members::RecreateError::Encoder(_))), "{newer:?}");
    assert_eq!(recreate(&of_encoder(6), b"", 9), Err(View));
    assert_eq!(recreate(&[1, 1, 2], b"a", 2), Err(View));
    assert_eq!(recreate(&[1, 1, 1], b"ab", 1), Err(View));
    assert_eq!(recreate(&[1, 1, 1], b"a", 2), Err(Length));
    assert_eq!(recreate(&[1, 1, 2], b"ab", 1), Err(Length));
    assert_eq!(recreate(&[], b"ab", 1), Err(Length));
    assert_eq!(recreate(&[1], b"", 0), Ok(vec![]));
    assert_eq!(recreate(&[1, 1, 2], b"ab", 2).as_deref(), Ok(&b"ab"[..]));
    assert_eq!(recreate(&[], b"ab", usize::MAX), Err(Length));
}
