//! One line a request, and health without credentials.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{Answer, Server, data_folder, deltastore};
use crate::sigv4::{ACCESS_KEY, Request, SECRET_KEY};

fn id(answer: &Answer) -> String {
    answer.header("x-amz-request-id").unwrap().to_owned()
}

/// A stored object, a missing one, and a request without credentials.
fn ids_of_requests(server: &Server) -> [String; 3] {
    server.make_bucket();
    let stored = server.send(Request::new("PUT", "/bucket/key").body("text"));
    let missing = server.send(Request::new("GET", "/bucket/none"));
    let unsigned = server.plain("/bucket/key");
    assert_eq!((stored.status, missing.status, unsigned.status), (200, 404, 403));
    [id(&stored), id(&missing), id(&unsigned)]
}

#[test]
fn each_request_has_one_line_of_text_with_its_id() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    let ids = ids_of_requests(&server);
    server.terminate();
    let (_, log) = server.ended();
    for id in ids {
        assert_eq!(log.matches(&id).count(), 1, "{id}: {log}");
    }
    assert_eq!(log.lines().filter(|line| line.contains(" request ")).count(), 4, "{log}");
    // What clients do wrong is no error of the server's.
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn each_request_has_one_line_of_json_with_its_id() {
    let (_folder, dir) = data_folder();
    let server = Server::with(&dir, &["--log-format", "json"]);
    let ids = ids_of_requests(&server);
    server.terminate();
    let (_, log) = server.ended();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let expected = [("PUT", 200, Value::Null), ("GET", 404, "NoSuchKey".into()), ("GET", 403, "AccessDenied".into())];
    for (id, (method, status, code)) in ids.iter().zip(expected) {
        let found: Vec<&Value> = lines.iter().filter(|line| line["id"] == id.as_str()).collect();
        assert_eq!(found.len(), 1, "{log}");
        assert_eq!(
            (&found[0]["method"], &found[0]["status"], &found[0]["code"]),
            (&method.into(), &status.into(), &code)
        );
    }
}

#[test]
fn health_needs_no_credentials_and_leaves_no_line() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    for path in ["/health/live", "/health/ready", "/minio/health/live", "/minio/health/ready"] {
        assert_eq!(server.plain(path).status, 200, "{path}");
    }
    server.terminate();
    let (_, log) = server.ended();
    assert!(!log.contains(" request "), "{log}");
}

#[test]
fn the_right_signature_of_a_wrong_one_is_in_no_log_and_no_answer() {
    let (_folder, dir) = data_folder();
    let mut command = deltastore(&["serve", dir.to_str().unwrap(), "--address", "127.0.0.1:0"]);
    command
        .env("DELTASTORE_ROOT_USER", ACCESS_KEY)
        .env("DELTASTORE_ROOT_PASSWORD", SECRET_KEY)
        .env("RUST_LOG", "trace");
    let server = Server::spawn(&mut command, &dir);
    let request = Request::new("GET", "/bucket").unsigned("connection", "close");
    let zeros = "0".repeat(64);
    let mut answers = String::new();
    let signed = [request.sign(&server.host), request.sign_query(&server.host, 60)];
    let right: Vec<String> = signed.iter().map(|signed| signed.signature.clone()).collect();
    for signed in signed {
        let wrong = String::from_utf8(signed.head).unwrap().replace(&signed.signature, &zeros);
        let mut stream = server.connect();
        stream.write_all(wrong.as_bytes()).unwrap();
        stream.read_to_string(&mut answers).unwrap();
    }
    server.terminate();
    let (_, log) = server.ended();
    assert_eq!(answers.matches("<Code>SignatureDoesNotMatch</Code>").count(), 2, "{answers}");
    assert!(log.contains("DEBUG") && log.contains("SignatureDoesNotMatch"), "{log}");
    for right in right {
        assert!(!log.contains(&right) && !answers.contains(&right), "{right}: {log} {answers}");
    }
}

/// A server whose standard error is `stderr` of a shell.
fn with_stderr(dir: &Path, stderr: &str) -> Server {
    let mut command = Command::new("sh");
    let script = format!("exec \"$0\" serve \"$1\" --address 127.0.0.1:0 2>{stderr}");
    command.arg("-c").arg(script).arg(deltastore(&[]).get_program()).arg(dir).stdin(Stdio::null());
    command.env("DELTASTORE_ROOT_USER", ACCESS_KEY).env("DELTASTORE_ROOT_PASSWORD", SECRET_KEY).env_remove("RUST_LOG");
    Server::spawn(&mut command, dir)
}

/// More requests than a pipe or the queue of lines holds lines of.
fn serves(server: &Server) {
    server.make_bucket();
    server.put("key", b"text");
    let long = format!("/bucket/{}", "k".repeat(900));
    let mut stream = server.connect();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let bytes = Request::new("HEAD", &long).sign(&server.host).bytes();
    for number in 0..6000 {
        stream.write_all(&bytes).unwrap();
        let head: Vec<String> =
            reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        assert!(head[0].contains("404"), "request {number}: {head:?}");
    }
    server.has("key", b"text");
}

#[test]
fn a_log_on_a_full_disk_costs_lines_and_nothing_else() {
    let (_folder, dir) = data_folder();
    let server = with_stderr(&dir, "/dev/full");
    serves(&server);
    server.stop();
}

#[test]
fn a_log_that_nobody_reads_costs_lines_and_nothing_else() {
    let (folder, dir) = data_folder();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Opened for both, so that opening it waits for nobody; never read.
    let held = File::options().read(true).write(true).open(&pipe).unwrap();
    let server = with_stderr(&dir, pipe.to_str().unwrap());
    serves(&server);
    server.stop();
    drop(held);
}

#[test]
fn a_closed_log_costs_lines_and_nothing_else() {
    let (_folder, dir) = data_folder();
    let server = with_stderr(&dir, "&-");
    serves(&server);
    server.stop();
}
