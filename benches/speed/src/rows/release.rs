//! A release that is like an earlier one, with deltas and without.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::data::folder;
use crate::report::{Options, Row, Target};
use crate::server::Server;

pub fn run(options: &Options) -> Vec<Row> {
    let corpora = std::env::var_os("DELTASTORE_CORPORA").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/deltastore-corpora")
    });
    let mut files: Vec<PathBuf> = std::fs::read_dir(corpora.join("tar-next"))
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    files.sort();
    let [earlier, later, ..] = files.as_slice() else {
        eprintln!("  release: no tar-next in {}; `make bench-corpora` fetches it", corpora.display());
        return Vec::new();
    };
    let (earlier, later) = (read(earlier), read(later));
    let pairs = (0..options.rounds.min(3))
        .map(|_| (put(&earlier, &later, &[]), put(&earlier, &later, &["--no-deltas"])))
        .collect();
    vec![Row { what: "PUT of a release like an earlier one".into(), unit: "MB/s", pairs, target: Target::AtLeast(0.5) }]
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a release")
}

fn put(earlier: &[u8], later: &[u8], arguments: &[&str]) -> f64 {
    let folder = folder();
    let server = Server::start(&folder.path().join("data"), arguments);
    let mut client = server.client();
    client.put("/releases", &[]);
    client.put("/releases/next/00.tar", earlier);
    let (started, cpu) = (Instant::now(), server.cpu_seconds());
    client.put("/releases/next/01.tar", later);
    let rate = later.len() as f64 / 1e6 / started.elapsed().as_secs_f64();
    eprintln!("  release {arguments:?}: {rate:.0} MB/s; server CPU {:.2} s", server.cpu_seconds() - cpu);
    rate
}
