//! What answers carry.

use crate::server::{Answer, Server};
use crate::sigv4::Request;

fn head(server: &Server, request: &Request) -> Answer {
    let mut connection = server.connect();
    connection.write(&request.sign(&server.host).bytes());
    connection.head_answer()
}

#[test]
fn every_answer_names_its_request() {
    let server = Server::start();
    let answers = [
        server.send(&Request::new("GET", "/")),
        server.send(&Request::new("GET", "/bucket/missing")),
        server.raw(format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", server.host).as_bytes()),
        head(&server, &Request::new("HEAD", "/bucket/missing")),
    ];
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.header("x-amz-request-id").unwrap()).collect();
    assert!(answers.iter().all(|answer| answer.header("x-amz-id-2").is_some()));
    assert!(answers.iter().all(|answer| answer.header("server") == Some("Deltastore")));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
}

#[test]
fn health_needs_no_signature() {
    let server = Server::start();
    for path in ["/health/live", "/health/ready", "/minio/health/live", "/minio/health/ready"] {
        let get = |method: &str| format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.host);
        assert_eq!(server.raw(get("GET").as_bytes()).status, 200, "{path}");
        let mut connection = server.connect();
        connection.write(get("HEAD").as_bytes());
        assert_eq!(connection.head_answer().status, 200, "{path}");
    }
    server.send(&Request::new("GET", "/health/live")).is_error(404, "NoSuchBucket");
}

#[test]
fn ranges_and_conditions_have_their_statuses() {
    let server = Server::start();
    let put = server.send(&Request::new("PUT", "/bucket/key").body("0123456789").header("x-amz-meta-a", "b"));
    let etag = put.header("etag").unwrap().to_owned();
    let get = |name: &str, value: &str| server.send(&Request::new("GET", "/bucket/key").header(name, value));
    let range = get("range", "bytes=2-4");
    assert_eq!((range.status, range.text().as_str()), (206, "234"));
    assert_eq!(range.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(range.header("x-amz-meta-a"), Some("b"));
    assert_eq!(get("range", "bytes=-3").text(), "789");
    let outside = get("range", "bytes=10-");
    outside.is_error(416, "InvalidRange");
    assert_eq!(outside.header("content-range"), Some("bytes */10"));
    let unchanged = get("if-none-match", &etag);
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some(etag.as_str())));
    assert!(unchanged.body.is_empty());
    assert_eq!(get("if-none-match", &format!("\"other\", {etag}")).status, 304);
    get("if-match", "\"other\"").is_error(412, "PreconditionFailed");
    let again = server.send(&Request::new("PUT", "/bucket/key").body("x").header("if-none-match", "*"));
    again.is_error(412, "PreconditionFailed");
    let part = head(&server, &Request::new("HEAD", "/bucket/key").header("range", "bytes=0-0"));
    assert_eq!((part.status, part.header("content-length")), (206, Some("1")));
}

#[test]
fn what_is_not_one_range_is_ignored() {
    let server = Server::start();
    server.send(&Request::new("PUT", "/bucket/key").body("0123456789"));
    let key = || Request::new("GET", "/bucket/key");
    for range in ["bytes=abc", "bytes=5-2", "items=0-1", "bytes=0-1,3-4", "bytes=-", "bytes", "bytes=1-2x"] {
        for answer in [server.send(&key().header("range", range)), server.send(&key().unsigned("range", range))] {
            assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"), "{range}");
            assert_eq!(answer.header("content-range"), None);
        }
        let whole = head(&server, &Request::new("HEAD", "/bucket/key").header("range", range));
        assert_eq!((whole.status, whole.header("content-length")), (200, Some("10")), "{range}");
        let presigned = format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\nrange: {range}\r\n\r\n",
            key().presign(&server.host, 60),
            server.host
        );
        let answer = server.raw(presigned.as_bytes());
        assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"), "{range}");
    }
    let twice = server.send(&key().unsigned("range", "bytes=0-1").unsigned("range", "bytes=3-4"));
    assert_eq!((twice.status, twice.text().as_str()), (200, "0123456789"));
    let long = server.send(&key().header("range", "bytes=7-18446744073709551615"));
    assert_eq!((long.status, long.text().as_str()), (206, "789"));
    server.send(&key().header("range", "bytes=18446744073709551616-")).is_error(416, "InvalidRange");
    server.send(&key().header("range", "bytes=10-")).is_error(416, "InvalidRange");
}

#[test]
fn a_range_that_is_ignored_opens_no_door() {
    let server = Server::start();
    server.send(&Request::new("PUT", "/bucket/key").body("0123456789"));
    let key = || Request::new("GET", "/bucket/key").header("range", "bytes=abc");
    let signed = String::from_utf8(key().sign(&server.host).bytes()).unwrap();
    server.raw(signed.replace("bytes=abc", "bytes=abd").as_bytes()).is_error(403, "SignatureDoesNotMatch");
    let anonymous = format!("GET /bucket/key HTTP/1.1\r\nhost: {}\r\nrange: bytes=abc\r\n\r\n", server.host);
    server.raw(anonymous.as_bytes()).is_error(403, "AccessDenied");
    server.send(&key().skew(-3600)).is_error(403, "RequestTimeTooSkewed");
    // What is wrong besides is said.
    let part = Request::new("GET", "/bucket/key?partNumber=0").header("range", "bytes=abc");
    server.send(&part).is_error(400, "InvalidArgument");
    server.send(&Request::new("GET", "/bucket/kez").header("range", "bytes=abc")).is_error(404, "NoSuchKey");
    server.send(&Request::new("GET", "/_deltastore/policy").header("range", "x")).is_error(400, "InvalidArgument");
    server.send(&key().header("x-amz-server-side-encryption", "AES256")).is_error(501, "NotImplemented");
}

#[test]
fn an_administrator_sees_how_an_object_is_stored() {
    let server = Server::start();
    server.send(&Request::new("PUT", "/bucket/key").body("data"));
    let found = head(&server, &Request::new("HEAD", "/bucket/key"));
    assert!(matches!(found.header("x-amz-storage-type"), Some("reference" | "delta" | "passthrough")));
    assert!(found.header("x-deltastore-stored-bytes").unwrap().parse::<u64>().is_ok());
    assert_eq!(found.header("content-type"), Some("binary/octet-stream"));
}

#[test]
fn overrides_replace_what_is_stored() {
    let server = Server::start();
    server.send(&Request::new("PUT", "/bucket/key").body("data").header("content-type", "text/x"));
    let target = "/bucket/key?response-content-type=text%2Fy";
    assert_eq!(server.send(&Request::new("GET", target)).header("content-type"), Some("text/y"));
    assert_eq!(head(&server, &Request::new("HEAD", target)).header("content-type"), Some("text/y"));
}

#[test]
fn listings_encode_names_only_when_asked_to() {
    let server = Server::start();
    for key in ["a%2Bb%20c", "d%01"] {
        assert_eq!(server.send(&Request::new("PUT", &format!("/bucket/{key}")).body("x")).status, 200);
    }
    let plain = server.send(&Request::new("GET", "/bucket?list-type=2&prefix=a"));
    assert_eq!(plain.element("Key").as_deref(), Some("a+b c"));
    let encoded = server.send(&Request::new("GET", "/bucket?encoding-type=url&list-type=2&prefix=a%2B"));
    assert_eq!(encoded.element("Key").as_deref(), Some("a%2Bb%20c"));
    assert_eq!(encoded.element("Prefix").as_deref(), Some("a%2B"));
    let control = server.send(&Request::new("GET", "/bucket?list-type=2&prefix=d"));
    assert_eq!((control.element("Key").as_deref(), control.element("EncodingType")), (Some("d&#x1;"), None));
}

#[test]
fn version_one_listings_give_a_marker_only_with_a_delimiter() {
    let server = Server::start();
    for key in ["a/1", "b/1", "c"] {
        server.send(&Request::new("PUT", &format!("/bucket/{key}")).body("x"));
    }
    let plain = server.send(&Request::new("GET", "/bucket?max-keys=1"));
    assert_eq!((plain.element("IsTruncated").as_deref(), plain.element("NextMarker")), (Some("true"), None));
    let rolled = server.send(&Request::new("GET", "/bucket?delimiter=%2F&max-keys=1"));
    assert_eq!(rolled.element("NextMarker").as_deref(), Some("a/"));
    let next = server.send(&Request::new("GET", "/bucket?delimiter=%2F&marker=a%2F&max-keys=1"));
    assert!(next.text().contains("<CommonPrefixes><Prefix>b/</Prefix>"), "{}", next.text());
}

#[test]
fn common_questions_have_constant_answers() {
    let server = Server::start();
    server.send(&Request::new("PUT", "/bucket/key").body("x").header("x-amz-tagging", "a=b"));
    assert_eq!(server.send(&Request::new("GET", "/bucket?location=")).status, 200);
    assert_eq!(server.send(&Request::new("GET", "/bucket?versioning=")).status, 200);
    let acl = server.send(&Request::new("GET", "/bucket?acl="));
    assert_eq!(acl.element("Permission").as_deref(), Some("FULL_CONTROL"));
    assert_eq!(server.send(&Request::new("GET", "/bucket/key?acl=")).status, 200);
    let tags = server.send(&Request::new("GET", "/bucket/key?tagging="));
    assert!(tags.text().contains("<Key>a</Key><Value>b</Value>"), "{}", tags.text());
}
