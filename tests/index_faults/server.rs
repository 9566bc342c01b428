//! The server's binary while the index finds no room: it goes on reading, refuses writes for now, says so, and recovers
//! by itself.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::shim::{ALWAYS, Errno, Op, Shim};
use crate::sigv4::{ACCESS_KEY, Request, SECRET_KEY};

/// Longer than one request may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The server must be itself again within this time.
const RECOVERY: Duration = Duration::from_secs(30);

struct Server {
    child: Child,
    host: String,
}

impl Server {
    fn start(dir: &Path, shim: &Shim) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltastore"));
        command
            .args(["serve", dir.to_str().unwrap(), "--address", "127.0.0.1:0", "--no-optimizer"])
            .env("DELTASTORE_ROOT_USER", ACCESS_KEY)
            .env("DELTASTORE_ROOT_PASSWORD", SECRET_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(dir.with_extension("log")).unwrap());
        let mut child = shim.stand_before(&mut command).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let host = first.split_whitespace().find_map(|word| word.strip_prefix("http://"));
        let host = host.unwrap_or_else(|| panic!("the server did not start: {first}")).to_owned();
        Self { child, host }
    }

    /// Status and body.
    fn send(&self, request: Request) -> (u16, Vec<u8>) {
        self.exchange(&request.unsigned("connection", "close").sign(&self.host).bytes())
    }

    fn ready(&self) -> u16 {
        let request = format!("GET /health/ready HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.host);
        self.exchange(request.as_bytes()).0
    }

    fn exchange(&self, request: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), answer.split_off(end + 4))
    }

    fn put(&self, key: &str, body: &[u8]) -> u16 {
        self.send(Request::new("PUT", &format!("/bucket/{key}")).body(body)).0
    }

    /// SIGTERM, and a clean end.
    fn stop(mut self) {
        let script = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Content that is not like any other.
fn body(number: u32, len: usize) -> Vec<u8> {
    let mut state = u64::from(number) + 1;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Stops the index from being flushed by `error`, makes the server want a flush by filling a segment, and sees it
/// recover.
fn recovers_from(server: &Server, shim: &Shim, (op, error): (Op, Errno), first: u32) {
    shim.control.fail(op, error, 0, ALWAYS);
    // A segment has 256 MiB at most; the flush that its end asks for fails, and with it what is written from then on.
    let mut number = first;
    let refused = loop {
        let status = server.put(&number.to_string(), &body(number, 24 << 20));
        match status {
            200 if number < first + 24 => number += 1,
            other => break other,
        }
    };
    assert_eq!(refused, 503, "{op:?} {error:?}: no flush failed, or it was not told");
    assert!(shim.control.hits() > 0);
    assert_eq!(server.ready(), 503);
    let (status, found) = server.send(Request::new("GET", &format!("/bucket/{first}")));
    assert!(status == 200 && found == body(first, 24 << 20), "reads go on: {status}");
    shim.control.clear();
    let deadline = Instant::now() + RECOVERY;
    while server.ready() != 200 || server.put("again", &body(number, 1000)) != 200 {
        assert!(Instant::now() < deadline, "{op:?} {error:?}: not ready {RECOVERY:?} after it was over");
        std::thread::sleep(Duration::from_millis(100));
    }
    for there in first..number {
        let (status, found) = server.send(Request::new("GET", &format!("/bucket/{there}")));
        assert!(status == 200 && found == body(there, 24 << 20), "{there}: {status}");
    }
}

#[test]
fn a_server_whose_index_finds_no_room_or_no_descriptor_recovers_without_a_restart() {
    let (shim, folder) = (Shim::new("/data/index"), tempfile::tempdir().unwrap());
    let server = Server::start(&folder.path().join("data"), &shim);
    assert_eq!(server.send(Request::new("PUT", "/bucket")).0, 200);
    recovers_from(&server, &shim, (Op::Open, Errno::TooManyFiles), 100);
    recovers_from(&server, &shim, (Op::Write, Errno::NoSpace), 200);
    server.stop();
}
