//! Data folders of every format version so far, each made by the last binary that wrote it (`tests/formats/make`) and
//! then killed: they are served, checked, optimized, collected and rebuilt.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use deltastore_format::store::FORMAT_VERSION;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::process::{Server, data_folder, succeed};
use crate::sigv4::Request;

/// What the folder must serve.
#[derive(Deserialize)]
struct Expected {
    objects: BTreeMap<String, Object>,
    /// The id of an upload with one part.
    upload: String,
}

#[derive(Deserialize)]
struct Object {
    sha256: String,
    len: usize,
    etag: String,
}

fn folders() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

fn expected(version: u32) -> Expected {
    let text = std::fs::read_to_string(folders().join(format!("v{version}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Unpacks a version's folder in place of `dir`.
fn unpack(version: u32, dir: &Path) {
    let archive = folders().join(format!("v{version}.tar.gz"));
    assert!(archive.exists(), "no folder of format version {version}: see tests/formats/make");
    let status = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(dir.parent().unwrap()).status().unwrap();
    assert!(status.success());
}

/// Serves the folder, compares everything, and stores one more object, named `new`.
fn serves(dir: &Path, expected: &Expected, context: &str, new: &str) {
    let server = Server::start(dir);
    for (key, object) in &expected.objects {
        let answer = server.send(Request::new("GET", &format!("/bucket/{key}")));
        assert_eq!(answer.status, 200, "{context}: {key}");
        assert_eq!(answer.body.len(), object.len, "{context}: {key}");
        assert_eq!(hex::encode(Sha256::digest(&answer.body)), object.sha256, "{context}: {key}");
        assert_eq!(answer.header("etag"), Some(&object.etag[..]), "{context}: {key}");
    }
    server.lacks("text/deleted.txt");
    let head = server.send(Request::new("HEAD", "/bucket/text/1.txt"));
    assert_eq!(head.header("content-type"), Some("text/plain"), "{context}");
    assert_eq!(head.header("x-amz-meta-made-by"), Some("a test"), "{context}");
    assert_eq!(server.send(Request::new("HEAD", "/empty")).status, 200, "{context}");
    let uploads = server.send(Request::new("GET", "/bucket?uploads"));
    let uploads = String::from_utf8(uploads.body).unwrap();
    assert!(uploads.contains(&format!("<UploadId>{}</UploadId>", expected.upload)), "{context}: {uploads}");
    server.put(new, new.as_bytes());
    server.has(new, new.as_bytes());
    server.stop();
}

#[test]
fn folders_of_all_versions_are_read_optimized_collected_and_rebuilt() {
    for version in 1..=FORMAT_VERSION {
        // The folder of the newest version is made once a newer one follows it.
        if version == FORMAT_VERSION && !folders().join(format!("v{version}.tar.gz")).exists() {
            continue;
        }
        let context = |what: &str| format!("version {version}, {what}");
        let (_folder, dir) = data_folder();
        let expected = expected(version);
        unpack(version, &dir);
        serves(&dir, &expected, &context("as it was"), "new-1");
        for command in ["fsck", "optimize", "gc", "fsck"] {
            succeed(command, &dir);
        }
        serves(&dir, &expected, &context("optimized"), "new-2");
        succeed("rebuild-index", &dir);
        succeed("fsck", &dir);
        serves(&dir, &expected, &context("rebuilt"), "new-3");
    }
}

#[test]
fn an_index_of_any_version_may_be_missing() {
    for version in 1..FORMAT_VERSION {
        let (_folder, dir) = data_folder();
        unpack(version, &dir);
        std::fs::remove_dir_all(dir.join("index")).unwrap();
        serves(&dir, &expected(version), &format!("version {version}, without its index"), "new");
        succeed("fsck", &dir);
    }
}
