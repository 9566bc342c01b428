//! Boundaries between chunks of a stream: how many were taken out, and that all comes back.

use crate::support::{Dice, checked, expand, tight};
use deltastore_members::{Expansion, Settings, Step, describe, recreate};

pub fn reencode() -> Settings {
    Settings { reencode: true, ..Settings::default() }
}

/// Both modes, each with limits that no small object meets and with such that all do.
pub fn modes() -> [Settings; 4] {
    let small = Settings { packed: 10_000, block: 60_000, ..tight() };
    [Settings::default(), small.clone(), reencode(), Settings { reencode: true, ..small }]
}

pub fn steps(expansion: &Expansion) -> Vec<Step> {
    expansion.units.iter().flat_map(|unit| describe(&unit.program).expect("a program")).collect()
}

/// Boundaries that were taken out.
pub fn boundaries(expansion: &Expansion) -> u64 {
    let of = |step: Step| match step {
        Step::ImageChunks { boundaries } | Step::DumpChunks { boundaries } => boundaries,
        _ => 0,
    };
    steps(expansion).into_iter().map(of).sum()
}

/// Asserts that the object comes back in all modes however it arrives, with so many boundaries taken out, and that
/// nearly all of the streams is plain in re-encode mode.
pub fn taken_apart(object: &[u8], expected: u64) {
    for settings in modes() {
        let expansion = checked(object, &settings);
        // Small units may leave one behind the stream to a plain one.
        let found = boundaries(&expansion);
        let settings_are_small = settings.unit < Settings::default().unit;
        assert!(found == expected || settings_are_small && (1..expected).contains(&found), "{found} of {expected}");
        for piece in [1, 64 * 1024] {
            assert!(expand(object, &settings, piece) == expansion, "pieces of {piece}");
        }
    }
    let found = steps(&checked(object, &reencode()));
    assert!(found.iter().any(|step| matches!(step, Step::Encoder { .. })), "{found:?}");
    assert!(!found.iter().any(|step| matches!(step, Step::Tokens { .. })), "{found:?}");
}

/// Runs programs of an object with boundaries that were damaged, and programs of noise that begin with an op of
/// boundaries, `boundary` bytes each and fewer than `most` in the length asked for.
pub fn damaged(dice: &mut Dice, expansion: &Expansion, op: u8, boundary: usize, most: usize) {
    for round in 0..8_000 {
        let unit = &expansion.units[dice.below(expansion.units.len())];
        let mut program = unit.program.clone();
        let mut view = expansion.view[unit.view.start as usize..unit.view.end as usize].to_vec();
        let mut len = unit.len as usize;
        for _ in 0..1 + dice.below(2) {
            match dice.below(6) {
                0 => view.truncate(dice.below(view.len() + 1)),
                1 => len = dice.below(2 * len + 2),
                2 if !program.is_empty() => drop(program.remove(dice.below(program.len()))),
                _ if !program.is_empty() => {
                    // The ops of chunks come first.
                    let at = dice.below(program.len().min(24));
                    program[at] = dice.below(256) as u8;
                }
                _ => {}
            }
        }
        if let Ok(bytes) = recreate(&program, &view, len) {
            assert_eq!(bytes.len(), len, "round {round}");
        }
    }
    for _ in 0..50_000 {
        let mut program = dice.noise(16);
        program[..2].copy_from_slice(&[1, op]);
        program.iter_mut().skip(2).for_each(|byte| *byte %= 12);
        program[12..14].copy_from_slice(&[1, 40]);
        program.truncate(14);
        let view = dice.noise(40);
        let _ = recreate(&program, &view, 40 + boundary * dice.below(most));
    }
}
