//! Peak memory of the server under 16 uploads and 16 downloads of 1 GiB each, all at once.

use crate::data::{Noise, folder, together};
use crate::report::{Options, Row, Target};
use crate::server::Server;

const LEN: usize = 1 << 30;
const UPLOADS: usize = 16;
const DOWNLOADS: usize = 16;
const EDIT: usize = 200_000;

enum Work {
    Up(usize),
    Down(usize),
}

pub fn run(_: &Options) -> Vec<Row> {
    let folder = folder();
    let server = Server::start(&folder.path().join("data"), &[]);
    let mut client = server.client();
    client.put("/memory", &[]);
    for edited in [false, true] {
        let mut noise = Noise::new(2);
        client.put_stream(&format!("/memory/down-{}", u8::from(edited)), LEN, |block| {
            noise.fill(block);
            if edited {
                block.iter_mut().step_by(EDIT).for_each(|byte| *byte ^= 1);
            }
        });
    }
    let work = (0..UPLOADS).map(Work::Up).chain((0..DOWNLOADS).map(Work::Down));
    let inputs = work.map(|work| (server.client(), work)).collect();
    let time = together(inputs, |(mut client, work)| match work {
        Work::Up(number) => {
            // Half of them are like what is stored, so that references are read while others are written.
            let like = number % 2 == 1;
            let mut noise = if like { Noise::new(2) } else { Noise::fresh() };
            client.put_stream(&format!("/memory/up-{number}"), LEN, |block| {
                noise.fill(block);
                if like {
                    block.iter_mut().skip(number).step_by(EDIT).for_each(|byte| *byte ^= 2);
                }
            });
        }
        Work::Down(number) => assert_eq!(client.get(&format!("/memory/down-{}", number % 2)), LEN as u64),
    });
    let peak = server.peak_memory() as f64 / f64::from(1 << 20);
    eprintln!("  memory: {peak:.0} MiB; {:.0} s", time.as_secs_f64());
    let what = "peak memory, 16 uploads + 16 downloads of 1 GiB";
    vec![Row { what: what.into(), unit: "MiB", pairs: vec![(peak, 512.0)], target: Target::AtMost(1.0) }]
}
