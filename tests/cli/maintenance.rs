//! The commands on a stopped folder.

use std::path::Path;

use serde_json::Value;

use crate::process::{Server, data_folder, deltastore, noise, offline, run, segment_bytes, succeed};
use crate::sigv4::Request;

const MIB: usize = 1 << 20;

/// Eight objects: two unlike ones, and six releases of which each differs from the last in a few bytes.
fn objects() -> Vec<(String, Vec<u8>)> {
    let mut release = noise(1, 4 * MIB);
    let mut all = vec![("a/other".to_owned(), noise(2, 3 * MIB)), ("b/other".to_owned(), noise(3, 3 * MIB))];
    for number in 0..6 {
        release[number * 600_000..][..1000].fill(number as u8);
        all.push((format!("app/{number}"), release.clone()));
    }
    all
}

fn fill(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let objects = objects();
    let server = Server::start(dir);
    server.make_bucket();
    for (key, body) in &objects {
        server.put(key, body);
    }
    server.stop();
    objects
}

fn stats(dir: &Path) -> Value {
    let said = run(deltastore(&["stats", dir.to_str().unwrap()]).arg("--json"));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn statistics_add_up_in_json_and_for_people() {
    let (_folder, dir) = data_folder();
    let objects = fill(&dir);
    let stats = stats(&dir);
    let logical: usize = objects.iter().map(|(_, body)| body.len()).sum();
    assert_eq!(stats["total"]["objects"], 8);
    assert_eq!(stats["total"]["logical_bytes"], logical);
    assert_eq!(stats["buckets"]["bucket"], stats["total"]);
    let names: Vec<&str> =
        stats["deltaspaces"].as_array().unwrap().iter().map(|space| space["deltaspace"].as_str().unwrap()).collect();
    assert_eq!(names, ["a/", "app/", "b/"]);
    let app = &stats["deltaspaces"][1];
    assert!(app["stored_bytes"].as_u64().unwrap() < 5 * MIB as u64, "{app}");
    assert!(app["delta_saved_bytes"].as_i64().unwrap() > 0, "{app}");
    let table = succeed("stats", &dir);
    for line in ["bucket bucket", "bucket/app/", "total "] {
        assert!(table.lines().any(|found| found.starts_with(line)), "{table}");
    }
}

#[test]
fn the_index_is_rebuilt_with_and_without_the_old_one() {
    let (_folder, dir) = data_folder();
    let objects = fill(&dir);
    let before = stats(&dir);
    assert!(succeed("rebuild-index", &dir).contains("index rebuilt"));
    assert_eq!(stats(&dir), before);
    std::fs::remove_dir_all(dir.join("index")).unwrap();
    succeed("rebuild-index", &dir);
    assert_eq!(stats(&dir), before);
    assert!(succeed("fsck", &dir).contains("no problems found"));
    // A start without an index rebuilds it too.
    std::fs::remove_dir_all(dir.join("index")).unwrap();
    let server = Server::start(&dir);
    for (key, body) in &objects {
        server.has(key, body);
    }
    server.stop();
}

#[test]
fn collection_returns_disk_space_and_keeps_the_rest() {
    let (_folder, dir) = data_folder();
    let objects = fill(&dir);
    let server = Server::start(&dir);
    let (gone, left): (Vec<_>, Vec<_>) =
        objects.iter().partition(|(key, _)| key.as_str() == "a/other" || key.ends_with('0'));
    for (key, _) in &gone {
        assert_eq!(server.send(Request::new("DELETE", &format!("/bucket/{key}"))).status, 204);
    }
    server.stop();
    let before = segment_bytes(&dir);
    let said = succeed("gc", &dir);
    let after = segment_bytes(&dir);
    assert!(before - after >= 3 * MIB as u64, "{before} bytes before, {after} after: {said}");
    assert!(succeed("fsck", &dir).contains("no problems found"));
    std::fs::remove_dir_all(dir.join("index")).unwrap();
    succeed("rebuild-index", &dir);
    assert!(succeed("fsck", &dir).contains("no problems found"));
    let server = Server::start(&dir);
    for (key, body) in left {
        server.has(key, body);
    }
    for (key, _) in gone {
        server.lacks(key);
    }
    server.stop();
}

#[test]
fn references_of_removed_objects_are_given_up() {
    let (_folder, dir) = data_folder();
    let objects = fill(&dir);
    succeed("optimize", &dir);
    let server = Server::start(&dir);
    let (gone, left): (Vec<_>, Vec<_>) =
        objects.iter().partition(|(key, _)| key.starts_with("app/") && key.as_str() < "app/4");
    for (key, _) in &gone {
        assert_eq!(server.send(Request::new("DELETE", &format!("/bucket/{key}"))).status, 204);
    }
    server.stop();
    succeed("gc", &dir);
    let held = |stats: &Value| stats["total"]["reference_only_bytes"].as_u64().unwrap();
    let before = held(&stats(&dir));
    assert!(before > 3 * MIB as u64, "{before}");
    let said = run(deltastore(&["optimize", dir.to_str().unwrap()]).arg("--dry-run"));
    assert!(said.out.contains("0 objects (0 B) would be rewritten"), "{said:?}");
    assert!(said.out.contains("windows would be rebased, off "), "{said:?}");
    assert_eq!(held(&stats(&dir)), before);
    let said = succeed("optimize", &dir);
    assert!(
        said.contains(" of references that only deleted objects use\nrun gc to reclaim the space of their old form\n"),
        "{said}"
    );
    succeed("gc", &dir);
    assert_eq!(held(&stats(&dir)), 0);
    // 3 MiB each of two, and one base of 4 MiB.
    assert!(stats(&dir)["total"]["stored_bytes"].as_u64().unwrap() < 11 * MIB as u64);
    assert!(succeed("optimize", &dir).starts_with("0 objects (0 B) rewritten in 0 B\n"));
    assert!(succeed("fsck", &dir).contains("no problems found"));
    std::fs::remove_dir_all(dir.join("index")).unwrap();
    let server = Server::start(&dir);
    left.iter().for_each(|(key, body)| server.has(key, body));
    server.stop();
}

#[test]
fn damage_ends_with_3_and_is_named() {
    let (_folder, dir) = data_folder();
    fill(&dir);
    let segment = std::fs::read_dir(dir.join("segments")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[2 * MIB] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let said = offline("fsck", &dir);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.lines().any(|line| line.starts_with("DAMAGED ")), "{said:?}");
    let named = |out: &str| -> Vec<String> {
        out.lines().filter(|line| line.starts_with("UNREADABLE ")).map(str::to_owned).collect()
    };
    let [line] = &named(&said.out)[..] else { panic!("{said:?}") };
    assert!(line.starts_with("UNREADABLE object bucket/a/other version "), "{line}");
    assert!(line.ends_with(" of 3145728 bytes cannot be read"), "{line}");

    let said = run(deltastore(&["fsck", dir.to_str().unwrap()]).arg("--json"));
    assert_eq!(said.code, Some(3), "{said:?}");
    let lines: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_kind = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    let [object] = of_kind("object")[..] else { panic!("{said:?}") };
    assert_eq!(
        (&object["bucket"], &object["key"], &object["size"]),
        (&"bucket".into(), &"a/other".into(), &3_145_728.into())
    );
    let lost = object["unreadable_bytes"].as_u64().unwrap();
    assert!(lost > 0 && object["version"].as_u64().unwrap() > 0, "{object}");
    assert_eq!(object["stretches"][0]["length"].as_u64(), Some(lost), "{object}");
    assert!(!of_kind("problem").is_empty() && of_kind("summary")[0]["unreadable"] == 1, "{said:?}");

    let said = offline("repair", &dir);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.starts_with("UPLOAD bucket/a/other (its bytes "), "{said:?}");
    let server = Server::start(&dir);
    let (key, body) = &objects()[0];
    server.put("again", body);
    server.has("again", body);
    server.has(key, body);
    server.stop();
    let said = offline("fsck", &dir);
    // The damaged record stays where it is, but nothing needs it any more.
    assert!(said.code == Some(3) && named(&said.out).is_empty(), "{said:?}");
    let server = Server::start(&dir);
    let answers: Vec<u16> =
        objects().iter().map(|(key, _)| server.send(Request::new("HEAD", &format!("/bucket/{key}"))).status).collect();
    assert_eq!(answers, [200; 8]);
    server.stop();
}

#[test]
fn damage_in_what_many_objects_depend_on_is_repaired() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let mut body = noise(4, MIB);
    let objects: Vec<(String, Vec<u8>)> = (0..9)
        .map(|number| {
            body[MIB / 2 + number * 100..][..50].fill(number as u8);
            (format!("app/{number}"), body.clone())
        })
        .collect();
    objects.iter().for_each(|(key, body)| server.put(key, body));
    server.stop();
    let said = succeed("optimize", &dir);
    assert!(said.contains(" of parity written for "), "{said}");
    succeed("gc", &dir);
    let stats = stats(&dir);
    let (stored, parity) = (&stats["total"]["stored_bytes"], &stats["parity_bytes"]);
    assert!(parity.as_u64().unwrap() > 0 && parity.as_u64().unwrap() * 50 < stored.as_u64().unwrap(), "{stats}");
    let segments = std::fs::read_dir(dir.join("segments")).unwrap().map(|entry| entry.unwrap().path());
    let longest = segments.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&longest).unwrap();
    bytes[MIB / 4] ^= 1;
    std::fs::write(&longest, bytes).unwrap();

    let said = offline("fsck", &dir);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.contains("parity makes up for it") && !said.out.contains("UNREADABLE"), "{said:?}");
    let said = run(deltastore(&["repair", dir.to_str().unwrap()]).arg("--dry-run"));
    assert!(said.out.starts_with("1 damaged windows and nodes can be repaired from their parity\n"), "{said:?}");
    let said = offline("repair", &dir);
    assert!(said.out.starts_with("1 damaged windows and nodes were repaired from their parity\n"), "{said:?}");
    let said = offline("fsck", &dir);
    assert!(said.out.contains("1 problem found") && said.out.contains("DAMAGED segment "), "{said:?}");
    let server = Server::start(&dir);
    objects.iter().for_each(|(key, body)| server.has(key, body));
    server.stop();
}
