//! Who is let in.

use crate::server::Server;
use crate::sigv4::{ACCESS_KEY, Request};

const QUARTER: i64 = 15 * 60;

fn put() -> Request {
    Request::new("PUT", "/bucket/key").body("data")
}

#[test]
fn nobody_comes_in_unsigned() {
    let server = Server::start();
    let host = &server.host;
    server.refuses(server.raw(format!("GET /bucket HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()), 403, "AccessDenied");
    let put = format!("PUT /bucket/key HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1\r\n\r\nx");
    server.refuses(server.raw(put.as_bytes()), 403, "AccessDenied");
}

#[test]
fn expired_and_future_signatures_are_refused() {
    let server = Server::start();
    server.refuses(server.send(&put().skew(-QUARTER - 60)), 403, "RequestTimeTooSkewed");
    server.refuses(server.send(&put().skew(QUARTER + 60)), 403, "RequestTimeTooSkewed");
    assert_eq!(server.send(&put().skew(-QUARTER + 120)).status, 200);
}

#[test]
fn presigned_targets_expire() {
    let server = Server::start();
    let get = |target: &str| server.raw(format!("GET {target} HTTP/1.1\r\nhost: {}\r\n\r\n", server.host).as_bytes());
    let list = Request::new("GET", "/bucket");
    assert_eq!(get(&list.presign(&server.host, 60)).status, 200);
    server.refuses(get(&list.clone().skew(-120).presign(&server.host, 60)), 403, "AccessDenied");
    server.refuses(get(&list.clone().skew(QUARTER + 60).presign(&server.host, 60)), 403, "RequestTimeTooSkewed");
    let too_long = get(&list.presign(&server.host, 8 * 24 * 3600));
    server.refuses(too_long, 400, "AuthorizationQueryParametersError");
    let other = list.presign(&server.host, 60).replace("/bucket?", "/bucket/key?");
    server.refuses(get(&other), 403, "SignatureDoesNotMatch");
}

#[test]
fn a_presigned_upload_cannot_be_made_a_copy() {
    let server = Server::start();
    let target = Request::new("PUT", "/bucket/key").presign(&server.host, 60);
    let request = format!(
        "PUT {target} HTTP/1.1\r\nhost: {}\r\nx-amz-copy-source: other/secret\r\ncontent-length: 0\r\n\r\n",
        server.host
    );
    server.refuses(server.raw(request.as_bytes()), 403, "AccessDenied");
}

#[test]
fn unsigned_amz_headers_are_refused() {
    let server = Server::start();
    for (name, value) in [
        ("x-amz-copy-source", "other/secret"),
        ("x-amz-meta-a", "b"),
        ("x-amz-acl", "private"),
        ("x-amz-checksum-crc32", "rfPzYw=="),
        ("x-amz-decoded-content-length", "4"),
    ] {
        server.refuses(server.send(&put().unsigned(name, value)), 403, "AccessDenied");
    }
}

#[test]
fn a_changed_request_no_longer_matches() {
    let server = Server::start();
    let signed = String::from_utf8(put().header("x-amz-meta-a", "b").sign(&server.host).bytes()).unwrap();
    for (from, to) in [("/bucket/key", "/bucket/kez"), ("x-amz-meta-a: b", "x-amz-meta-a: c"), ("PUT ", "DELETE ")] {
        server.refuses(server.raw(signed.replacen(from, to, 1).as_bytes()), 403, "SignatureDoesNotMatch");
    }
    let stranger = signed.replace(&format!("Credential={ACCESS_KEY}"), "Credential=stranger");
    server.refuses(server.raw(stranger.as_bytes()), 403, "InvalidAccessKeyId");
}

#[test]
fn old_signatures_and_tokens_say_what_to_do() {
    let server = Server::start();
    let host = &server.host;
    let target = "/bucket/key?AWSAccessKeyId=a&Expires=1&Signature=b";
    let answer = server.raw(format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
    assert!(answer.element("Message").unwrap().contains("s3v4"));
    server.refuses(answer, 400, "InvalidRequest");
    let header = format!("GET /bucket HTTP/1.1\r\nhost: {host}\r\nauthorization: AWS a:b\r\n\r\n");
    server.refuses(server.raw(header.as_bytes()), 400, "InvalidRequest");
    server.refuses(server.send(&put().header("x-amz-security-token", "t")), 400, "InvalidToken");
}
