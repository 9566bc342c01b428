//! Headers and names that are too large, too many, or ask for what is not there.

use crate::server::Server;
use crate::sigv4::Request;

fn put(key: &str) -> Request {
    Request::new("PUT", &format!("/bucket/{key}")).body("data")
}

#[test]
fn huge_headers_are_refused() {
    let server = Server::start();
    server.refuses(
        server.send(&put("key").unsigned("x-long", &"x".repeat(20_000))),
        400,
        "RequestHeaderSectionTooLarge",
    );
    let answer = server.send(&put("key").unsigned("x-long", &"x".repeat(300_000)));
    assert_eq!(answer.status, 431);
    let many = |count: usize, value: &str| {
        (0..count).fold(put("key"), |request, at| request.unsigned(&format!("x-{at}"), value))
    };
    server.refuses(server.send(&many(900, &"x".repeat(20))), 400, "RequestHeaderSectionTooLarge");
    assert_eq!(server.send(&many(1100, "x")).status, 431);
    server.is_empty();
}

#[test]
fn metadata_may_be_many_small_headers() {
    let server = Server::start();
    let put = (0..200).fold(put("key"), |request, at| request.header(&format!("x-amz-meta-{at}"), "v"));
    assert_eq!(server.send(&put).status, 200);
    let found = server.send(&Request::new("GET", "/bucket/key"));
    let kept = found.headers.iter().filter(|(name, value)| name.starts_with("x-amz-meta-") && value == "v");
    assert_eq!(kept.count(), 200);
}

#[test]
fn metadata_over_two_kilobytes_is_refused() {
    let server = Server::start();
    let metadata = |bytes: usize| put("key").header("x-amz-meta-a", &"x".repeat(bytes));
    server.refuses(server.send(&metadata(2048)), 400, "MetadataTooLarge");
    assert_eq!(server.send(&metadata(2047)).status, 200);
}

#[test]
fn long_keys_and_invalid_buckets_are_refused() {
    let server = Server::start();
    server.refuses(server.send(&put(&"k".repeat(1025))), 400, "KeyTooLongError");
    for name in ["ab", "UPPER", "a_b", "-ab", "a..b", "192.168.0.1"] {
        server.refuses(server.send(&Request::new("PUT", &format!("/{name}"))), 400, "InvalidBucketName");
    }
    assert_eq!(server.send(&put(&"k".repeat(1024))).status, 200);
    let missing = server.send(&Request::new("PUT", "/no-such-bucket/key").body("data"));
    missing.is_error(404, "NoSuchBucket");
}

#[test]
fn what_would_be_ignored_is_refused() {
    let server = Server::start();
    let with = |name: &str, value: &str| server.send(&put("key").header(name, value));
    server.refuses(with("x-amz-server-side-encryption", "AES256"), 501, "NotImplemented");
    server.refuses(with("x-amz-server-side-encryption-customer-key", "k"), 501, "NotImplemented");
    server.refuses(with("x-amz-object-lock-mode", "GOVERNANCE"), 501, "NotImplemented");
    server.refuses(with("x-amz-acl", "public-read"), 400, "AccessControlListNotSupported");
    server.refuses(with("x-amz-grant-read", "id=1"), 400, "AccessControlListNotSupported");
    server.refuses(with("x-amz-storage-class", "CHEAPEST"), 400, "InvalidStorageClass");
    assert_eq!(with("x-amz-storage-class", "REDUCED_REDUNDANCY").status, 200);
    let versioning = Request::new("PUT", "/bucket?versioning=").body("<VersioningConfiguration/>");
    server.send(&versioning).is_error(501, "NotImplemented");
    let form = Request::new("POST", "/bucket").header("content-type", "multipart/form-data; boundary=x").body("--x--");
    server.send(&form).is_error(501, "NotImplemented");
}

#[test]
fn part_numbers_are_checked() {
    let server = Server::start();
    let created = server.send(&Request::new("POST", "/bucket/key?uploads="));
    let upload = created.element("UploadId").unwrap();
    for number in ["0", "10001", "-1", "x"] {
        let part = Request::new("PUT", &format!("/bucket/key?partNumber={number}&uploadId={upload}")).body("data");
        server.send(&part).is_error(400, "InvalidArgument");
    }
    let listed = server.send(&Request::new("GET", &format!("/bucket/key?uploadId={upload}")));
    assert!(!listed.text().contains("<Part>"), "{}", listed.text());
    server.is_empty();
}
