//! Long reads while their objects are stored anew, replaced, and what that leaves behind is collected.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deltastore::object::{Expect, GetInput, PutInput, WriteConditions};
use deltastore::store::bugs::Bugs;
use deltastore::store::{CollectOptions, OptimizeOptions, Policy};
use deltastore_format::Metadata;
use futures::TryStreamExt;

use crate::clients::stream;
use crate::compressed::gzip;
use crate::world::{BUCKET, body, simulated};

/// Some MB, a third of them in a compressed member.
fn large(number: u64) -> Vec<u8> {
    let noise = |seed: u64| (0..40).flat_map(move |part| body((seed + part) * 10)).collect::<Vec<u8>>();
    let text: Vec<u8> = noise(number / 3).into_iter().map(|byte| b'a' + byte % 32).collect();
    [noise(number), gzip(&text, 6, None)].concat()
}

/// Tells maintenance to end, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn long_reads_come_back_whole() {
    let objects = simulated(Bugs::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (stop, optimized, freed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let store = objects.store().clone();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let options = OptimizeOptions { policy: Some(Policy::Fast), threads: 1, ..OptimizeOptions::default() };
                let anew = store.optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap().objects;
                optimized.fetch_add(anew, Ordering::Relaxed);
                let collected = store.collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
                freed.fetch_add(collected.freed_bytes, Ordering::Relaxed);
            }
        });
        let _stop = Stop(&stop);
        // On a slow machine maintenance comes too late for objects that are replaced at once: from the seventh round on
        // it gets ever more time.
        let mut round = 0;
        while round < 6 || optimized.load(Ordering::Relaxed) < 4 || freed.load(Ordering::Relaxed) <= 1 << 20 {
            assert!(round < 20, "nothing was stored anew while it was read");
            let mut reads = Vec::new();
            for key in 0..2 {
                let bytes = large(round * 2 + key);
                let put = PutInput {
                    bucket: BUCKET.into(),
                    key: format!("large-{key}"),
                    body: stream(&bytes),
                    expect: Expect::default(),
                    metadata: Metadata::default(),
                    conditions: WriteConditions::default(),
                };
                runtime.block_on(objects.put_object(put)).unwrap();
                for _ in 0..2 {
                    let (objects, bytes) = (objects.clone(), bytes.clone());
                    reads.push(runtime.spawn(async move {
                        let key = format!("large-{key}");
                        let input = GetInput { bucket: BUCKET.into(), key, ..GetInput::default() };
                        let mut body = objects.get_object(input).await.unwrap().body;
                        let mut found = Vec::new();
                        while let Some(chunk) = body.try_next().await.unwrap() {
                            found.extend_from_slice(&chunk);
                            tokio::time::sleep(Duration::from_micros(300)).await;
                        }
                        assert!(found == bytes, "{} bytes of {}", found.len(), bytes.len());
                    }));
                }
            }
            reads.into_iter().for_each(|read| runtime.block_on(read).unwrap());
            std::thread::sleep(Duration::from_secs(u64::saturating_sub(round, 5)));
            round += 1;
        }
    });
    println!("{optimized:?} objects stored anew, {freed:?} bytes freed meanwhile");
    let found = store.fsck(&mut |_| ()).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
}
