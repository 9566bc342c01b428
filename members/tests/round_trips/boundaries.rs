//! Boundaries between chunks of a stream: how many were taken out, and that all comes back.

use crate::support::{checked, expand, tight};
use deltastore_members::{Expansion, Settings, Step, describe};

pub fn deep() -> Settings {
    Settings { deep: true, ..Settings::default() }
}

/// Both gears, each with limits that no small object meets and with such that all do.
pub fn gears() -> [Settings; 4] {
    let small = Settings { packed: 10_000, block: 60_000, ..tight() };
    [Settings::default(), small.clone(), deep(), Settings { deep: true, ..small }]
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

/// Asserts that the object comes back in all gears however it arrives, with so many boundaries taken out, and that nearly all of the
/// streams is plain in the deep gear.
pub fn taken_apart(object: &[u8], expected: u64) {
    for settings in gears() {
        let expansion = checked(object, &settings);
        // Small units may leave one behind the stream to a plain one.
        let found = boundaries(&expansion);
        let settings_are_small = settings.unit < Settings::default().unit;
        assert!(found == expected || settings_are_small && (1..expected).contains(&found), "{found} of {expected}");
        for piece in [1, 64 * 1024] {
            assert!(expand(object, &settings, piece) == expansion, "pieces of {piece}");
        }
    }
    let found = steps(&checked(object, &deep()));
    assert!(found.iter().any(|step| matches!(step, Step::Encoder { .. })), "{found:?}");
    assert!(!found.iter().any(|step| matches!(step, Step::Tokens { .. })), "{found:?}");
}
