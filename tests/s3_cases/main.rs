//! Requests and their right answers as data: `cases/*.toml`, whose format `README.md` tells. Every case runs in a
//! bucket of its own over a socket; all that fail are listed at once. `DELTASTORE_CASE=TEXT` runs those whose file or
//! name has the text.

#![expect(clippy::unwrap_used, reason = "a step that fails ends its case")]

#[path = "../s3_http/server.rs"]
#[expect(dead_code, reason = "what other tests need of the server")]
mod server;
#[path = "../support/sigv4.rs"]
#[expect(dead_code, reason = "what other tests need of the signer")]
mod sigv4;

mod case;
mod check;
mod run;
mod send;
mod sigv2;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use crate::case::{CaseFile, ServerOptions};
use crate::run::Run;
use crate::server::Server;

const THREADS: usize = 4;

#[test]
fn every_case_holds() {
    let filter = env::var("DELTASTORE_CASE").unwrap_or_default();
    let mut failures = Vec::new();
    let mut groups: BTreeMap<ServerOptions, Vec<Run>> = BTreeMap::new();
    for path in files() {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        match CaseFile::parse(&fs::read_to_string(&path).unwrap()) {
            Err(error) => failures.push(format!("{stem}: {error}")),
            Ok(file) => {
                let runs = Run::all(&stem, file.case).into_iter().filter(|run| run.name().contains(&filter));
                groups.entry(file.server).or_default().extend(runs);
            }
        }
    }
    let count: usize = groups.values().map(Vec::len).sum();
    assert!(count > 0 || !failures.is_empty(), "no case has {filter:?} in its file or name");
    for (options, runs) in groups.iter().filter(|(_, runs)| !runs.is_empty()) {
        failures.extend(run_all(&Server::with(options.settings()), runs));
    }
    assert!(failures.is_empty(), "{} of {count} cases failed:\n\n{}", failures.len(), failures.join("\n\n"));
    println!("{count} cases");
}

/// Runs the cases side by side and gives what failed, in their order.
fn run_all(server: &Server, runs: &[Run]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(at) else { break };
                    if let Err(failure) = run.run(server) {
                        failed.lock().unwrap().insert(at, failure);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap().into_values().collect()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/s3_cases/cases");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}
