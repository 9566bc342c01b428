//! Folders that cannot be used.

use std::path::Path;

use deltastore_format::store::{FORMAT_VERSION, StoreHeader};

use crate::process::{Said, Server, data_folder, deltastore, offline, run};

const OFFLINE: [&str; 4] = ["rebuild-index", "fsck", "gc", "stats"];

fn serve(dir: &Path) -> Said {
    run(&mut deltastore(&["serve", dir.to_str().unwrap(), "--address", "127.0.0.1:0"]))
}

#[track_caller]
fn refuses(said: Said, message: &str) {
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(message) && said.err.lines().count() == 1, "{said:?}");
}

#[test]
fn a_folder_in_use_is_refused_by_every_command() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    refuses(serve(&dir), "in use by another process");
    for command in OFFLINE {
        refuses(offline(command, &dir), "in use by another process");
    }
    server.put("key", b"still served");
    server.has("key", b"still served");
    server.stop();
}

#[test]
fn a_newer_format_is_refused_and_not_touched() {
    let (_folder, dir) = data_folder();
    Server::start(&dir).stop();
    let path = dir.join("STORE");
    let header = StoreHeader::decode(&std::fs::read(&path).unwrap()).unwrap();
    let newer = StoreHeader { format_version: FORMAT_VERSION + 1, ..header.clone() }.to_bytes();
    std::fs::write(&path, newer).unwrap();
    let known = FORMAT_VERSION;
    let message = format!("newer Deltastore: format version {}, this build knows {known}", known + 1);
    refuses(serve(&dir), &message);
    for command in OFFLINE {
        refuses(offline(command, &dir), &message);
    }
    assert_eq!(std::fs::read(&path).unwrap(), newer);
}

#[test]
fn an_older_format_is_raised_and_read() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("key", b"of an older build");
    server.stop();
    let path = dir.join("STORE");
    let whole = std::fs::read(&path).unwrap();
    let header = StoreHeader::decode(&whole).unwrap();
    for format_version in 1..header.format_version {
        std::fs::write(&path, StoreHeader { format_version, ..header.clone() }.to_bytes()).unwrap();
        let server = Server::start(&dir);
        // Before anything is written that only this version defines.
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        server.has("key", b"of an older build");
        server.stop();
    }
}

#[test]
fn a_store_file_that_nothing_can_make_again_is_named() {
    let (_folder, dir) = data_folder();
    Server::start(&dir).stop();
    for name in ["SEGMENTS", "SEGMENTS.copy"] {
        std::fs::remove_file(dir.join(name)).unwrap();
    }
    for file in std::fs::read_dir(dir.join("segments")).unwrap() {
        std::fs::write(file.unwrap().path(), [0; 200]).unwrap();
    }
    let path = dir.join("STORE");
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[9] ^= 1;
    for damaged in [&flipped[..], &whole[..20]] {
        std::fs::write(&path, damaged).unwrap();
        refuses(serve(&dir), "STORE is damaged");
        refuses(offline("fsck", &dir), "STORE is damaged");
        assert_eq!(std::fs::read(&path).unwrap(), damaged);
    }
    std::fs::remove_file(&path).unwrap();
    refuses(serve(&dir), "STORE is missing, and no other file says what it held");
}

#[test]
fn what_is_no_data_folder_is_refused_and_not_made_one() {
    let (folder, dir) = data_folder();
    for command in OFFLINE {
        refuses(offline(command, &dir), "is not a Deltastore data folder");
        refuses(offline(command, folder.path()), "is not a Deltastore data folder");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::write(&dir, "a file").unwrap();
    refuses(serve(&dir), "cannot create the data folder");
    // Not even root can make a folder there.
    refuses(serve(Path::new("/proc/deltastore")), "cannot create the data folder");
}
