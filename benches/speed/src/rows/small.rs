//! 4 KiB objects, 32 clients.

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::Client;
use crate::data::{Noise, folder, together};
use crate::floor;
use crate::memory_s3::MemoryS3;
use crate::report::{Options, Row, Target};
use crate::server::Server;
use crate::syncs;

const CLIENTS: usize = 32;
const LEN: usize = 4096;
const PUTS: usize = 300;
const GETS: usize = 600;

pub fn put(options: &Options) -> Vec<Row> {
    let folder = folder();
    let data = folder.path().join("data");
    let server = Server::start(&data, &[]);
    server.client().put("/small", &[]);
    let mut pairs = Vec::new();
    for round in 0..options.rounds {
        let syncs = floor::syncs(folder.path(), Duration::from_secs(2));
        let inputs = (0..CLIENTS)
            .map(|number| {
                let (client, mut noise) = (server.client(), Noise::fresh());
                let requests: Vec<_> = (0..PUTS)
                    .map(|put| {
                        let target = format!("/small/{round}/{number}/{put}");
                        (client.sign("PUT", &target, LEN, &[]), noise.bytes(LEN))
                    })
                    .collect();
                (client, requests)
            })
            .collect();
        let cpu = server.cpu_seconds();
        let time = together(inputs, |(mut client, requests)| {
            for (head, body) in &requests {
                client.send(head, body);
            }
        });
        let rate = (CLIENTS * PUTS) as f64 / time.as_secs_f64();
        let cpu = server.cpu_seconds() - cpu;
        eprintln!(
            "  put-small: {rate:.0} objects/s against {syncs:.0} syncs/s; server CPU {cpu:.2} s in {:.2} s",
            time.as_secs_f64()
        );
        pairs.push((rate, syncs));
    }
    server.stop();
    let (commits, syncs) = syncs::count(&data);
    vec![
        Row { what: "PUT 4 KiB durable, 32 clients".into(), unit: "objects/s", pairs, target: Target::AtLeast(8.0) },
        Row {
            what: "the same, by the syncs that the server made".into(),
            unit: "objects",
            pairs: vec![(commits as f64, syncs as f64)],
            target: Target::AtLeast(8.0),
        },
    ]
}

pub fn get(options: &Options) -> Vec<Row> {
    let folder = folder();
    let server = Server::start(&folder.path().join("data"), &[]);
    let mut client = server.client();
    client.put("/small", &[]);
    for number in 0..CLIENTS {
        client.put(&format!("/small/{number}"), &Noise::fresh().bytes(LEN));
    }
    let memory = MemoryS3::start(Noise::fresh().bytes(LEN));
    read(server.address);
    let mut pairs = Vec::new();
    for _ in 0..options.rounds {
        let floor = read(memory.address);
        let cpu = server.cpu_seconds();
        let rate = read(server.address);
        eprintln!(
            "  get-small: {rate:.0} objects/s against {floor:.0}; server CPU {:.2} s",
            server.cpu_seconds() - cpu
        );
        pairs.push((rate, floor));
    }
    vec![Row { what: "GET 4 KiB, 32 clients".into(), unit: "objects/s", pairs, target: Target::AtLeast(0.55) }]
}

fn read(address: SocketAddr) -> f64 {
    let inputs = (0..CLIENTS)
        .map(|number| {
            let client = Client::connect(address);
            let head = client.sign("GET", &format!("/small/{number}"), 0, &[]);
            (client, head)
        })
        .collect();
    let time = together(inputs, |(mut client, head)| {
        for _ in 0..GETS {
            assert_eq!(client.send(&head, &[]), LEN as u64);
        }
    });
    (CLIENTS * GETS) as f64 / time.as_secs_f64()
}
