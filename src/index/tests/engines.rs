//! Engines against a plain map, and what only one of them does.

use super::*;
use rand::SeedableRng;
use std::collections::BTreeMap;

type Model = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

fn random_key(rng: &mut StdRng) -> Vec<u8> {
    (0..rng.random_range(1..4)).map(|_| [0, 1, 0x7F, 0xFE, 0xFF][rng.random_range(0..5)]).collect()
}

fn random_batch(rng: &mut StdRng, model: &mut Model) -> Batch {
    let mut batch = Batch::new();
    for _ in 0..rng.random_range(1..8) {
        let key = random_key(rng);
        let plain = [Family::Objects, Family::Scratch, Family::Sketches][rng.random_range(0..3)];
        match rng.random_range(0..10) {
            0..4 => {
                let value = vec![rng.random(); rng.random_range(0..5)];
                batch.put(plain, key.clone(), value.clone());
                model.insert((plain as u8, key), value);
            }
            4 => {
                batch.delete(plain, key.clone());
                model.remove(&(plain as u8, key));
            }
            5 => {
                let to = random_key(rng);
                batch.delete_range(plain, key.clone(), to.clone());
                model.retain(|(family, found), _| *family != plain as u8 || *found < key || *found >= to);
            }
            6 => {
                batch.delete(Family::Links, key.clone());
                model.remove(&(Family::Links as u8, key));
            }
            _ => {
                let delta = rng.random_range(-2..3);
                batch.merge_add(Counter::Links, key.clone(), delta);
                let value = model.entry((Family::Links as u8, key)).or_insert_with(|| vec![0; 8]);
                let sum = i64::from_le_bytes(value.as_slice().try_into().unwrap()) + delta;
                *value = sum.to_le_bytes().to_vec();
            }
        }
    }
    batch
}

fn rows_of(model: &Model, family: Family, from: &[u8], to: Option<&[u8]>) -> Vec<Pair> {
    let inside = |key: &[u8]| key >= from && to.is_none_or(|to| key < to);
    model
        .iter()
        .filter(|((found, key), _)| *found == family as u8 && inside(key))
        .map(|((_, key), value)| (key.clone(), value.clone()))
        .collect()
}

#[test]
fn engines_agree_with_a_map() {
    on_both(|index| {
        let (engine, mut rng, mut model) = (index.engine(), StdRng::seed_from_u64(7), Model::new());
        for round in 0..1500 {
            let batch = random_batch(&mut rng, &mut model);
            engine.write(batch).unwrap();
            if round % 97 == 0 {
                engine.flush().unwrap();
            }
            let family = [Family::Objects, Family::Links, Family::Sketches, Family::Scratch][rng.random_range(0..4)];
            let (from, to) = (random_key(&mut rng), random_key(&mut rng));
            let to = rng.random_bool(0.5).then_some(&to[..]);
            let expected = rows_of(&model, family, &from, to);
            let found: Vec<Pair> = engine.scan(family, &from, to).map(Result::unwrap).collect();
            assert_eq!(found, expected, "round {round}");

            // Seeking forward after some pairs yields the rest from there.
            let mut scan = engine.scan(family, &from, to);
            let taken = rng.random_range(0..3);
            let last = scan.by_ref().take(taken).last().map(|pair| pair.unwrap().0).unwrap_or(from.clone());
            let target = random_key(&mut rng).max([&last[..], &[0]].concat());
            scan.seek(&target);
            let expected: Vec<Pair> = expected.into_iter().filter(|(key, _)| *key >= target).collect();
            assert_eq!(scan.map(Result::unwrap).collect::<Vec<_>>(), expected, "round {round}");

            let keys: Vec<Vec<u8>> = (0..4).map(|_| random_key(&mut rng)).collect();
            let slices: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let expected: Vec<_> = keys.iter().map(|key| model.get(&(family as u8, key.clone())).cloned()).collect();
            assert_eq!(engine.multi_get(family, &slices).unwrap(), expected);
            assert_eq!(engine.get(family, &keys[0]).unwrap(), expected[0]);
        }
    });
}

#[test]
fn a_scan_sees_the_moment_it_was_made() {
    on_both(|index| {
        let mut batch = Batch::new();
        (0..10u8).for_each(|n| batch.put(Family::Scratch, [n], [n]));
        index.write(batch).unwrap();
        let mut scan = index.engine().scan(Family::Scratch, &[], None);
        assert_eq!(scan.next().unwrap().unwrap().0, [0]);
        let mut batch = Batch::new();
        batch.delete_range(Family::Scratch, [0], [9]);
        batch.put(Family::Scratch, [20], [20]);
        index.write(batch).unwrap();
        index.flush().unwrap();
        scan.seek(&[5]);
        assert_eq!(scan.map(|pair| pair.unwrap().0[0]).collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
    });
}

#[test]
fn counters_sum_over_flushes_and_stay_at_zero() {
    on_both(|index| {
        let hash = deltastore_format::Hash([5; 32]);
        for round in 0..2000 {
            let mut batch = Batch::new();
            index.stage_links(&mut batch, &hash, if round % 2 == 0 { 3 } else { -3 });
            index.write(batch).unwrap();
            if round % 500 == 0 {
                index.flush().unwrap();
            }
        }
        assert_eq!(index.links(&hash).unwrap(), 0);
        assert_eq!(
            index.all_links(deltastore_format::Hash([0; 32])).map(Result::unwrap).collect::<Vec<_>>(),
            [(hash, 0)]
        );
    });
}

#[test]
fn a_counter_that_is_none_is_damage() {
    on_both(|index| {
        let mut batch = Batch::new();
        batch.put(Family::Links, [1; 32], [1, 2, 3]);
        index.write(batch).unwrap();
        let mut batch = Batch::new();
        batch.merge_add(Counter::Links, [1; 32], 1);
        let outcome = index.write(batch).and_then(|()| index.engine().get(Family::Links, &[1; 32]));
        assert!(matches!(outcome, Err(IndexError::Damaged { .. })), "{outcome:?}");
    });
}

#[test]
fn memory_goes_back_to_a_flush() {
    let engine = MemEngine::new();
    let write = |engine: &MemEngine, value: u8| {
        let mut batch = Batch::new();
        batch.put(Family::Meta, [1], [value]);
        batch.put(Family::Parts, [1], [value]);
        engine.write(batch).unwrap();
    };
    write(&engine, 1);
    engine.flush().unwrap();
    write(&engine, 2);
    engine.background_flush();
    write(&engine, 3);
    assert_eq!((engine.promised(), engine.flushes()), (1, 2));
    for (flushes, expected) in [(0, None), (1, Some(vec![1])), (2, Some(vec![2]))] {
        let crashed = engine.crash(flushes);
        assert_eq!(crashed.get(Family::Meta, &[1]).unwrap(), expected);
        assert_eq!(crashed.get(Family::Parts, &[1]).unwrap(), expected);
        assert_eq!((crashed.promised(), crashed.flushes()), (0, 0));
        write(&crashed, 9);
    }
    assert_eq!(engine.get(Family::Meta, &[1]).unwrap(), Some(vec![3]));
}

#[test]
fn rocks_reopens_and_is_destroyed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let open = || RocksEngine::open(&path, &small());
    let engine = open().unwrap();
    let mut batch = Batch::new();
    batch.put(Family::Scratch, *b"key", *b"value");
    engine.write(batch).unwrap();
    assert!(open().is_err(), "opened twice");
    drop(engine);
    assert_eq!(open().unwrap().get(Family::Scratch, b"key").unwrap(), Some(b"value".to_vec()));
    RocksEngine::destroy(&path).unwrap();
    RocksEngine::destroy(&path).unwrap();
    assert_eq!(open().unwrap().get(Family::Scratch, b"key").unwrap(), None);
}

#[test]
fn damaged_table_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(folder.path(), &small()).unwrap();
    let mut batch = Batch::new();
    for n in 0..20_000u32 {
        batch.put(Family::Blobs, n.to_be_bytes(), n.wrapping_mul(2_654_435_761).to_le_bytes().repeat(4));
    }
    engine.write(batch).unwrap();
    engine.flush().unwrap();
    drop(engine);
    let tables: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let table = tables
        .iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "sst"))
        .max_by_key(|path| path.metadata().unwrap().len());
    let mut bytes = std::fs::read(table.unwrap()).unwrap();
    bytes[1000] ^= 0x10;
    std::fs::write(table.unwrap(), bytes).unwrap();
    let outcome = RocksEngine::open(folder.path(), &small())
        .and_then(|engine| engine.scan(Family::Blobs, &[], None).collect::<Result<Vec<_>, _>>());
    assert!(matches!(outcome, Err(IndexError::Damaged { .. })), "{:?}", outcome.map(|rows| rows.len()));
}
