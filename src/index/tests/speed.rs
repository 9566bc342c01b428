//! Measurements, run by hand: `cargo test --release --lib speed -- --ignored --nocapture`.

use super::*;
use std::time::Instant;

#[test]
#[ignore = "a measurement, run by hand"]
fn a_page_costs_a_page() {
    for keys in [1_000u64, 1_000_000] {
        let folder = tempfile::tempdir().unwrap();
        let index =
            Index::open(Arc::new(RocksEngine::open(folder.path(), &RocksSettings::default()).unwrap())).unwrap();
        let start = Instant::now();
        for first in (0..keys).step_by(1000) {
            let mut batch = Batch::new();
            for n in first..first + 1000 {
                index.stage_row(
                    &mut batch,
                    &version_row(1, &format!("dir{:03}/file{n:09}", n * 100 / keys), n + 1, false),
                );
            }
            index.write(batch).unwrap();
        }
        index.flush().unwrap();
        println!("{keys} keys written in {:?}, {} KiB", start.elapsed(), folder_kib(folder.path()));
        let page = |name: &str, delimiter: Option<&str>, after: Option<After>| {
            let query = ListQuery { prefix: String::new(), delimiter: delimiter.map(str::to_owned), after, max: 1000 };
            for run in ["cold", "warm"] {
                let start = Instant::now();
                let page = index.list_current(BucketId(1), &query).unwrap();
                println!("  {name}, {run}: {} entries in {:?}", page.entries.len(), start.elapsed());
            }
        };
        page("first page", None, None);
        page("page from the middle", None, Some(After::Prefix("dir049/".to_owned())));
        page("common prefixes", Some("/"), None);
    }
}

fn folder_kib(path: &std::path::Path) -> u64 {
    std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum::<u64>() / 1024
}
