//! One byte at random offsets of a 1 GiB object that is stored as deltas, against decoding one of its windows.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use deltastore::index::{RocksEngine, RocksSettings};
use deltastore::store::bugs::Bugs;
use deltastore::store::{Folder, Settings, Store, Walk, Worker};
use deltastore_segment::vfs::{RealVfs, SystemClock};

use crate::data::{Noise, folder};
use crate::report::{Options, Row, Target};
use crate::server::Server;

const LEN: usize = 1 << 30;
/// Few enough that most windows are met for the first time.
const READS: usize = 200;
/// Bytes between two edits: every window differs from the earlier one.
const EDIT: usize = 200_000;

pub fn run(options: &Options) -> Vec<Row> {
    let folder = folder();
    let dir = folder.path().join("data");
    let server = Server::start(&dir, &[]);
    let mut client = server.client();
    client.put("/ranges", &[]);
    let mut noise = Noise::new(1);
    client.put_stream("/ranges/v1/disk.img", LEN, |block| noise.fill(block));
    let (mut noise, mut at) = (Noise::new(1), 0);
    client.put_stream("/ranges/v2/disk.img", LEN, |block| {
        noise.fill(block);
        for (offset, byte) in block.iter_mut().enumerate() {
            if (at + offset) % EDIT == 0 {
                *byte ^= 1;
            }
        }
        at += block.len();
    });
    server.stop();
    let pairs = (0..options.rounds as u64)
        .map(|round| {
            let floor = median(decode(&dir, round));
            // A new process, so that its caches are as empty as those of the floor's.
            let server = Server::start(&dir, &[]);
            let measured = median(read(&server, round));
            server.stop();
            eprintln!("  range: {measured:.3} ms against {floor:.3} ms");
            (measured, floor)
        })
        .collect();
    vec![Row {
        what: "bytes=0-0 at random offsets of a 1 GiB delta".into(),
        unit: "ms",
        pairs,
        target: Target::AtMost(3.0),
    }]
}

fn offsets(round: u64) -> impl Iterator<Item = u64> {
    let mut noise = Noise::new(1000 + round);
    (0..READS).map(move |_| noise.next() % LEN as u64)
}

fn read(server: &Server, round: u64) -> Vec<f64> {
    let mut client = server.client();
    let mut times = Vec::new();
    for offset in offsets(round) {
        let head = client.sign("GET", "/ranges/v2/disk.img", 0, &[("range", &format!("bytes={offset}-{offset}"))]);
        let started = Instant::now();
        assert_eq!(client.send(&head, &[]), 1);
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times
}

fn decode(dir: &Path, round: u64) -> Vec<f64> {
    let folder = Folder::open(Arc::new(RealVfs), dir, &SystemClock, false).expect("the folder");
    let engine = RocksEngine::open(&folder.index_dir(), &RocksSettings::default()).expect("its index");
    let store = Store::open(folder, Arc::new(engine), Arc::new(SystemClock), Settings::default(), Bugs::default())
        .expect("the store");
    let bucket = store.index().bucket("ranges").expect("the index").expect("the bucket").put.bucket;
    let row = store.index().current(bucket, "v2/disk.img").expect("the index").expect("the object");
    let mut worker = Worker::new();
    let mut times = Vec::new();
    for offset in offsets(round) {
        let mut walk = Walk::new(&row.put.recipe, offset..offset + 1);
        let entry = store.step(&mut walk).expect("its recipe").expect("a window");
        let started = Instant::now();
        store.window(&entry.hash, &mut worker).expect("the window");
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
