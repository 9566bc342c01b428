//! `inspect`: how one object is stored.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{Said, Server, data_folder, deltastore, noise, run, succeed};
use crate::sigv4::{ACCESS_KEY, Request, SECRET_KEY};

const MIB: usize = 1 << 20;

/// Text that compresses, another for each seed; `changed` lines of it differ from those of the same seed without.
fn text(seed: u64, len: usize, changed: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rows = noise(seed, len).into_iter();
    let mut line = 0;
    while text.len() < len {
        let mark = if line % 1000 < changed { "new" } else { "old" };
        line += 1;
        let words: Vec<String> = rows.by_ref().take(6).map(|byte| format!("word{byte}")).collect();
        writeln!(text, "{line} {mark} {}", words.join(" ")).unwrap();
    }
    text
}

/// As GNU gzip packs it, without a time.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new("gzip").args(["-6", "-n"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let packed = child.wait_with_output().unwrap().stdout;
    writing.join().unwrap();
    packed
}

fn inspect(dir: &Path, object: &str, more: &[&str]) -> Said {
    run(deltastore(&["inspect", dir.to_str().unwrap(), object]).args(more))
}

/// The same of a running server.
fn ask(server: &Server, object: &str, more: &[&str]) -> Said {
    let endpoint = format!("http://{}", server.host);
    let mut command = deltastore(&["inspect", object, "--endpoint", &endpoint]);
    run(command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY).args(more))
}

fn json(dir: &Path, object: &str) -> Value {
    let said = inspect(dir, object, &["--json"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let sum = |list: &str, field: &str| -> u64 {
        found[list].as_array().unwrap().iter().map(|item| item[field].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("recreations", "bytes"), found["size"], "{found}");
    assert_eq!(sum("windows", "stored_bytes") + found["node_bytes"].as_u64().unwrap(), found["stored_bytes"]);
    assert_eq!(sum("codecs", "stored_bytes"), sum("windows", "stored_bytes"));
    assert!(found["shared_bytes"].as_u64() <= found["stored_bytes"].as_u64());
    found
}

#[test]
fn members_windows_and_what_others_use_are_told() {
    let (_folder, dir) = data_folder();
    let (old, new) = (gzip(&text(1, 3 * MIB, 0)), gzip(&text(1, 3 * MIB, 2)));
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("app/1.gz", &old);
    server.put("app/2.gz", &new);
    server.put("lone", &noise(2, MIB));
    server.stop();
    let first = json(&dir, "s3://bucket/app/1.gz");
    assert_eq!((&first["storage_type"], &first["optimized"]), (&"reference".into(), &false.into()));
    assert_eq!(first["recreations"][0]["by"], "tokens");
    assert!(first["shared_bytes"].as_u64() > Some(0), "the second release needs it: {first}");
    let second = json(&dir, "s3://bucket/app/2.gz");
    assert_eq!((&second["storage_type"], &second["shared_bytes"]), (&"delta".into(), &0.into()));
    assert!(
        second["references"].as_u64() > Some(0) && second["stored_bytes"].as_u64() < first["stored_bytes"].as_u64()
    );
    assert!(second["windows"].as_array().unwrap().iter().any(|window| window["depth"] == 1));
    assert!(second["view_bytes"].as_u64().unwrap() > new.len() as u64);
    let lone = json(&dir, "s3://bucket/lone");
    assert_eq!((&lone["storage_type"], &lone["shared_bytes"]), (&"passthrough".into(), &0.into()));
    assert_eq!((&lone["recreations"][0]["by"], &lone["view_bytes"]), (&"as it is".into(), &lone["size"]));

    succeed("optimize", &dir);
    succeed("gc", &dir);
    let second = json(&dir, "s3://bucket/app/2.gz");
    assert_eq!((&second["optimized"], &second["recreations"][0]["by"]), (&true.into(), &"gzip level 6".into()));
    let said = inspect(&dir, "s3://bucket/app/2.gz", &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for expected in ["s3://bucket/app/2.gz", "stored as  delta, optimized", "gzip level 6", " yes "] {
        assert!(said.out.contains(expected), "{expected}: {}", said.out);
    }
}

#[test]
fn a_running_server_tells_what_its_folder_tells() {
    let (_folder, dir) = data_folder();
    let server = Server::with(&dir, &["--no-optimizer"]);
    server.make_bucket();
    server.put("app/1.gz", &gzip(&text(1, 3 * MIB, 0)));
    server.put("app/2.gz", &gzip(&text(1, 3 * MIB, 2)));
    server.put("long", &noise(5, 56 * MIB));
    let calls = [
        ("s3://bucket/app/1.gz", &["--json"][..]),
        ("s3://bucket/app/2.gz", &["--json", "--version-id", "null"]),
        ("s3://bucket/app/2.gz", &[]),
        ("s3://bucket/long", &[]),
        ("s3://bucket/long", &["--all"]),
    ];
    let asked = calls.map(|(object, more)| ask(&server, object, more));
    server.stop();
    for ((object, more), asked) in calls.into_iter().zip(asked) {
        assert_eq!((asked.code, asked.err.as_str()), (Some(0), ""));
        assert_eq!(asked.out, inspect(&dir, object, more).out, "{object} {more:?}");
    }
}

#[test]
fn what_keeps_a_server_from_telling_is_said() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("key", b"some bytes");
    for (object, more, message) in [
        ("s3://other/key", &[][..], "404 Not Found: NoSuchBucket: "),
        ("s3://bucket/kez", &[], "404 Not Found: NoSuchKey: "),
        ("s3://bucket/key", &["--version-id", "0000000000000001"], "404 Not Found: NoSuchVersion: "),
        ("s3://bucket/key", &["--version-id", "a&b=c"], "400 Bad Request: InvalidArgument: "),
    ] {
        let said = ask(&server, object, more);
        assert_eq!((said.code, said.err.lines().count()), (Some(1), 1), "{said:?}");
        assert!(said.err.contains(message), "{said:?}");
    }
    let endpoint = format!("http://{}", server.host);
    let asking = || deltastore(&["inspect", "s3://bucket/key", "--endpoint", &endpoint]);
    let said = run(&mut asking());
    assert!(said.code == Some(1) && said.err.contains("set AWS_ACCESS_KEY_ID and "), "{said:?}");
    let said = run(asking().env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", "another-secret"));
    assert!(said.code == Some(1) && said.err.contains("403 Forbidden: SignatureDoesNotMatch"), "{said:?}");
    server.stop();
    let said = run(asking().env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY));
    assert!(said.code == Some(1) && said.err.contains("cannot connect to "), "{said:?}");
}

#[test]
fn a_copy_shares_everything_and_a_long_object_is_cut_short() {
    let (_folder, dir) = data_folder();
    let body = noise(5, 56 * MIB);
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("long", &body);
    let copy = Request::new("PUT", "/bucket/copy").header("x-amz-copy-source", "/bucket/long");
    assert_eq!(server.send(copy).status, 200);
    server.stop();
    let found = json(&dir, "s3://bucket/long");
    assert_eq!(found["shared_bytes"], found["stored_bytes"]);
    assert_eq!(found["view_bytes"], body.len());
    let windows = found["windows"].as_array().unwrap();
    assert!(windows.len() > 41, "{}", windows.len());
    let mut position = 0;
    for window in windows {
        assert_eq!((window["start"].as_u64(), &window["shared"]), (Some(position), &true.into()));
        position = window["end"].as_u64().unwrap();
    }
    let short = inspect(&dir, "s3://bucket/copy", &[]).out;
    assert!(short.contains(&format!("{} more windows; --all lists them", windows.len() - 40)), "{short}");
    let all = inspect(&dir, "s3://bucket/copy", &["--all"]).out;
    assert_eq!(all.lines().count(), short.lines().count() - 1 + windows.len() - 40);
}

#[test]
fn versions_are_told_apart_and_what_is_not_there_is_named() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("empty", b"");
    server.put("key", b"some bytes");
    server.stop();
    assert_eq!(json(&dir, "s3://bucket/empty")["windows"].as_array().unwrap().len(), 0);
    let said = inspect(&dir, "s3://bucket/key", &["--version-id", "null"]);
    assert!(said.code == Some(0) && said.out.contains("version    null, 20"), "{said:?}");
    for (object, more, message) in [
        ("s3://other/key", &[][..], "there is no bucket \"other\""),
        ("s3://bucket/kez", &[], "there is no object \"kez\" in bucket \"bucket\""),
        ("s3://bucket/key", &["--version-id", "0000000000000001"], "there is no version 0000000000000001 of \"key\""),
        ("s3://bucket/key", &["--version-id", "x"], "invalid version id \"x\""),
    ] {
        let said = inspect(&dir, object, more);
        assert_eq!((said.code, said.err.lines().count()), (Some(1), 1), "{said:?}");
        assert!(said.err.contains(message), "{said:?}");
    }
    for wrong in ["bucket/key", "s3://bucket", "s3://"] {
        assert_eq!(inspect(&dir, wrong, &[]).code, Some(2), "{wrong}");
    }
}

#[test]
fn damage_ends_with_3() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    // Enough windows for a recipe node, which is read.
    server.put("long", &noise(6, 30 * MIB));
    server.stop();
    let segment = std::fs::read_dir(dir.join("segments")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    let found = json(&dir, "s3://bucket/long");
    let window = found["windows"][0]["hash"].as_str().unwrap();
    let hash: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&window[2 * at..][..2], 16).unwrap()).collect();
    // The first window's hash stands in its own head, in the node and in the commit.
    let places: Vec<usize> = (0..bytes.len() - 32).filter(|at| bytes[*at..].starts_with(&hash)).collect();
    let at = places[1];
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let said = inspect(&dir, "s3://bucket/long", &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("damage at "), "{said:?}");
    let server = Server::start(&dir);
    let said = ask(&server, "s3://bucket/long", &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("DamagedObject: damage at "), "{said:?}");
    server.stop();
}
