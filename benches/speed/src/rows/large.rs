//! 64 MiB objects that do not compress, 4 clients.

use crate::data::{Noise, folder, together};
use crate::floor;
use crate::report::{Options, Row, Target};
use crate::server::Server;

const CLIENTS: usize = 4;
const LEN: usize = 64 << 20;

fn bodies() -> Vec<Vec<u8>> {
    (0..CLIENTS).map(|_| Noise::fresh().bytes(LEN)).collect()
}

fn rate(time: std::time::Duration) -> f64 {
    (CLIENTS * LEN) as f64 / 1e6 / time.as_secs_f64()
}

pub fn put(options: &Options) -> Vec<Row> {
    let folder = folder();
    let server = Server::start(&folder.path().join("data"), &[]);
    server.client().put("/large", &[]);
    let mut pairs = Vec::new();
    for round in 0..options.rounds {
        let bodies = bodies();
        let floor = floor::store(folder.path(), &bodies);
        let inputs = bodies.iter().enumerate().map(|(number, body)| (server.client(), number, body)).collect();
        let cpu = server.cpu_seconds();
        let time = together(inputs, |(mut client, number, body)| {
            client.put(&format!("/large/{round}-{number}"), body);
        });
        eprintln!(
            "  put-large: {:.0} MB/s against {:.0}; server CPU {:.2} s in {:.2} s",
            rate(time),
            rate(floor),
            server.cpu_seconds() - cpu,
            time.as_secs_f64()
        );
        pairs.push((rate(time), rate(floor)));
    }
    vec![Row { what: "PUT 64 MiB incompressible, 4 clients".into(), unit: "MB/s", pairs, target: Target::AtLeast(0.7) }]
}

pub fn get(options: &Options) -> Vec<Row> {
    let folder = folder();
    let server = Server::start(&folder.path().join("data"), &[]);
    server.client().put("/large", &[]);
    let bodies = bodies();
    for (number, body) in bodies.iter().enumerate() {
        server.client().put(&format!("/large/{number}"), body);
    }
    let read = || {
        let inputs = (0..CLIENTS).map(|number| (server.client(), number)).collect();
        together(inputs, |(mut client, number)| {
            assert_eq!(client.get(&format!("/large/{number}")), LEN as u64);
        })
    };
    read();
    let mut pairs = Vec::new();
    for _ in 0..options.rounds {
        let floor = floor::load(folder.path(), &bodies);
        let cpu = server.cpu_seconds();
        let time = read();
        eprintln!(
            "  get-large: {:.0} MB/s against {:.0}; server CPU {:.2} s in {:.2} s",
            rate(time),
            rate(floor),
            server.cpu_seconds() - cpu,
            time.as_secs_f64()
        );
        pairs.push((rate(time), rate(floor)));
    }
    vec![Row {
        what: "GET 64 MiB stored raw, 4 clients, warm".into(),
        unit: "MB/s",
        pairs,
        target: Target::AtLeast(0.8),
    }]
}
