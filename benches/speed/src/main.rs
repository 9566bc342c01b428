//! Speed and memory of the built server, each number beside a floor measured in the same run.
//!
//! `make bench` runs all rows; `make bench ARGS='[ROW...] [--rounds N] [--objects N]'` some.
//! Rows: put-large get-large put-small get-small release range memory many. Rounds alternate floor and server
//! in pairs, because a shared machine is never equally fast twice; the median round is judged, and the least and the
//! greatest ratio are printed beside it.
//! Nothing here fails on a slow machine: a row that falls short says so.

mod client;
mod data;
mod floor;
mod memory_s3;
mod report;
mod rows;
mod server;
#[path = "../../../tests/support/sigv4.rs"]
#[expect(dead_code, reason = "the tests use more of the signer")]
mod sigv4;
mod syncs;

use report::Options;

// As in the server, so that floors inside this process pay what the server pays.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let options = Options::from_arguments();
    for (name, run) in rows::ALL {
        if options.wants(name) {
            for line in run(&options) {
                println!("{line}");
            }
        }
    }
}
