//! kill -9, and starting again without a manual step.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::process::{Server, data_folder, noise, succeed};
use crate::sigv4::Request;

#[test]
fn what_was_acknowledged_survives_kill_9_and_nothing_else_is_there() {
    let (_folder, dir) = data_folder();
    let mut kept: Vec<(String, Vec<u8>)> = Vec::new();
    let mut server = Server::start(&dir);
    server.make_bucket();
    for round in 0..4 {
        for number in 0..5 {
            let (key, body) = (format!("{round}/{number}"), noise(round * 10 + number, 300_000));
            server.put(&key, &body);
            kept.push((key, body));
        }
        // An upload that the crash cuts short.
        let body = noise(round + 100, 8 << 20);
        let request = Request::new("PUT", &format!("/bucket/cut/{round}")).body(body).sign(&server.host);
        let mut stream = server.connect();
        stream.write_all(&request.head).unwrap();
        stream.write_all(&request.body[..request.body.len() / 2]).unwrap();
        server.kill();
        server = Server::start(&dir);
        for (key, body) in &kept {
            server.has(key, body);
        }
        server.lacks(&format!("cut/{round}"));
    }
    server.kill();
    assert!(succeed("fsck", &dir).contains("no problems found"));
}

#[test]
fn an_upload_in_parts_survives_kill_9() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let begun = server.send(Request::new("POST", "/bucket/big?uploads="));
    let text = String::from_utf8(begun.body).unwrap();
    let upload = text.split_once("<UploadId>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let parts = [noise(1, 5 << 20), noise(2, 1000)];
    let part = |server: &Server, number: usize| {
        let target = format!("/bucket/big?partNumber={number}&uploadId={upload}");
        let answer = server.send(Request::new("PUT", &target).body(parts[number - 1].clone()));
        assert_eq!(answer.status, 200);
        answer.header("etag").unwrap().to_owned()
    };
    let first = part(&server, 1);
    server.kill();
    let server = Server::start(&dir);
    let second = part(&server, 2);
    let list: String = [first, second]
        .iter()
        .enumerate()
        .map(|(at, etag)| format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", at + 1))
        .collect();
    let list = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
    let complete = |server: &Server| {
        let done = server.send(Request::new("POST", &format!("/bucket/big?uploadId={upload}")).body(list.clone()));
        let text = String::from_utf8(done.body).unwrap();
        assert_eq!(done.status, 200, "{text}");
        // All but the location, since the port is another one.
        text.split_once("</Location>").unwrap().1.to_owned()
    };
    let done = complete(&server);
    server.kill();
    let server = Server::start(&dir);
    server.has("big", &parts.concat());
    assert_eq!(complete(&server), done);
    server.stop();
}

#[test]
fn an_upload_ends_by_itself_at_the_age_that_is_set() {
    let (_folder, dir) = data_folder();
    let server = Server::with(&dir, &["--upload-expiry", "1s"]);
    server.make_bucket();
    assert_eq!(server.send(Request::new("POST", "/bucket/big?uploads=")).status, 200);
    let uploads = || String::from_utf8(server.send(Request::new("GET", "/bucket?uploads=")).body).unwrap();
    assert!(uploads().contains("<Key>big</Key>"));
    let deadline = Instant::now() + Duration::from_secs(120);
    while uploads().contains("<Key>big</Key>") {
        assert!(Instant::now() < deadline, "the upload does not end");
        std::thread::sleep(Duration::from_millis(200));
    }
    server.stop();
}
