//! Whatever the object, its units re-create it; and members that are sound are expanded.

use crate::support::{Dice, STRATEGIES, check, expand, flushed, gzip, raw, tarred, tight, zipped, zlib};
use deltastore_members::deflate::encoder::{Family, Input, Params, Start, encode};
use deltastore_members::{Settings, Step, describe, recreate};
use std::ops::ControlFlow;

/// Asserts that nearly all of a member is covered.
fn expanded(object: &[u8]) {
    let covered = check(object, &Settings::default());
    assert!(covered as usize + 300 >= object.len(), "{covered} of {}", object.len());
    check(object, &tight());
}

#[test]
fn every_level_and_strategy() {
    let mut dice = Dice::new(1);
    for strategy in STRATEGIES {
        for level in 0..=9 {
            let content = dice.content(90_000);
            for wrapping in [15, 31] {
                expanded(&zlib(&content, level, strategy, wrapping, 1 + dice.below(9) as i32));
            }
        }
    }
    for level in 0..=9 {
        expanded(&gzip(&dice.content(200_000), level));
    }
}

#[test]
fn streams_larger_than_units() {
    let mut dice = Dice::new(2);
    let content: Vec<u8> = (0..60).flat_map(|_| dice.content(100_000)).collect();
    for level in [1, 6] {
        expanded(&gzip(&content, level));
    }
    expanded(&zlib(&content, 9, STRATEGIES[0], 31, 9));
}

/// A gzip member whose stream `params` makes, with a wrong check, which nobody looks at.
fn made_by(params: &Params, content: &[u8]) -> Vec<u8> {
    let input = Input { plain: content, flushes: &[], ends: true };
    let mut member = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    member.extend(encode(params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(())));
    member.extend([0; 8]);
    member
}

/// Asserts that re-encode mode stores the object without tokens, in more than `few` units.
fn stored_plain(object: &[u8], few: usize) {
    let expansion = expand(object, &Settings { reencode: true, ..Settings::default() }, 100_000);
    assert!(expansion.units.len() > few, "{}", expansion.units.len());
    let mut made = Vec::new();
    for unit in &expansion.units {
        let view = &expansion.view[unit.view.start as usize..unit.view.end as usize];
        made.extend(recreate(&unit.program, view, unit.len as usize).expect("the unit's bytes"));
        let steps = describe(&unit.program).expect("a program");
        assert!(!steps.is_empty() && !steps.iter().any(|step| matches!(step, Step::Tokens { .. })), "{steps:?}");
    }
    assert!(made == object);
}

/// Of an object's steps that yield blocks, which are tokens, in order; asserts that all units re-create it.
fn tokens(object: &[u8], settings: &Settings) -> Vec<bool> {
    let expansion = expand(object, settings, 100_000);
    assert!(expansion == expand(object, settings, 999_983), "it depends on how the bytes arrive");
    let (mut made, mut tokens) = (Vec::new(), Vec::new());
    for unit in &expansion.units {
        let view = &expansion.view[unit.view.start as usize..unit.view.end as usize];
        if unit.program.is_empty() {
            made.extend(view);
            continue;
        }
        made.extend(recreate(&unit.program, view, unit.len as usize).expect("the unit's bytes"));
        let steps = describe(&unit.program).expect("a program");
        tokens.extend(steps.iter().filter_map(|step| match step {
            Step::Tokens { .. } => Some(true),
            Step::Encoder { .. } => Some(false),
            _ => None,
        }));
    }
    assert!(made == object);
    tokens
}

#[test]
fn what_would_take_too_long_to_encode_becomes_tokens() {
    let mut dice = Dice::new(14);
    let content: Vec<u8> = (0..40).flat_map(|_| dice.content(100_000)).collect();
    let (one, small) = (gzip(&content, 6), gzip(&content[..100_000], 6));
    for object in [one.clone(), (0..40).flat_map(|_| small.clone()).collect(), tarred("a.gz", &one)] {
        let reencode = Settings { reencode: true, ..Settings::default() };
        let cost = Params::new(Family::Zlib, 6).cost();
        let all = content.len() as u64 * cost / 1000;
        assert!(tokens(&object, &reencode).iter().all(|is| !is));
        assert!(tokens(&object, &Settings { time: 2 * all, ..reencode.clone() }).iter().all(|is| !is));
        assert!(tokens(&object, &Settings { time: 0, ..reencode.clone() }).iter().all(|is| *is));
        let half = tokens(&object, &Settings { time: all / 2, ..reencode });
        assert!(!half[0] && half[half.len() - 1], "{half:?}");
        assert!(half.is_sorted(), "nothing is encoded behind the first tokens: {half:?}");
    }
}

#[test]
fn streams_of_go_restart() {
    let mut dice = Dice::new(11);
    let content: Vec<u8> = (0..40).flat_map(|_| dice.content(100_000)).collect();
    for level in [1, 3, 6] {
        stored_plain(&made_by(&Params::new(Family::Go, level), &content), 3);
    }
}

#[test]
fn streams_of_miniz_restart() {
    let mut dice = Dice::new(17);
    let content: Vec<u8> = (0..40).flat_map(|_| dice.content(100_000)).collect();
    for level in [1, 3, 6] {
        stored_plain(&made_by(&Params::new(Family::Miniz, level), &content), 3);
    }
}

#[test]
fn streams_of_klauspost_restart() {
    let mut dice = Dice::new(13);
    let content: Vec<u8> = (0..35).flat_map(|_| dice.content(100_000)).collect();
    for (level, input_chunk) in [(5, 0), (6, 1 << 20), (7, 0), (9, 0), (9, 1 << 20)] {
        let params = Params { input_chunk, ..Params::new(Family::Klauspost, level) };
        stored_plain(&made_by(&params, &content), 3);
    }
}

#[test]
fn members_of_libdeflate() {
    let mut dice = Dice::new(12);
    for level in [6, 12] {
        let params = Params::new(Family::Libdeflate, level);
        let object: Vec<u8> = (0..30).flat_map(|_| made_by(&params, &dice.content(60_000))).collect();
        stored_plain(&object, 0);
    }
}

#[test]
fn flushed_streams() {
    let mut dice = Dice::new(3);
    let content = dice.content(100_000);
    for piece in [1, 10, 1000, 40_000] {
        expanded(&flushed(&content[..content.len().min(piece * 5000)], piece));
    }
}

#[test]
fn members_among_other_bytes() {
    let mut dice = Dice::new(4);
    for round in 0..60 {
        let mut object = Vec::new();
        let mut members = 0;
        for index in 0..1 + dice.below(12) {
            let len = dice.below(40_000);
            let content = dice.content(len);
            let kind = dice.below(7);
            match kind {
                0 => object.extend(content),
                1 => object.extend(gzip(&content, 6)),
                2 => object.extend(zipped(&format!("member-{index}"), &content, true, dice.below(2) == 0)),
                3 => object.extend(zipped("stored", &content, false, false)),
                4 => object.extend(tarred("inner.zip", &zipped("a", &content, true, true))),
                5 => object.extend(zlib(&content, 6, STRATEGIES[dice.below(5)], 15, 8)),
                _ => {
                    // A png: one IDAT chunk.
                    object.extend(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR.................\0\0\0\0IDAT");
                    object.extend(zlib(&content, 9, STRATEGIES[1], 15, 9));
                }
            }
            members += usize::from(len > 20_000 && !matches!(kind, 0 | 3));
        }
        let covered = check(&object, &Settings::default());
        check(&object, &tight());
        assert!(members == 0 || covered > 0 || object.len() < 1000, "round {round}");
    }
}

#[test]
fn a_zip_of_many_members_needs_few_units() {
    let mut dice = Dice::new(5);
    let zip: Vec<u8> = (0..2000)
        .flat_map(|index| {
            let content: Vec<u8> = (0..200).flat_map(|_| format!("line {} ", dice.below(50)).into_bytes()).collect();
            zipped(&format!("folder/{index:04}.txt"), &content, true, false)
        })
        .collect();
    let expansion = expand(&zip, &Settings::default(), 1 << 20);
    let programs: usize = expansion.units.iter().map(|unit| unit.program.len()).sum();
    assert!(expansion.units.len() <= zip.len() / (512 * 1024) + 1);
    assert!(programs <= 2000 * 4, "{programs}");
    expanded(&zip);
}

#[test]
fn a_large_stored_member_becomes_plain_units() {
    let mut dice = Dice::new(6);
    let mut object = gzip(&dice.content(50_000), 6);
    object.extend(dice.noise(3 << 20));
    object.extend(gzip(&dice.content(50_000), 6));
    let expansion = expand(&object, &Settings::default(), 1 << 20);
    let plain: u64 = expansion.units.iter().filter(|unit| unit.program.is_empty()).map(|unit| unit.len).sum();
    assert_eq!(expansion.units.iter().filter(|unit| !unit.program.is_empty()).count(), 2);
    assert!(plain > (3 << 20) - 64 && plain < (3 << 20) + 64);
    check(&object, &Settings::default());
}

#[test]
fn pieces_make_no_difference() {
    let mut dice = Dice::new(7);
    let mut object = dice.noise(1000);
    for _ in 0..6 {
        let content: Vec<u8> = (0..8).flat_map(|_| dice.content(40_000)).collect();
        object.extend(gzip(&content, 6));
        object.extend(dice.content(90_000));
        object.extend(zipped("x", &content[..100_000], true, true));
    }
    for settings in [Settings::default(), tight()] {
        let whole = expand(&object, &settings, object.len());
        for piece in [1, 7, 1000, 64 * 1024, 512 * 1024 + 1] {
            assert!(expand(&object, &settings, piece) == whole, "pieces of {piece}");
        }
    }
}

#[test]
fn what_has_no_member_has_no_program() {
    let mut dice = Dice::new(9);
    for len in [1, 100, 4096, 65_535, 65_536, (1 << 20) + 100] {
        for object in [dice.noise(len), vec![b'a'; len]] {
            let expansion = expand(&object, &Settings::default(), len);
            assert!(expansion.units.iter().all(|unit| unit.program.is_empty()), "{len} bytes");
            assert!(expansion.view == object);
        }
    }
}

#[test]
fn nothing_and_nearly_nothing() {
    let mut dice = Dice::new(8);
    assert_eq!(expand(&[], &Settings::default(), 1).units, []);
    for len in 1..40 {
        check(&dice.noise(len), &Settings::default());
        check(&gzip(&dice.noise(len), 6), &Settings::default());
        check(&zlib(&dice.noise(len), 6, STRATEGIES[0], 15, 8), &tight());
    }
}

#[test]
fn views_of_bombs_stay_small() {
    for len in [1 << 20, 30 << 20] {
        let bomb = raw(&vec![0; len], 9);
        let mut object = vec![0x78, 0xda];
        object.extend(&bomb);
        let mut dice = Dice::new(10);
        object.extend(gzip(&dice.content(50_000), 6));
        let expansion = expand(&object, &Settings::default(), 4096);
        assert!(expansion.view.len() <= object.len() * 4);
        check(&object, &Settings::default());
        check(&object, &tight());
    }
}
