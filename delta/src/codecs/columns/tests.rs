use super::*;
use crate::sketch;
use crate::testing::{Random, bfloat, double, native, noise, shared, single, text, weights};

type Form = fn(f64) -> Vec<u8>;

const FORMS: [(usize, Form); 3] = [(2, bfloat), (4, single), (8, double)];

fn encode(window: &[u8], references: &[Bytes]) -> Option<Vec<u8>> {
    let layout = Layout::of(window)?;
    Columnist::default().write(window, layout, references, &references.concat(), window.len() + 1000)
}

fn back(encoded: &[u8], source: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
    decode(&mut DCtx::create(), encoded, source, raw_len)
}

#[test]
fn numbers_of_each_width_are_seen_wherever_the_first_lies() {
    for (width, form) in FORMS {
        for phase in 0..width {
            let window = weights(1, 60_000, 0, form)[width - phase..].to_vec();
            let layout = Layout::of(&window).expect("numbers");
            assert_eq!((layout.width.bytes(), layout.phase), (width, phase % width));
            assert_eq!(layout.shift, layout.width.lowest_key(), "an exponent");
        }
    }
}

#[test]
fn other_bytes_are_no_numbers() {
    let counters: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    for (name, window) in [
        ("noise", noise(1, 500_000)),
        ("text", text(1, 500_000)),
        ("code", native(1, 500_000, 0)),
        ("zeros", vec![0; 500_000]),
        ("counters", counters),
        ("too few", weights(1, 1000, 0, single)),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(Layout::of(&window), None, "{name}");
    }
}

#[test]
fn versions_share_their_features() {
    for (width, form) in FORMS {
        let old = sketch(&weights(2, 300_000, 0, form));
        let new = sketch(&weights(2, 300_000, 3, form));
        let stranger = sketch(&weights(3, 300_000, 0, form));
        assert!(shared(&old, &new) * 2 > old.len(), "{width}: {} of {}", shared(&old, &new), old.len());
        assert_eq!(shared(&old, &stranger), 0, "{width}");
    }
}

#[test]
fn versions_take_a_part_of_what_they_take_alone() {
    for (width, form) in FORMS {
        let old = Bytes::from(weights(4, 200_000, 0, form));
        let new = weights(4, 200_000, 3, form);
        let alone = encode(&new, &[]).expect("columns").len();
        let against = encode(&new, std::slice::from_ref(&old)).expect("columns").len();
        assert!(alone * 100 < new.len() * 96, "{width}: {alone} of {}", new.len());
        assert!(against * 10 < alone * 9, "{width}: {against}, alone {alone}");
    }
}

#[test]
fn moved_cut_and_joined_numbers_come_back() {
    let mut random = Random::new(5);
    for round in 0..60 {
        let (width, form) = FORMS[random.below(3)];
        let old = weights(round, 20_000 + random.below(20_000), 0, form);
        let mut new = weights(round, 40_000, 2, form);
        let at = random.below(new.len());
        new.splice(at..at, noise(round, random.below(3) * random.below(400) * 8));
        let new = new[random.below(50)..].to_vec();
        let cut = random.below(old.len());
        let mut references = vec![Bytes::from(old[cut..].to_vec()), Bytes::from(old[..cut].to_vec())];
        match random.below(4) {
            0 => references.insert(1, Bytes::from(text(round, 30_000))),
            1 => references.truncate(1),
            2 => references.clear(),
            _ => {}
        }
        let encoded = encode(&new, &references).expect("numbers");
        assert_eq!(back(&encoded, &references.concat(), new.len()).as_deref(), Ok(&new[..]), "round {round}, {width}");
        assert_eq!(encode(&new, &references), Some(encoded), "the same bytes again");
    }
}

/// Streams as they are, behind their header: numbers of two bytes, one byte before the first, keys from bit 7 on.
fn pieces(copied: u32, control: &[u8], edges: &[u8], columns: [&[u8]; 4]) -> Vec<u8> {
    let mut bytes = vec![2, 1, 7, 0];
    let lens = columns.map(|column| column.len() as u32);
    let fields = [control.len() as u32, control.len() as u32, copied].into_iter().chain(lens);
    fields.for_each(|field| bytes.extend_from_slice(&field.to_le_bytes()));
    [control, edges].iter().chain(&columns).for_each(|stream| bytes.extend_from_slice(stream));
    bytes
}

#[test]
fn the_layout_is_the_specified_one() {
    // From byte 1 on: 0x3f80, 0x0005, 0xbf81.
    let source = [9, 0x80, 0x3f, 5, 0, 0x81, 0xbf];
    // One other number, then three from byte 1, one less than where they would be expected.
    let control = [1, 3, 1];
    // Keys are 0x7f, 0, 0x7f: the second difference comes first. +1, -1, -0x102.
    let columns = [&[2, 1, 3][..], &[0, 0, 2], &[0xaa], &[0xbb]];
    let encoded = pieces(3, &control, b"X!", columns);
    let plain = [b'X', 0xaa, 0xbb, 0x7f, 0x3f, 6, 0, 0x7f, 0xbe, b'!'];
    assert_eq!(back(&encoded, &source, 10).as_deref(), Ok(&plain[..]));
}

#[test]
fn what_does_not_add_up_is_refused() {
    let source = [9, 0x80, 0x3f, 5, 0, 0x81, 0xbf];
    let columns = [&[2, 1, 3][..], &[0, 0, 2], &[0xaa], &[0xbb]];
    let good = pieces(3, &[1, 3, 1], b"X!", columns);
    assert!(back(&good, &source, 10).is_ok());
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    let bad = [
        ("no width", with(0, 0)),
        ("a width of three", with(0, 3)),
        ("a phase as wide as a number", with(1, 2)),
        ("a key that begins at the sign", with(2, 15)),
        ("a reserved bit", with(3, 1)),
        ("control longer than the window", with(4, 11)),
        ("more differences than numbers", with(12, 5)),
        ("a column that is cut off", with(28, 9)),
        ("no header", good[..15].to_vec()),
        ("no lengths", good[..20].to_vec()),
        ("bytes behind the columns", [&good[..], b"!"].concat()),
        ("two columns of control", pieces(3, &[1, 3], b"X!", columns)),
        ("fewer copies than differences", pieces(3, &[1, 2, 1], b"X!", columns)),
        ("more copies than differences", pieces(3, &[1, 4, 1], b"X!", columns)),
        ("more other numbers than there are", pieces(3, &[2, 3, 3], b"X!", columns)),
        ("from before the source", pieces(3, &[1, 3, 7], b"X!", columns)),
        ("over the source's end", pieces(3, &[1, 3, 2], b"X!", columns)),
        ("an edge short", pieces(3, &[1, 3, 1], b"X", columns)),
        ("columns of two lengths", pieces(3, &[1, 3, 1], b"X!", [columns[0], &[0, 0], columns[2], columns[3]])),
    ];
    for (name, encoded) in bad {
        assert!(back(&encoded, &source, 10).is_err(), "{name}");
    }
    assert!(back(&good, &source, 0).is_err() && back(&good, &source, 12).is_err() && back(&good, &[], 10).is_err());
}

#[test]
fn damage_is_an_error_or_other_bytes_of_the_right_length() {
    let mut random = Random::new(6);
    let old = Bytes::from(weights(6, 20_000, 0, single));
    let new = weights(6, 22_000, 2, single)[3..].to_vec();
    let encoded = encode(&new, std::slice::from_ref(&old)).expect("numbers");
    for round in 0..2000 {
        let mut bad = encoded.clone();
        if round % 5 == 0 {
            bad.truncate(random.below(bad.len()));
        }
        for _ in 0..1 + random.below(3) {
            // Half of the damage hits the header and the streams' starts.
            let reach = if random.below(2) == 0 { bad.len() } else { bad.len().min(80) };
            if reach > 0 {
                bad[random.below(reach)] ^= 1 << random.below(8);
            }
        }
        if let Ok(plain) = back(&bad, &old, new.len()) {
            assert_eq!(plain.len(), new.len());
        }
    }
}
