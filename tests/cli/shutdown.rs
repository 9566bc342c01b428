//! SIGTERM while requests are under way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::process::{Server, answer, data_folder, noise, serve, succeed};
use crate::sigv4::Request;

/// In which a server is gone, whatever is under way.
const GONE: Duration = Duration::from_secs(8);

/// Tells a server to stop and waits for a clean end: in time, with exit code 0, the log marked as closed, and nothing
/// to replay.
#[track_caller]
fn ends_cleanly(server: Server, dir: &Path) {
    let told = Instant::now();
    server.terminate();
    let (code, log) = server.ended();
    let took = told.elapsed();
    assert_eq!(code, Some(0), "{log}");
    assert!(took < GONE, "{took:?}: {log}");
    assert!(log.contains("closed") && !log.contains("panicked"), "{log}");
    let server = Server::spawn(serve(dir).env("RUST_LOG", "debug"), dir);
    server.terminate();
    let (code, whole) = server.ended();
    let log = &whole[log.len()..];
    assert_eq!(code, Some(0), "{log}");
    assert!(log.lines().any(|line| line.contains("recovered") && line.contains("clean=true")), "{log}");
    succeed("fsck", dir);
}

/// Sends an upload's head and some of its body.
fn upload(server: &Server, key: &str, announced: usize, sent: usize) -> TcpStream {
    let put = Request::new("PUT", &format!("/bucket/{key}")).payload("UNSIGNED-PAYLOAD").length(announced);
    let mut stream = server.connect();
    stream.write_all(&put.sign(&server.host).head).unwrap();
    stream.write_all(&noise(1, sent)).unwrap();
    stream
}

#[test]
fn uploads_that_go_on_slowly_are_cut_off() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("key", b"text");
    let mut slow: Vec<_> = (0..32).map(|number| upload(&server, &number.to_string(), 100 << 20, 1000)).collect();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let dripping = std::thread::spawn(move || {
        while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            slow.retain_mut(|stream| stream.write_all(&[7; 100]).is_ok());
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    ends_cleanly(server, &dir);
    drop(end);
    dripping.join().unwrap();
}

#[test]
fn readers_that_take_nothing_are_cut_off() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("big", &noise(2, 32 << 20));
    let _readers: Vec<_> = (0..64)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(&Request::new("GET", "/bucket/big").sign(&server.host).bytes()).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    ends_cleanly(server, &dir);
}

#[test]
fn uploads_that_wait_for_memory_are_cut_off() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let _waiting: Vec<_> = (0..32).map(|number| upload(&server, &number.to_string(), 100 << 20, 300 << 10)).collect();
    std::thread::sleep(Duration::from_millis(500));
    ends_cleanly(server, &dir);
}

#[test]
fn an_optimization_by_hand_is_given_up() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("big.gz", &gzip_of_lines(1_500_000));
    server.put("noise", &noise(3, 24 << 20));
    let mut run = server.connect();
    run.write_all(&Request::new("POST", "/_deltastore/optimize?policy=max").sign(&server.host).bytes()).unwrap();
    let mut first = [0; 400];
    run.read_exact(&mut first).unwrap();
    ends_cleanly(server, &dir);
}

#[test]
fn an_archive_in_parts_that_is_being_stored_anew_is_given_up() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let archive = gzip_of_lines(1_500_000);
    let made = server.send(Request::new("POST", "/bucket/archive.gz?uploads"));
    let made = String::from_utf8(made.body).unwrap();
    let id = made.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    let mut parts = String::new();
    for (number, part) in archive.chunks(archive.len().div_ceil(3)).enumerate() {
        let target = format!("/bucket/archive.gz?partNumber={}&uploadId={id}", number + 1);
        let answer = server.send(Request::new("PUT", &target).body(part));
        let etag = answer.header("etag").unwrap();
        parts.push_str(&format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", number + 1));
    }
    let whole = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let done = server.send(Request::new("POST", &format!("/bucket/archive.gz?uploadId={id}")).body(whole));
    assert_eq!(done.status, 200, "{}", String::from_utf8_lossy(&done.body));
    ends_cleanly(server, &dir);
    let server = Server::start(&dir);
    server.has("archive.gz", &archive);
    server.stop();
}

#[test]
fn clients_that_write_as_fast_as_they_can_lose_nothing_that_was_acknowledged() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let writers: Vec<_> = (0..8u64)
        .map(|writer| {
            let host = server.host.clone();
            std::thread::spawn(move || {
                let body = noise(writer, 3 << 20);
                (0..u64::MAX).take_while(|number| put(&host, &format!("{writer}-{number}"), &body)).count()
            })
        })
        .collect();
    std::thread::sleep(Duration::from_secs(2));
    ends_cleanly(server, &dir);
    let server = Server::start(&dir);
    for (writer, acknowledged) in writers.into_iter().map(|writer| writer.join().unwrap()).enumerate() {
        let body = noise(writer as u64, 3 << 20);
        (0..acknowledged).for_each(|number| server.has(&format!("{writer}-{number}"), &body));
    }
    server.stop();
}

/// Stores an object, on a server that may go away meanwhile; true if that was acknowledged.
fn put(host: &str, key: &str, body: &[u8]) -> bool {
    let request = Request::new("PUT", &format!("/bucket/{key}")).body(body).unsigned("connection", "close").sign(host);
    let Ok(mut stream) = TcpStream::connect(host) else { return false };
    let mut answer = Vec::new();
    // Whatever fails, what counts is whether there is an answer.
    let _ = stream.write_all(&request.bytes());
    let _ = stream.read_to_end(&mut answer);
    answer.starts_with(b"HTTP/1.1 200")
}

fn gzip_of_lines(lines: u64) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    for number in 0..lines {
        writeln!(gzip, "{number} {:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
    }
    gzip.finish().unwrap()
}

/// Waits until a server that was told to stop takes no new connection.
fn until_closed(host: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(host).is_ok() {
        assert!(Instant::now() < deadline, "the server still accepts connections");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_upload_under_way_is_finished_and_acknowledged() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let body = noise(7, 32 << 20);
    let request = Request::new("PUT", "/bucket/big").body(body.clone()).sign(&server.host);
    let mut stream = server.connect();
    stream.write_all(&request.head).unwrap();
    stream.write_all(&body[..10 << 20]).unwrap();
    // An idle connection does not keep the server waiting.
    let _idle = server.connect();
    server.terminate();
    until_closed(&server.host);
    stream.write_all(&body[10 << 20..]).unwrap();
    let answer = answer(&mut stream);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("closed"), "{log}");
    let server = Server::start(&dir);
    server.has("big", &body);
    server.stop();
}

#[test]
fn a_download_under_way_is_finished() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let body = noise(8, 48 << 20);
    server.put("big", &body);
    let mut stream = server.connect();
    stream.write_all(&Request::new("GET", "/bucket/big").sign(&server.host).bytes()).unwrap();
    let mut first = [0; 1000];
    stream.read_exact(&mut first).unwrap();
    server.terminate();
    until_closed(&server.host);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    let whole = [first.to_vec(), rest].concat();
    assert!(whole.ends_with(&body), "{} bytes came", whole.len());
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
}
