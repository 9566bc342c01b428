//! SIGTERM while requests are under way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::process::{Server, answer, data_folder, noise};
use crate::sigv4::Request;

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
