//! A bucket of a million objects: its first list page against that of a thousand, and a start after `kill -9`.
//!
//! The objects are put over HTTP by 32 clients, 16 bytes each, and the server is killed right after the last answer, so
//! the log's tail that a start must replay is as long as it gets.

use std::time::Instant;

use crate::data::{folder, together};
use crate::report::{Options, Row, Target};
use crate::server::Server;

const CLIENTS: usize = 32;
const FEW: usize = 1000;
const PAGES: usize = 30;
/// Seconds until a killed server must be ready.
const START: f64 = 5.0;

pub fn run(options: &Options) -> Vec<Row> {
    let folder = folder();
    let dir = folder.path().join("data");
    let server = Server::start(&dir, &[]);
    server.client().put("/few", &[]);
    server.client().put("/many", &[]);
    fill(&server, "few", FEW);
    let started = Instant::now();
    fill(&server, "many", options.objects);
    eprintln!(
        "  many: {:.0} objects/s, {:.0} MiB",
        options.objects as f64 / started.elapsed().as_secs_f64(),
        server.peak_memory() as f64 / f64::from(1 << 20)
    );
    let mut pairs = Vec::new();
    for _ in 0..options.rounds {
        let few = page(&server, "few");
        pairs.push((page(&server, "many"), few));
    }
    server.kill();
    let server = Server::start(&dir, &[]);
    let start = server.started_in.as_secs_f64();
    assert!(server.client().get(&format!("/many/{}", key(options.objects - 1))) > 0);
    vec![
        Row {
            what: format!("first list page, {} keys against {FEW}", options.objects),
            unit: "ms",
            pairs,
            target: Target::AtMost(2.0),
        },
        Row {
            what: format!("start after kill -9 with {} objects", options.objects),
            unit: "s",
            pairs: vec![(start, START)],
            target: Target::AtMost(1.0),
        },
    ]
}

fn key(number: usize) -> String {
    format!("folder-{:03}/object-{number:08}", number % 1000)
}

fn fill(server: &Server, bucket: &str, count: usize) {
    let inputs = (0..CLIENTS).map(|number| (server.client(), number)).collect();
    together(inputs, |(mut client, first)| {
        for number in (first..count).step_by(CLIENTS) {
            client.put(&format!("/{bucket}/{}", key(number)), format!("{bucket}{number:012}").as_bytes());
        }
    });
}

fn page(server: &Server, bucket: &str) -> f64 {
    let mut client = server.client();
    let head = client.sign("GET", &format!("/{bucket}?list-type=2&max-keys=1000"), 0, &[]);
    let mut times: Vec<f64> = (0..PAGES)
        .map(|_| {
            let started = Instant::now();
            assert!(client.send(&head, &[]) > 10_000);
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[PAGES / 2]
}
