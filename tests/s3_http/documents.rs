//! XML bodies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::server::Server;
use crate::sigv4::Request;

const PART: usize = 5 << 20;

fn delete(document: &str) -> Request {
    Request::new("POST", "/bucket?delete=")
        .header("content-md5", &STANDARD.encode(Md5::digest(document)))
        .body(document)
}

fn keys(count: usize) -> String {
    let objects: String = (0..count).map(|at| format!("<Object><Key>k{at}</Key></Object>")).collect();
    format!("<Delete>{objects}</Delete>")
}

#[test]
fn at_most_a_thousand_keys_are_deleted_at_once() {
    let server = Server::start();
    assert_eq!(server.send(&Request::new("PUT", "/bucket/k0").body("data")).status, 200);
    server.send(&delete(&keys(1001))).is_error(400, "MalformedXML");
    server.send(&delete("<Delete></Delete>")).is_error(400, "MalformedXML");
    assert_eq!(server.send(&Request::new("GET", "/bucket/k0")).status, 200);
    assert_eq!(server.send(&delete(&keys(1000))).status, 200);
    server.is_empty();
}

#[test]
fn a_document_must_have_the_digests_it_names() {
    let server = Server::start();
    assert_eq!(server.send(&Request::new("PUT", "/bucket/k0").body("data")).status, 200);
    let document = keys(1);
    let request = || Request::new("POST", "/bucket?delete=").body(document.as_str());
    server.send(&request().header("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")).is_error(400, "BadDigest");
    server.send(&request().header("content-md5", "x")).is_error(400, "InvalidDigest");
    server.send(&request().header("x-amz-checksum-crc32", "AAAAAA==")).is_error(400, "BadDigest");
    server.send(&request().payload(&"0".repeat(64))).is_error(400, "XAmzContentSHA256Mismatch");
    assert_eq!(server.send(&Request::new("GET", "/bucket/k0")).status, 200);
}

#[test]
fn bombs_and_nonsense_are_refused() {
    let server = Server::start();
    server.send(&delete("<Delete><Object>")).is_error(400, "MalformedXML");
    server.send(&delete("not xml")).is_error(400, "MalformedXML");
    let mut bomb = "<!DOCTYPE d [<!ENTITY a0 \"aaaaaaaaaa\">".to_owned();
    for at in 1..20 {
        bomb.push_str(&format!("<!ENTITY a{at} \"{}\">", format!("&a{};", at - 1).repeat(10)));
    }
    bomb.push_str("]><Delete><Object><Key>&a19;</Key></Object></Delete>");
    server.send(&delete(&bomb)).is_error(400, "MalformedXML");
    let deep = format!("<Delete>{}", "<Object>".repeat(100_000));
    server.send(&delete(&deep)).is_error(400, "MalformedXML");
    let huge = format!("<Delete>{}</Delete>", " ".repeat(3 << 20));
    server.send(&delete(&huge)).is_error(400, "MaxMessageLengthExceeded");
    server.is_empty();
}

#[test]
fn parts_out_of_order_or_too_small_are_refused() {
    let server = Server::start();
    let created = server.send(&Request::new("POST", "/bucket/key?uploads="));
    let upload = created.element("UploadId").unwrap();
    let part = |number: u16, size: usize| {
        let target = format!("/bucket/key?partNumber={number}&uploadId={upload}");
        let answer =
            server.send(&Request::new("PUT", &target).body(vec![number as u8; size]).payload("UNSIGNED-PAYLOAD"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("etag").unwrap().to_owned()
    };
    let complete = |parts: &[(u16, &str)]| {
        let parts: String = parts
            .iter()
            .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
            .collect();
        let document = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        server.send(&Request::new("POST", &format!("/bucket/key?uploadId={upload}")).body(document))
    };
    let (one, two, three) = (part(1, PART), part(2, 1000), part(3, 10));
    server.refuses(complete(&[(2, &two), (1, &one)]), 400, "InvalidPartOrder");
    server.refuses(complete(&[(1, &one), (2, &two), (3, &three)]), 400, "EntityTooSmall");
    server.refuses(complete(&[(1, &two)]), 400, "InvalidPart");
    server.refuses(complete(&[(4, &one)]), 400, "InvalidPart");
    server.refuses(complete(&[]), 400, "MalformedXML");
    let done = complete(&[(1, &one), (2, &two)]);
    assert_eq!(done.status, 200, "{}", done.text());
    let range = server.send(&Request::new("GET", "/bucket/key").header("range", &format!("bytes={}-{PART}", PART - 1)));
    assert_eq!((range.status, range.body.as_slice()), (206, [1, 2].as_slice()));
}
