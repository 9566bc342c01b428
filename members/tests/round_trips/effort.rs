//! Objects made to be expensive: what re-encode mode spends on one is bounded by its size.

use crate::support::{Dice, checked, flushed, raw};
use deltastore_members::deflate::encoder::{Family, Input, Params, Start, encode};
use deltastore_members::{Expansion, Settings, Step, describe};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// No speed is asserted: what must not happen takes minutes for these objects, what should happen a second.
const LIVENESS: Duration = Duration::from_secs(30);

fn reencode() -> Settings {
    Settings { reencode: true, ..Settings::default() }
}

/// A gzip member around a stream.
fn member(stream: &[u8]) -> Vec<u8> {
    [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", stream, &[0; 8]].concat()
}

fn made_by(params: &Params, content: &[u8]) -> Vec<u8> {
    let input = Input { plain: content, flushes: &[], ends: true };
    encode(params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()))
}

/// A stream that no encoder makes: it ends a block in the midst of nothing, with one encoder's choices, and goes on
/// with another's.
fn made_by_none(dice: &mut Dice, len: usize) -> Vec<u8> {
    let content = dice.content(len);
    let mut stream = vec![0x00, 0x01, 0x00, 0xfe, 0xff, content[0]];
    stream.extend(raw(&content, 6));
    stream
}

fn steps(expansion: &Expansion) -> Vec<Step> {
    let programs = expansion.units.iter().filter(|unit| !unit.program.is_empty());
    programs.flat_map(|unit| describe(&unit.program).expect("a program")).collect()
}

#[test]
fn a_stream_of_400_000_flushes_takes_as_long_as_its_size_allows() {
    let content = Dice::new(1).content(1_600_000);
    let object = member(&flushed(&content, 4)[2..]);
    let started = Instant::now();
    checked(&object, &reencode());
    assert!(started.elapsed() < LIVENESS, "{:?}", started.elapsed());
}

#[test]
fn thousands_of_streams_without_an_encoder_are_not_searched_for_each() {
    let mut dice = Dice::new(2);
    let object: Vec<u8> = (0..6000).flat_map(|_| member(&made_by_none(&mut dice, 700))).collect();
    let started = Instant::now();
    checked(&object, &reencode());
    assert!(started.elapsed() < LIVENESS, "{:?}", started.elapsed());
}

#[test]
fn an_object_whose_streams_have_many_encoders_is_searched_for_as_long_as_the_settings_say() {
    let mut dice = Dice::new(3);
    let encoders: Vec<Params> = [Family::Zlib, Family::Gzip, Family::Chromium, Family::Miniz, Family::Go]
        .into_iter()
        .flat_map(|family| [2, 4, 6, 8].map(|level| Params::new(family, level)))
        .collect();
    let streams = (0..200).map(|number| made_by(&encoders[number * 7 % encoders.len()], &dice.content(40_000)));
    let object: Vec<u8> = streams.flat_map(|stream| member(&stream)).collect();
    let tokens = |search| {
        let steps = steps(&checked(&object, &Settings { search, ..reencode() }));
        let tokens = steps.iter().filter(|step| matches!(step, Step::Tokens { .. })).count();
        let encoders = steps.iter().filter(|step| matches!(step, Step::Encoder { .. })).count();
        (tokens, encoders)
    };
    let (none, some, all) = (tokens(0), tokens(40_000_000), tokens(u64::MAX));
    assert_eq!(none.1, 0, "no search, no encoders: {none:?}");
    assert!(0 < some.1 && some.1 < all.1, "some of the streams: {some:?} of {all:?}");
    assert!(all.1 >= 200, "{all:?}");
}
