//! Connections: too many, too slow, asked to wait, and drained.

use std::thread;
use std::time::{Duration, Instant};

use deltastore::s3::ServerSettings;

use crate::server::{Connection, Server};
use crate::sigv4::Request;

#[test]
fn connections_over_the_limit_are_told_to_slow_down() {
    let server = Server::with(ServerSettings { max_connections: 4, ..ServerSettings::default() });
    let live = format!("GET /health/live HTTP/1.1\r\nhost: {}\r\n\r\n", server.host);
    let deadline = Instant::now() + Duration::from_secs(10);
    let held: Vec<_> = (0..4).map(|_| served(&server, &live, deadline)).collect();
    // None of them was idle for a while.
    let mut refused = server.connect();
    refused.write(&Request::new("GET", "/").sign(&server.host).bytes());
    refused.answer().is_error(503, "SlowDown");
    assert!(refused.is_closed());
    drop(held);
    served(&server, &live, deadline);
}

#[test]
fn idle_connections_make_way_and_the_idlest_first() {
    let server = Server::with(ServerSettings { max_connections: 2, ..ServerSettings::default() });
    let live = format!("GET /health/live HTTP/1.1\r\nhost: {}\r\n\r\n", server.host);
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut idlest = served(&server, &live, deadline);
    thread::sleep(Duration::from_millis(100));
    let mut other = served(&server, &live, deadline);
    // Refusals are answered with health too: signed requests are not.
    let listed = loop {
        let answer = server.send(&Request::new("GET", "/"));
        if answer.status != 503 {
            break answer;
        }
        assert!(Instant::now() < deadline, "no idle connection made way");
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(listed.status, 200, "{}", listed.text());
    assert!(idlest.is_closed());
    other.write(live.as_bytes());
    assert_eq!(other.answer().status, 200);
}

#[test]
fn a_stalled_upload_makes_way_and_is_told() {
    let server = Server::with(ServerSettings { max_connections: 1, ..ServerSettings::default() });
    let deadline = Instant::now() + Duration::from_secs(30);
    let stalled = || {
        let mut connection = server.connect();
        connection.write(&Request::new("PUT", "/bucket/key").body("x").length(1000).sign(&server.host).bytes());
        connection
    };
    // The connection that made the bucket may still have the only place.
    let mut first = loop {
        let mut first = stalled();
        thread::sleep(Duration::from_millis(200));
        if !first.has_ended() {
            break first;
        }
        assert!(Instant::now() < deadline, "the set-up's connection kept its place");
    };
    loop {
        let answer = server.send(&Request::new("GET", "/"));
        if answer.status == 200 {
            break;
        }
        answer.is_error(503, "SlowDown");
        assert!(Instant::now() < deadline, "the upload kept its place");
        thread::sleep(Duration::from_millis(50));
    }
    first.answer().is_error(400, "RequestTimeout");
}

#[test]
fn health_is_answered_beyond_every_limit() {
    let server = Server::with(ServerSettings { max_connections: 1, ..ServerSettings::default() });
    let mut busy = server.connect();
    busy.write(&Request::new("PUT", "/bucket/key").body("x").length(1000).sign(&server.host).bytes());
    thread::sleep(Duration::from_millis(100));
    // They say nothing, and there is no place for them.
    let _silent: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for path in ["/health/live", "/health/ready", "/minio/health/live"] {
        let answer = server.raw(format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.host).as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let answer = server.raw(format!("HEAD {path} HTTP/1.0\r\n\r\n").as_bytes());
        assert_eq!(answer.status, 200, "HEAD {path}");
    }
    // A signed request means a bucket of that name.
    server.send(&Request::new("GET", "/health/live")).is_error(503, "SlowDown");
}

#[test]
fn one_address_has_a_limit_of_its_own() {
    let server = Server::with(ServerSettings { max_connections_per_peer: 2, ..ServerSettings::default() });
    let live = format!("GET /health/live HTTP/1.1\r\nhost: {}\r\n\r\n", server.host);
    let deadline = Instant::now() + Duration::from_secs(10);
    let _held: Vec<_> = (0..2).map(|_| served(&server, &live, deadline)).collect();
    let answer = server.send(&Request::new("GET", "/"));
    answer.is_error(503, "SlowDown");
    assert!(answer.text().contains("from your address"), "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn a_connection_without_a_first_request_is_closed_soon() {
    let first_request_timeout = Duration::from_millis(300);
    let server = Server::with(ServerSettings { first_request_timeout, ..ServerSettings::default() });
    let mut silent = server.connect();
    let mut used = server.connect();
    let live = format!("GET /health/live HTTP/1.1\r\nhost: {}\r\n\r\n", server.host);
    used.write(live.as_bytes());
    assert_eq!(used.answer().status, 200);
    assert!(silent.is_closed());
    thread::sleep(2 * first_request_timeout);
    used.write(live.as_bytes());
    assert_eq!(used.answer().status, 200, "later requests have more time");
}

#[test]
fn slow_readers_do_not_keep_large_objects_from_others() {
    let server = Server::start();
    let body: Vec<u8> = (0..16u32 << 20).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
    let large = Request::new("PUT", "/bucket/large").body(body.clone()).payload("UNSIGNED-PAYLOAD");
    assert_eq!(server.send(&large).status, 200);
    // More than the memory is for, had each of them a window on its way.
    let readers: Vec<_> = (0..96)
        .map(|_| {
            let mut reader = server.connect();
            reader.write(&Request::new("GET", "/bucket/large").sign(&server.host).bytes());
            reader
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    let started = Instant::now();
    let got = server.send(&Request::new("GET", "/bucket/large"));
    assert!(got.status == 200 && got.body == body, "{} bytes", got.body.len());
    assert!(started.elapsed() < ServerSettings::default().stall_timeout, "{:?}", started.elapsed());
    drop(readers);
}

/// A connection that the server serves: one that was closed just before may still count for a moment.
fn served(server: &Server, live: &str, deadline: Instant) -> Connection {
    loop {
        let mut connection = server.connect();
        connection.write(live.as_bytes());
        if connection.answer().status == 200 {
            return connection;
        }
        assert!(Instant::now() < deadline, "connections are never given back");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn slow_headers_are_cut_off() {
    let server =
        Server::with(ServerSettings { header_timeout: Duration::from_millis(300), ..ServerSettings::default() });
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.write(b"GET / HTTP/1.1\r\nhost:");
    let started = Instant::now();
    assert!(silent.is_closed());
    slow.answer();
    assert!(slow.is_closed());
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_client_that_reads_nothing_is_cut_off() {
    let stall_timeout = Duration::from_millis(500);
    let server = Server::with(ServerSettings { stall_timeout, ..ServerSettings::default() });
    let size = 32 << 20;
    let large = Request::new("PUT", "/bucket/large").body(vec![7; size]).payload("UNSIGNED-PAYLOAD");
    assert_eq!(server.send(&large).status, 200);
    let mut reader = server.connect();
    reader.write(&Request::new("GET", "/bucket/large").sign(&server.host).bytes());
    thread::sleep(Duration::from_secs(3));
    let answer = reader.answer();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.body.len() < size);
    assert!(reader.is_closed());
}

#[test]
fn a_connection_is_kept_for_more_requests() {
    let server = Server::start();
    let mut connection = server.connect();
    for body in ["one", "two"] {
        connection.write(&Request::new("PUT", "/bucket/key").body(body).sign(&server.host).bytes());
        assert_eq!(connection.answer().status, 200);
        connection.write(&Request::new("GET", "/bucket/key").sign(&server.host).bytes());
        assert_eq!(connection.answer().text(), body);
    }
}

#[test]
fn a_client_may_wait_to_be_asked_for_its_body() {
    let server = Server::start();
    let signed = Request::new("PUT", "/bucket/key").body("data").unsigned("expect", "100-continue").sign(&server.host);
    let mut connection = server.connect();
    connection.write(&signed.head);
    assert_eq!(connection.answer().status, 100);
    connection.write(&signed.body);
    assert_eq!(connection.answer().status, 200);

    let refused = Request::new("PUT", "/bucket/other").body("data").unsigned("expect", "100-continue").skew(-3600);
    let mut connection = server.connect();
    connection.write(&refused.sign(&server.host).head);
    connection.answer().is_error(403, "RequestTimeTooSkewed");
}

#[test]
fn a_shutdown_waits_for_requests_under_way() {
    let mut server = Server::start();
    let signed = Request::new("PUT", "/bucket/key").body("data").payload("UNSIGNED-PAYLOAD").sign(&server.host);
    let mut busy = server.connect();
    busy.write(&signed.head);
    let mut idle = server.connect();
    thread::sleep(Duration::from_millis(200));
    server.begin_stop();
    thread::sleep(Duration::from_millis(200));
    assert!(idle.is_closed());
    busy.write(&signed.body);
    let answer = busy.answer();
    assert_eq!(answer.status, 200, "{}", answer.text());
    server.stop();
}

#[test]
fn a_shutdown_does_not_wait_forever() {
    let mut server =
        Server::with(ServerSettings { drain_timeout: Duration::from_millis(200), ..ServerSettings::default() });
    let mut stuck = server.connect();
    stuck.write(&Request::new("PUT", "/bucket/key").body("data").sign(&server.host).head);
    thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(stuck.is_closed());
}
