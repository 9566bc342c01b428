//! kill -9, and starting again without a manual step.

use std::io::Write;

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
    let done = server.send(Request::new("POST", &format!("/bucket/big?uploadId={upload}")).body(list));
    assert_eq!(done.status, 200, "{}", String::from_utf8_lossy(&done.body));
    server.kill();
    let server = Server::start(&dir);
    server.has("big", &parts.concat());
    server.stop();
}
