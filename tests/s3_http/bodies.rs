//! Bodies that are not what their requests promise.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use deltastore::s3::ServerSettings;

use crate::server::{Answer, Connection, Server};
use crate::sigv4::Request;

const WRONG_MD5: &str = "XUFAKrxLKna5cZ2REBfFkg==";
const LARGE: usize = 40 << 20;
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

fn put() -> Request {
    Request::new("PUT", "/bucket/key")
}

/// A PUT of `data` with an unsigned CRC32 trailer, its framing as given.
fn trailed(data: &[u8], framed: &str) -> Request {
    put()
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", &data.len().to_string())
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .payload(UNSIGNED_TRAILER)
        .body(framed)
}

#[test]
fn wrong_digests_are_refused() {
    let server = Server::start();
    server.refuses(server.send(&put().body("data").header("content-md5", WRONG_MD5)), 400, "BadDigest");
    server.refuses(server.send(&put().body("data").header("content-md5", "c2hvcnQ=")), 400, "InvalidDigest");
    server.refuses(server.send(&put().body("data").header("content-md5", "!")), 400, "InvalidDigest");
    let zeros = "0".repeat(64);
    server.refuses(server.send(&put().body("data").payload(&zeros)), 400, "XAmzContentSHA256Mismatch");
    let checksum = put().body("data").header("x-amz-checksum-crc32", "AAAAAA==");
    server.refuses(server.send(&checksum), 400, "BadDigest");
    let malformed = put().body("data").header("x-amz-checksum-crc32", "AAAA");
    server.refuses(server.send(&malformed), 400, "InvalidRequest");
    let unknown = put().body("data").header("x-amz-checksum-sha3", "AAAAAAAAAAA=");
    server.refuses(server.send(&unknown), 400, "InvalidRequest");
    let two = put().body("data").header("x-amz-checksum-crc32", "rfPzYw==").header("x-amz-checksum-sha1", "x");
    server.refuses(server.send(&two), 400, "InvalidRequest");
}

#[test]
fn a_right_trailer_is_kept_and_returned() {
    let server = Server::start();
    let answer = server.send(&trailed(b"hello", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
    let read = server.send(&Request::new("GET", "/bucket/key").header("x-amz-checksum-mode", "ENABLED"));
    assert_eq!((read.status, read.body.as_slice()), (200, b"hello".as_slice()));
    assert_eq!(read.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
    assert_eq!(read.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(read.header("content-encoding"), None);
    let quiet = server.send(&Request::new("GET", "/bucket/key"));
    assert_eq!(quiet.header("x-amz-checksum-crc32"), None);
}

#[test]
fn wrong_or_missing_trailers_are_refused() {
    let server = Server::start();
    let wrong = trailed(b"hello", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
    server.refuses(server.send(&wrong), 400, "BadDigest");
    let missing = trailed(b"hello", "5\r\nhello\r\n0\r\n\r\n");
    let answer = server.send(&missing);
    assert_eq!(answer.status, 400, "{}", answer.text());
    server.is_empty();
    let other = trailed(b"hello", "5\r\nhello\r\n0\r\nx-amz-checksum-sha1:AAAAAA==\r\n\r\n");
    assert_eq!(server.send(&other).status, 400);
    server.is_empty();
    let unannounced = put()
        .header("x-amz-decoded-content-length", "5")
        .payload(UNSIGNED_TRAILER)
        .body("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    server.refuses(server.send(&unannounced), 400, "MalformedTrailerError");
}

#[test]
fn broken_chunk_framing_is_refused() {
    let server = Server::start();
    for framed in [
        "5\r\nhello0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        "zz\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        "5\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        "5\r\nhello\r\n0\r\nno colon\r\n\r\n",
        "ff\r\nhello\r\n",
        "hello",
    ] {
        server.refuses(server.send(&trailed(b"hello", framed)), 400, "IncompleteBody");
    }
}

#[test]
fn wrong_lengths_are_refused() {
    let server = Server::start();
    let framed = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    server.refuses(server.send(&trailed(b"hell", framed)), 400, "IncompleteBody");
    server.refuses(server.send(&trailed(b"hello!", framed)), 400, "IncompleteBody");
    let mut unsized_body = put().payload("UNSIGNED-PAYLOAD").sign(&server.host).head;
    unsized_body = String::from_utf8(unsized_body)
        .unwrap()
        .replace("content-length: 0\r\n", "transfer-encoding: chunked\r\n")
        .into_bytes();
    unsized_body.extend_from_slice(b"5\r\nhello\r\n0\r\n\r\n");
    server.refuses(server.raw(&unsized_body), 411, "MissingContentLength");
}

#[test]
fn signed_chunks_are_verified() {
    let server = Server::start();
    let mut request = put().header("x-amz-decoded-content-length", "5").payload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let framed = request.sign(&server.host).signed_chunks(b"hello");
    request = request.length(framed.len());
    request.body = vec![0];
    let signed = request.sign(&server.host);
    let framed = signed.signed_chunks(b"hello");
    let forged: Vec<u8> = String::from_utf8(framed.clone()).unwrap().replace("hello", "hellO").into_bytes();
    server.refuses(server.raw(&[signed.head.clone(), forged].concat()), 403, "SignatureDoesNotMatch");
    let answer = server.raw(&[signed.head, framed].concat());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_body_cut_short_stores_nothing() {
    let server = Server::start();
    for payload in ["UNSIGNED-PAYLOAD", &"0".repeat(64)] {
        let cut = put().body("only this").length(1000).payload(payload).sign(&server.host).bytes();
        let answer = server.raw_cut(&cut);
        // A client that broke off may not be there for the answer any more.
        if answer != Answer::default() {
            answer.is_error(400, "IncompleteBody");
        }
        server.is_empty();
    }
}

/// Announces a large upload and sends only its first bytes.
fn stalled(server: &Server, key: &str, sent: usize) -> Connection {
    let signed = Request::new("PUT", &format!("/bucket/{key}")).payload("UNSIGNED-PAYLOAD").body(vec![7; LARGE]);
    let mut connection = server.connect();
    connection.write(&signed.sign(&server.host).head);
    connection.write(&vec![7; sent]);
    connection
}

#[test]
fn an_upload_that_sends_nothing_is_given_up_once_others_wait() {
    let pressed_timeout = Duration::from_millis(300);
    let server = Server::with(ServerSettings { pressed_timeout, ..ServerSettings::default() });
    let mut patient = stalled(&server, "patient", 1000);
    thread::sleep(5 * pressed_timeout);
    patient.write(&vec![7; LARGE - 1000]);
    assert_eq!(patient.answer().status, 200, "nobody waited");
    // More than the memory is for, so that some of them wait for the others.
    let mut greedy: Vec<Connection> = (0..16).map(|number| stalled(&server, &number.to_string(), 300 << 10)).collect();
    thread::sleep(pressed_timeout);
    let large = Request::new("PUT", "/bucket/large").payload("UNSIGNED-PAYLOAD").body(vec![8; LARGE]);
    let answer = server.send(&large);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answers = greedy.iter_mut().map(|connection| {
        connection.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        connection.answer()
    });
    let refused: Vec<Answer> = answers.filter(|answer| answer.status != 0).collect();
    assert!(!refused.is_empty());
    refused.iter().for_each(|answer| answer.is_error(400, "RequestTimeout"));
}

#[test]
fn uploads_that_only_announce_hold_nothing() {
    let server = Server::start();
    // Far more than the memory is for, had each of them what it announces.
    let _stalled: Vec<Connection> = (0..64).map(|number| stalled(&server, &number.to_string(), 1000)).collect();
    let large = Request::new("PUT", "/bucket/large").payload("UNSIGNED-PAYLOAD").body(vec![8; LARGE]);
    let started = Instant::now();
    assert_eq!(server.send(&large).status, 200);
    assert_eq!(server.send(&put().body("data")).status, 200);
    assert!(started.elapsed() < ServerSettings::default().pressed_timeout, "{:?}", started.elapsed());
}

#[test]
fn readiness_tells_that_uploads_are_stuck_and_when_they_are_not_any_more() {
    let server = Server::start();
    let _holding: Vec<Connection> = (0..16).map(|number| stalled(&server, &number.to_string(), 300 << 10)).collect();
    let ready = format!("GET /health/ready HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", server.host);
    for expected in [503, 200] {
        let begun = Instant::now();
        while server.raw(ready.as_bytes()).status != expected {
            assert!(begun.elapsed() < Duration::from_secs(30), "{expected} never comes");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn small_bodies_do_not_wait_for_large_ones() {
    let server = Server::start();
    let _holding: Vec<Connection> = (0..16).map(|number| stalled(&server, &number.to_string(), 300 << 10)).collect();
    thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    for _ in 0..10 {
        assert_eq!(server.send(&put().body("data")).status, 200);
    }
    assert!(started.elapsed() < ServerSettings::default().pressed_timeout, "{:?}", started.elapsed());
}

#[test]
fn a_body_that_stalls_is_given_up() {
    let settings = ServerSettings { stall_timeout: Duration::from_millis(300), ..ServerSettings::default() };
    let server = Server::with(settings);
    let mut connection = server.connect();
    connection.write(&put().body("some").length(1000).payload("UNSIGNED-PAYLOAD").sign(&server.host).bytes());
    server.refuses(connection.answer(), 400, "RequestTimeout");
    // A document, which s3s reads.
    let mut connection = server.connect();
    connection.write(&Request::new("POST", "/bucket?delete").body("<De").length(1000).sign(&server.host).bytes());
    server.refuses(connection.answer(), 400, "RequestTimeout");
}

#[test]
fn a_drip_is_given_up_too() {
    let stall_timeout = Duration::from_millis(500);
    let server =
        Server::with(ServerSettings { stall_timeout, min_bytes_per_second: 10_000, ..ServerSettings::default() });
    let mut connection = server.connect();
    connection.write(&put().length(1000).payload("UNSIGNED-PAYLOAD").sign(&server.host).bytes());
    let mut stream = connection.stream.try_clone().unwrap();
    let drip = thread::spawn(move || {
        for _ in 0..200 {
            if stream.write_all(b"x").is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    server.refuses(connection.answer(), 400, "RequestTimeout");
    drip.join().unwrap();
}

#[test]
fn a_refused_upload_still_reads_the_answer() {
    let server = Server::start();
    let large = put().body(vec![7; 900 << 10]).payload("UNSIGNED-PAYLOAD").header("x-amz-acl", "public-read");
    server.refuses(server.send(&large), 400, "AccessControlListNotSupported");
}
