//! `estimate`: the figures of a store that is never made.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::process::{Said, Server, answering, data_folder, deltastore, noise, run};
use crate::sigv4::{ACCESS_KEY, Request, SECRET_KEY, encode};

const MIB: usize = 1 << 20;

/// Files with their keys, in the order in which a store would get them.
type Files = Vec<(String, Vec<u8>)>;

/// Two families of releases and a few lone files.
fn releases() -> Files {
    let mut files = vec![("lone".to_owned(), noise(9, MIB)), ("empty".to_owned(), Vec::new())];
    for (family, seed) in [("app/", 1), ("lib/with space+ü&/", 2)] {
        let mut release = noise(seed, 3 * MIB);
        for number in 0..5 {
            release[number * 500_000..][..2000].fill(number as u8);
            files.push((format!("{family}{}", 9 - number), release.clone()));
        }
    }
    files.push(("copies/app".to_owned(), files[2].1.clone()));
    files
}

/// Writes files whose times of change are as far apart as a listing can tell.
fn write(root: &Path, files: &Files) {
    for (number, (key, body)) in files.iter().enumerate() {
        let path = root.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, body).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number as u64);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
}

fn estimate(source: &str, more: &[&str]) -> Said {
    run(deltastore(&["estimate", source]).args(more))
}

fn json(source: &str, more: &[&str]) -> Value {
    let said = estimate(source, &[&["--json"], more].concat());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    serde_json::from_str(&said.out).unwrap()
}

fn from_bucket(server: &Server, target: &str, more: &[&str]) -> Said {
    let endpoint = format!("http://{}", server.host);
    let mut command = deltastore(&["estimate", target, "--endpoint", &endpoint]);
    run(command.args(more).env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY))
}

fn number(value: &Value) -> f64 {
    value.as_i64().unwrap() as f64
}

/// The same figures, but for what two runs of threads may do differently.
#[track_caller]
fn alike(one: &Value, other: &Value) {
    assert_eq!((&one["objects"], &one["logical_bytes"]), (&other["objects"], &other["logical_bytes"]));
    let near = number(&one["stored_bytes"]) * 0.03;
    for field in ["stored_bytes", "dedup_saved_bytes", "expansion_saved_bytes", "delta_saved_bytes"] {
        assert!((number(&one[field]) - number(&other[field])).abs() <= near, "{field}: {one} {other}");
    }
}

#[test]
fn a_folder_and_a_bucket_are_estimated_as_a_store_counts_them() {
    let (folder, dir) = data_folder();
    let files = releases();
    let root = folder.path().join("in");
    write(&root, &files);
    let server = Server::start(&dir);
    server.make_bucket();
    let mut sorted = files.clone();
    sorted.sort_by_key(|(key, _)| key[..key.rfind('/').map_or(0, |at| at + 1)].to_owned());
    for (key, body) in &sorted {
        let path: Vec<String> = key.split('/').map(encode).collect();
        server.put(&path.join("/"), body);
        std::thread::sleep(Duration::from_millis(5));
    }
    let said = from_bucket(&server, "s3://bucket", &["--json"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let bucket: Value = serde_json::from_str(&said.out).unwrap();
    let part = from_bucket(&server, "s3://bucket/app/", &["--json"]);
    let part: Value = serde_json::from_str(&part.out).unwrap();
    server.stop();

    let before = entries(folder.path());
    let found = json(root.to_str().unwrap(), &[]);
    assert_eq!(entries(folder.path()), before, "nothing is written");
    let stats = run(deltastore(&["stats", dir.to_str().unwrap()]).arg("--json"));
    let stats: Value = serde_json::from_str(&stats.out).unwrap();
    assert_eq!((&found["exact"], &found["unreadable"]), (&true.into(), &0.into()));
    alike(&found["total"], &stats["total"]);
    alike(&found["total"], &bucket["total"]);
    let prefixes = found["prefixes"].as_array().unwrap();
    let spaces = stats["deltaspaces"].as_array().unwrap();
    assert_eq!(prefixes.len(), spaces.len());
    for (prefix, space) in prefixes.iter().zip(spaces) {
        assert_eq!(prefix["prefix"], space["deltaspace"]);
        alike(prefix, space);
    }
    assert!(number(&found["total"]["stored_bytes"]) < 0.4 * number(&found["bytes"]), "{found}");
    assert_eq!((&part["objects"], &part["prefixes"][0]["prefix"]), (&5.into(), &"app/".into()));
}

fn entries(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn the_table_has_a_line_for_each_prefix_and_the_optimizers_figures() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &releases());
    let source = folder.path().to_str().unwrap();
    let said = estimate(source, &["--policy", "max"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for start in ["prefix ", "app/ ", "copies/ ", "lib/with space+ü&/ ", "/ ", "total ", "exact: all 13 objects"] {
        assert!(said.out.lines().any(|line| line.starts_with(start)), "{start:?}: {}", said.out);
    }
    assert!(said.out.contains("optimize"));
    let found = json(source, &["--policy", "max"]);
    let (plain, optimized) = (number(&found["total"]["stored_bytes"]), number(&found["optimized"]["stored_bytes"]));
    assert!(optimized > 0.0 && optimized <= plain * 1.02, "{found}");
}

#[test]
fn what_does_not_fit_the_memory_is_sampled_with_an_interval_near_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new();
    for prefix in 0..60u64 {
        // Another share of each release is new, and another length is there to begin with.
        let len = 300_000 + (prefix * 7919 % 13) as usize * 40_000;
        let changed = 10_000 + (prefix * 104_729 % 11) as usize * 15_000;
        let mut release = noise(100 + prefix, len);
        for version in 0..4u64 {
            release[..changed].copy_from_slice(&noise(1000 * (version + 1) + prefix, changed));
            files.push((format!("p{prefix:02}/{version}"), release.clone()));
        }
    }
    write(folder.path(), &files);
    let source = folder.path().to_str().unwrap();
    let truth = json(source, &[]);
    assert_eq!(truth["exact"], true);
    let sampled = json(source, &["--memory", "16"]);
    assert_eq!(sampled["exact"], false);
    assert_eq!((&sampled["bytes"], &sampled["objects"]), (&truth["bytes"], &truth["objects"]));
    assert!(number(&sampled["read_bytes"]) < 0.7 * number(&truth["bytes"]), "{sampled}");
    let stored = number(&truth["total"]["stored_bytes"]);
    // In 1 of 10 cases the truth lies outside, then not far; unit tests count how often.
    let interval = &sampled["stored_interval"];
    let (low, high) = (number(&interval[0]) * 0.95, number(&interval[1]) * 1.05);
    assert!((low..=high).contains(&stored), "{stored} is not in {interval}");
    let found = number(&sampled["total"]["stored_bytes"]);
    assert!((found / stored - 1.0).abs() < 0.1, "{found} instead of {stored}");
    assert!(number(&interval[1]) < 1.5 * number(&interval[0]), "{interval} says little");
    let said = estimate(source, &["--memory", "16"]).out;
    assert!(said.contains("\nsampled: ") && said.contains("with a confidence of 90%"), "{said}");
    assert!(said.contains("20 more prefixes"), "{said}");
}

#[test]
fn long_listings_are_read_to_their_end() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    for key in 0..1003 {
        server.put(&format!("many/{key}"), b"");
    }
    let said = from_bucket(&server, "s3://bucket/many/", &["--json"]);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&found["objects"], &found["exact"]), (&1003.into(), &true.into()));
    server.stop();
}

#[test]
fn archived_objects_and_such_that_are_gone_are_counted_apart() {
    let listed = |key: &str, size: u64| {
        let date = "<LastModified>2026-01-01T00:00:00Z</LastModified>";
        format!("<Contents><Key>{key}</Key><Size>{size}</Size>{date}</Contents>")
    };
    let listing = [listed("a", 5), listed("cold", 7), listed("gone", 7)].concat();
    let answer = |status: u16, body: &str| {
        let len = body.len();
        format!("HTTP/1.1 {status} x\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{body}").into_bytes()
    };
    let host = answering(vec![
        ("GET /bucket?", answer(200, &format!("<ListBucketResult>{listing}</ListBucketResult>"))),
        ("GET /bucket/a ", answer(200, "12345")),
        ("GET /bucket/cold ", answer(403, "<Error><Code>InvalidObjectState</Code></Error>")),
        ("GET /bucket/gone ", answer(404, "<Error><Code>NoSuchKey</Code></Error>")),
    ]);
    let endpoint = format!("http://{host}");
    let mut command = deltastore(&["estimate", "s3://bucket", "--endpoint", &endpoint, "--json"]);
    let said = run(command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let found: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&found["objects"], &found["bytes"], &found["unreadable"]), (&1.into(), &5.into(), &2.into()));
}

#[test]
fn what_cannot_be_estimated_ends_with_1_and_one_sentence() {
    let (folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let endpoint = format!("http://{}", server.host);
    let closed = {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", taken.local_addr().unwrap())
    };
    let file = folder.path().join("file");
    std::fs::write(&file, b"1").unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let missing = folder.path().join("missing");
    let known = Some((ACCESS_KEY, SECRET_KEY));
    for (source, endpoint, credentials, message) in [
        (missing.to_str().unwrap(), None, None, "missing: No such file"),
        (file.to_str().unwrap(), None, None, "is not a folder"),
        (empty.to_str().unwrap(), None, None, "holds no files"),
        ("s3://", Some(&endpoint), known, "names no bucket"),
        ("s3://bucket", Some(&endpoint), None, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("s3://bucket", Some(&endpoint), known, "holds no files"),
        ("s3://other", Some(&endpoint), known, "404 Not Found: NoSuchBucket"),
        ("s3://bucket", Some(&endpoint), Some((ACCESS_KEY, "wrong-secret")), "SignatureDoesNotMatch"),
        ("s3://bucket", Some(&closed), known, "cannot connect to 127.0.0.1:"),
        ("s3://bucket", Some(&"127.0.0.1:1".to_owned()), known, "is not an endpoint"),
    ] {
        let mut command = deltastore(&["estimate", source]);
        if let Some(endpoint) = endpoint {
            command.args(["--endpoint", endpoint]);
        }
        if let Some((user, secret)) = credentials {
            command.env("AWS_ACCESS_KEY_ID", user).env("AWS_SECRET_ACCESS_KEY", secret);
        }
        let said = run(&mut command);
        assert_eq!((said.code, said.err.lines().count(), said.out.as_str()), (Some(1), 1, ""), "{said:?}");
        assert!(said.err.contains(message), "{message}: {said:?}");
    }
    assert_eq!(server.send(Request::new("GET", "/bucket?list-type=2")).status, 200);
    server.stop();
}
