use super::*;
use crate::codecs::approximate;
use crate::testing::{Random, Shelf, decode, edited, native, noise, text};
use crate::{Nearness, Reference, sketch};

fn encode(window: &[u8], shelf: &Shelf, effort: &Effort) -> Encoded {
    let encoded = Encoder::new().encode(&Bytes::copy_from_slice(window), &sketch(window), shelf, effort);
    assert_eq!(decode(window, &encoded, shelf).expect("decodes"), window);
    encoded
}

#[test]
fn adversarial_windows_come_back() {
    let shelf = Shelf::default();
    let cases: [(Vec<u8>, Codec); 7] = [
        (Vec::new(), Codec::Raw),
        (vec![7], Codec::Raw),
        (vec![0; 4 << 20], Codec::Zstd),
        (vec![0; 16 << 20], Codec::Zstd),
        (noise(1, 16 << 20), Codec::Raw),
        (noise(2, 1000), Codec::Raw),
        (text(3, 1 << 20), Codec::Zstd),
    ];
    for (window, codec) in cases {
        let encoded = encode(&window, &shelf, &Effort::default());
        assert_eq!((encoded.codec, encoded.depth, encoded.references.len()), (codec, 0, 0), "{} bytes", window.len());
    }
}

#[test]
fn one_encoder_serves_windows_of_all_kinds() {
    let mut encoder = Encoder::new();
    let mut shelf = Shelf::default();
    let mut random = Random::new(4);
    for round in 0..60 {
        let len = 1 << random.below(19);
        let window = if round % 2 == 0 { noise(round, len) } else { text(round, len) };
        for window in [edited(&window, 500, round), edited(&window, 3000, round + 1), window] {
            let features = sketch(&window);
            let effort = Effort { vcdiff_always: round % 3 == 0, max_references: random.below(5), ..Effort::default() };
            let encoded = encoder.encode(&window.clone().into(), &features, &shelf, &effort);
            assert_eq!(decode(&window, &encoded, &shelf).expect("decodes"), window);
            assert!(encoded.depth <= 2 && encoded.references.len() <= effort.max_references.min(4));
            shelf.put(&window, encoded.depth, Nearness::Store);
        }
    }
}

#[test]
fn a_reference_that_equals_the_window_leaves_almost_nothing() {
    let mut shelf = Shelf::default();
    for window in [noise(5, 1 << 20), text(5, 1 << 20), text(6, 20_000)] {
        shelf.put(&window, 0, Nearness::Store);
        let encoded = encode(&window, &shelf, &Effort::default());
        assert_eq!((encoded.depth, encoded.references.len()), (1, 1));
        assert!(encoded.bytes.len() < 400, "{}", encoded.bytes.len());
    }
}

#[test]
fn the_largest_window_takes_the_largest_reference() {
    let mut shelf = Shelf::default();
    let window = noise(7, 16 << 20);
    shelf.put(&edited(&window[..(16 << 20) - 100_000], 100_000, 7), 0, Nearness::Store);
    let encoded = encode(&window, &shelf, &Effort::default());
    assert_eq!(encoded.codec, Codec::ZstdReferences);
    assert!(encoded.bytes.len() < 200_000);
}

#[test]
fn depth_never_passes_the_limit() {
    let window = noise(8, 300_000);
    for (stored, max_depth, depth) in [(0, 0, 0), (0, 1, 1), (1, 1, 0), (1, 2, 2), (2, 2, 0), (3, 4, 4), (255, 255, 0)]
    {
        let mut shelf = Shelf::default();
        shelf.put(&edited(&window, 50_000, 8), stored, Nearness::Store);
        let encoded = encode(&window, &shelf, &Effort { max_depth, ..Effort::default() });
        assert_eq!(encoded.depth, depth, "reference {stored} deep, {max_depth} allowed");
        let unused = encode(&window, &shelf, &Effort { deltas: false, ..Effort::default() });
        assert_eq!(unused.depth, 0);
    }
}

#[test]
fn references_that_do_not_help_are_not_kept() {
    let mut shelf = Shelf::default();
    let mut window = text(9, 500_000);
    let mut stranger = noise(9, 500_000);
    // Enough in common to be found, too little to gain.
    stranger[..3000].copy_from_slice(&window[..3000]);
    let shared = sketch(&stranger);
    shelf.put(&stranger, 0, Nearness::Store);
    let mut encoder = Encoder::new();
    let encoded = encoder.encode(&window.clone().into(), &shared, &shelf, &Effort::default());
    assert_eq!((encoded.codec, encoded.depth), (Codec::Zstd, 0));
    window = noise(10, 500_000);
    let encoded = encoder.encode(&window.clone().into(), &shared, &shelf, &Effort::default());
    assert_eq!((encoded.codec, encoded.depth), (Codec::Raw, 0));
}

#[test]
fn vcdiff_wins_where_next_to_nothing_changed() {
    let mut shelf = Shelf::default();
    let window = noise(11, 1 << 20);
    let mut before = window.clone();
    before[700_000] ^= 1;
    shelf.put(&before, 0, Nearness::Store);
    let encoded = encode(&window, &shelf, &Effort::default());
    assert_eq!(encoded.codec, Codec::Vcdiff);
    assert!(encoded.bytes.len() < 60, "{}", encoded.bytes.len());
}

#[test]
fn shifted_addresses_are_for_the_approximate_match() {
    let mut shelf = Shelf::default();
    let window = native(13, 600_000, 0x5550);
    shelf.put(&native(13, 600_000, 0), 0, Nearness::Store);
    for effort in [Effort::balanced(), Effort::cold()] {
        let features = sketch(&native(13, 600_000, 0));
        let encoded = Encoder::new().encode(&window.clone().into(), &features, &shelf, &effort);
        assert_eq!((encoded.codec, encoded.depth), (Codec::Approximate, 1));
        assert!(encoded.bytes.len() * 20 < window.len(), "{}", encoded.bytes.len());
        assert_eq!(decode(&window, &encoded, &shelf).expect("decodes"), window);
    }
}

#[test]
fn a_wrong_difference_is_caught() {
    let mut encoder = Encoder::new();
    let window = Bytes::from(native(14, 200_000, 0x777));
    let old = native(14, 200_000, 0);
    let reference = Reference { hash: Hash([1; 32]), bytes: old.clone().into(), depth: 0, cost: 200_000 };
    let wanted = Effort::balanced().approximate.expect("tried");
    encoder.approximator.find(&window, &old, &wanted);
    let right = encoder.approximator.write(&window, &old, &wanted, window.len()).expect("shorter");
    let mut other = window.to_vec();
    *other.last_mut().expect("not empty") ^= 1;
    let wrong = encoder.approximator.write(&other, &old, &wanted, window.len()).expect("shorter");
    assert!(approximate::decode(&mut DCtx::create(), &wrong, &old, window.len()).is_ok(), "it does decode");
    let form = |bytes: &Vec<u8>| Form { codec: Codec::Approximate, bytes: bytes.clone() };
    let references = std::slice::from_ref(&reference);
    let only = encoder.proven(&window, vec![form(&wrong)], references, &old);
    assert_eq!((only.codec, &only.bytes), (Codec::Raw, &window));
    let both = encoder.proven(&window, vec![form(&wrong), form(&right)], references, &old);
    assert_eq!(both.bytes, right);
}

#[test]
fn levels_from_end_to_end_work_with_references() {
    let mut shelf = Shelf::default();
    let window = text(12, 200_000);
    shelf.put(&edited(&window, 1000, 12), 0, Nearness::Store);
    for level in [-5, 0, 1, 3, 4, 9, 19, 99] {
        let effort = Effort { level, level_with_references: level, ..Effort::default() };
        let encoded = encode(&window, &shelf, &effort);
        assert_eq!(encoded.depth, 1, "level {level}");
    }
}

#[test]
fn a_long_form_spares_depth_for_later_windows() {
    let old = noise(21, 800_000);
    let window = [&old[..], &noise(22, 200_000)].concat();
    let mut shelf = Shelf::default();
    shelf.put(&old, 3, Nearness::Store);
    assert_eq!(encode(&window, &shelf, &Effort::cold()).depth, 4, "without references it would be five times as long");
    shelf.put(&old[..760_000], 0, Nearness::Store);
    let spared = encode(&window, &shelf, &Effort::cold());
    assert_eq!(spared.depth, 1, "{} bytes", spared.bytes.len());
    assert_eq!(encode(&window, &shelf, &Effort { spare_depth: 0, ..Effort::cold() }).depth, 4);
    let short = [&old[..], &noise(22, 20_000)].concat();
    assert_eq!(encode(&short, &shelf, &Effort::cold()).depth, 4, "little in it is new");
}
