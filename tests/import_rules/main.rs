//! Holds the layer table of `docs/architecture.md` where the compiler does not, inside one crate, and finds circles of
//! imports in all crates.
//!
//! A line-based reading of the sources is enough: comments and string literals are removed first, then every path that
//! starts at `crate::` or at a restricted crate is judged by the module that its file belongs to.

mod circles;
mod code;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use code::{has_word, paths, without_comments_and_strings};

/// A room and the rooms it may import, besides itself. `cli` and `main.rs`, which are not listed, may import
/// everything.
const LAYERS: &[(&str, &[&str])] = &[
    ("index", &[]),
    ("store", &["index"]),
    ("remote", &[]),
    ("object", &["store", "remote"]),
    ("s3", &["remote", "object", "store"]),
];

/// What only some rooms may name. Test modules in files of their own (`tests.rs`, `tests/`) may: they prepare folders.
const RESTRICTED: &[(&str, &[&str])] = &[
    ("rocksdb", &["index"]),
    ("s3s", &["s3"]),
    ("hyper", &["remote", "s3"]),
    ("hyper_util", &["remote", "s3"]),
    ("http", &["remote", "s3"]),
    ("http_body", &["s3"]),
    ("http_body_util", &["remote", "s3"]),
    ("tokio_rustls", &["remote", "s3"]),
    ("rustls_native_certs", &["remote", "s3"]),
    ("tokio", &["remote", "object", "s3", "cli"]),
    ("futures", &["remote", "object", "s3", "cli"]),
    // The index removes RocksDB's folder, which no Vfs knows.
    ("std::fs", &["index", "cli"]),
    ("rustix::fs", &["cli"]),
    ("deltastore_delta", &["store"]),
    ("deltastore_segment", &["store", "cli"]),
    ("deltastore_iam", &["remote", "s3", "cli"]),
    ("deltastore_members", &["store"]),
    ("deltastore_sha256", &["store"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
];

/// Rooms that must stay pure: no clock, no threads, no environment.
const PURE: &[&str] = &["delta", "format", "iam", "members"];

const IMPURE: &[&str] = &["std::fs", "std::net", "std::thread", "std::time", "std::env", "tokio"];

/// Where `unsafe` is: C libraries, and instructions that not every processor has.
const UNSAFE: &[&str] = &["allocator", "vcdiff", "sha256/src/x86.rs"];

const LONGEST_FILE: usize = 600;

#[test]
fn sources_keep_the_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut report = String::new();
    let mut files = 0;
    for folder in [circles::CRATES, &["members/benches", "tests", "benches"]].concat() {
        for path in rust_files(&root.join(folder)) {
            files += 1;
            let text = fs::read_to_string(&path).expect("a readable source");
            let name = path.strip_prefix(root).expect("a path below the root");
            for problem in problems(name, &text) {
                let _ = writeln!(report, "{}:{problem}", name.display());
            }
        }
    }
    assert!(files > 5, "only {files} sources were found");
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn the_table_in_the_documentation_is_this_one() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let page = fs::read_to_string(page).expect("docs/architecture.md");
    for (room, imports) in LAYERS {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `src/{room}/` |")))
            .unwrap_or_else(|| panic!("docs/architecture.md has no row for src/{room}/"));
        let allowed = row.rsplit('|').nth(1).expect("a last column");
        let mut documented: Vec<_> = allowed
            .split(',')
            .map(str::trim)
            .filter(|name| {
                !["nothing of ours", "iam", "delta", "format", "members", "segment", "sha256"].contains(name)
            })
            .collect();
        documented.sort_unstable();
        let mut enforced = imports.to_vec();
        enforced.sort_unstable();
        assert_eq!(documented, enforced, "src/{room}/");
    }
}

#[test]
fn planted_violations_are_found() {
    for (file, line, expected) in [
        ("src/store/log.rs", "use crate::s3::Api;", "may not import s3"),
        ("src/index/mod.rs", "use crate::{store::Store, index::Engine};", "may not import store"),
        ("src/index/mod.rs", "use crate::{\n    index::Engine,\n    store::Store,\n};", "may not import store"),
        ("src/index/mod.rs", "fn f() { crate::store::open() }", "may not import store"),
        ("src/store/log.rs", "use super::super::s3::Api;", "may not import s3"),
        ("src/store/mod.rs", "use super::s3::Api;", "may not import s3"),
        ("src/store/log.rs", "match crate::s3::ADDRESS { _ => {} }", "may not import s3"),
        ("src/store/log.rs", "use crate::*;", "may not import everything"),
        ("src/store/log.rs", "use rocksdb::DB;", "may not name rocksdb"),
        ("src/object/put.rs", "use s3s::dto::*;", "may not name s3s"),
        ("src/object/put.rs", "use deltastore_delta::Encoder;", "may not name deltastore_delta"),
        ("delta/src/cut.rs", "use std::time::Instant;", "may not name std::time"),
        ("src/store/log.rs", "fn f(t: tokio::time::Instant) {}", "may not name tokio"),
        ("src/store/log.rs", "use std::fs::File;", "may not name std::fs"),
        ("src/store/log.rs", "use std::{fs, io};", "may not name std::fs"),
        ("src/store/log.rs", "use std::{io, fs::File};", "may not name std::fs"),
        ("src/index/x.rs", "use ::tokio::sync;", "may not name tokio"),
        ("format/src/wire.rs", "use std::fs;", "may not name std::fs"),
        ("iam/src/policy.rs", "use std::time::Instant;", "may not name std::time"),
        ("src/object/put.rs", "use deltastore_iam::Principal;", "may not name deltastore_iam"),
        ("src/s3/api.rs", "unsafe { f() }", "unsafe"),
        ("sha256/src/shared.rs", "unsafe { f() }", "unsafe"),
        ("src/s3/api.rs", "#[allow(dead_code)]", "#[expect"),
        ("src/s3/api.rs", "#![allow(dead_code)]", "#[expect"),
        ("src/s3/api.rs", "fn f() { todo!() }", "todo!"),
    ] {
        let found = problems(Path::new(file), line);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{file}: {line:?} gave {found:?}");
    }
    let long = "\n".repeat(LONGEST_FILE + 1);
    assert_eq!(problems(Path::new("src/s3/api.rs"), &long).len(), 1);
}

#[test]
fn allowed_lines_pass() {
    for (file, text) in [
        ("src/store/log.rs", "use deltastore_segment::Vfs;\nuse crate::{store, index::Engine};"),
        ("src/s3/api.rs", "use crate::object::put;\nuse s3s::S3;\nuse tokio::net;"),
        ("src/index/rocks/mod.rs", "use rocksdb::DB;"),
        ("segment/src/vfs/real.rs", "use std::fs::File;\nuse rustix::fs::fsync;"),
        ("src/cli/serve.rs", "use crate::s3::serve;\nuse tokio::signal;"),
        ("src/store/log.rs", "// crate::s3 and tokio stay out, and unsafe too\nlet s = \"tokio::x unsafe\";"),
        (
            "src/store/log.rs",
            "/* crate::s3\n tokio:: */ fn http_status(fs: Tokio) {}\nlet c = '\"'; let s = \"tokio::\";",
        ),
        ("src/store/log.rs", "let raw = r#\"use \"tokio::x\" \"#;\nfn f<'a>(x: &'a str) {}"),
        ("vcdiff/src/lib.rs", "unsafe { xd3_encode_memory() }"),
        ("sha256/src/x86.rs", "unsafe { compress_pair() }"),
        ("tests/clients.rs", "use std::fs;\nuse tokio::runtime;"),
    ] {
        assert_eq!(problems(Path::new(file), text), Vec::<String>::new(), "{file}: {text}");
    }
}

#[test]
fn no_circles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut report = String::new();
    for sources in circles::CRATES {
        for circle in circles::circles_of(&root.join(sources)) {
            let _ = writeln!(report, "{sources}: {circle}");
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn planted_circles_are_found() {
    let found = |files: &[(&str, &str)]| {
        let module = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        circles::circles(files.iter().map(|(name, text)| (module(name), (*text).to_owned())))
    };
    let none: Vec<String> = Vec::new();
    let root = ("", "mod a;\nmod b;\npub use a::A;");
    assert_eq!(found(&[root, ("a", "use crate::b::B; fn f(b: B) {}"), ("b", "pub struct B;")]), none);
    // By a re-export of the root, in a tree, without an import, over a glob.
    for back in [
        "use super::A; fn f(a: A) {}",
        "use crate::{A as X}; fn f(x: X) {}",
        "fn f() { crate::a::g() }",
        "use super::a::*;",
    ] {
        let circle = found(&[root, ("a", "use crate::b::B; fn f(b: B) {}"), ("b", back)]);
        assert_eq!(circle, ["files: a, b", "entries: a, b"], "{back}");
    }
    // A parent that uses its child, which uses the parent's own item.
    let parent = ("", "mod a;\nstruct P; fn f() { a::g() }");
    assert_eq!(found(&[parent, ("a", "use super::P; fn f(p: P) {}")]), ["files: lib, a"]);
    // Files that make no circle, but their folders do.
    let folders = [
        ("", "mod a;\nmod b;"),
        ("a", "mod x;\nmod y;"),
        ("a::x", "use crate::b::B; fn f(b: B) {}"),
        ("a::y", "pub struct Y;"),
        ("b", "pub struct B;\nfn f(y: crate::a::y::Y) {}"),
    ];
    assert_eq!(found(&folders), ["entries: a, b"]);
    // Tests do not count.
    let test = "pub struct B;\n#[cfg(test)]\nmod tests { use crate::A; fn f(a: A) { } }";
    assert_eq!(found(&[root, ("a", "use crate::b::B; fn f(b: B) {}"), ("b", test)]), none);
}

/// The image is built from these folders.
#[test]
fn the_image_has_all_crates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = fs::read_to_string(root.join(".dockerignore")).expect(".dockerignore");
    for sources in circles::CRATES {
        let folder = sources.split('/').next().expect("a folder");
        assert!(ignored.lines().any(|line| line == format!("!{folder}")), "{folder} is not in .dockerignore");
    }
}

/// Everything wrong with one source, as `LINE: what`.
fn problems(file: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        found.push(format!("{lines}: longer than {LONGEST_FILE} lines"));
    }
    let code = without_comments_and_strings(text);
    let room = room(file);
    let is_test = file.iter().any(|part| ["tests", "tests.rs", "benches"].iter().any(|name| part == *name));
    let depth = file.iter().count() - 1 - usize::from(file.ends_with("mod.rs"));
    for (number, line) in code.lines().enumerate() {
        let mut report = |what: &str| found.push(format!("{}: {what}", number + 1));
        if has_word(line, "unsafe") && !UNSAFE.iter().any(|place| file.starts_with(place)) {
            report("unsafe belongs into vcdiff/ or sha256/src/x86.rs");
        }
        if line.contains("#[allow(") || line.contains("#![allow(") {
            report("use #[expect(lint, reason = \"...\")] instead of allow");
        }
        for unfinished in ["todo!", "unimplemented!", "dbg!"] {
            if line.contains(unfinished) {
                report(&format!("{unfinished} is left over"));
            }
        }
    }
    for (line, path) in paths(&code) {
        if let Some(what) = judge(&room, depth, is_test, &path) {
            let problem = format!("{line}: {what}");
            if !found.contains(&problem) {
                found.push(problem);
            }
        }
    }
    found
}

/// Why a file of this room may not contain this path, if so.
fn judge(room: &str, depth: usize, is_test: bool, path: &str) -> Option<String> {
    let names = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}::"));
    if PURE.contains(&room)
        && !is_test
        && let Some(name) = IMPURE.iter().find(|name| names(name))
    {
        return Some(format!("{room} may not name {name}"));
    }
    let (_, allowed) = LAYERS.iter().find(|(name, _)| *name == room)?;
    if let Some((name, _)) = RESTRICTED.iter().find(|(name, rooms)| names(name) && !rooms.contains(&room) && !is_test) {
        return Some(format!("{room} may not name {name}"));
    }
    let target = from_root(path, depth)?.split("::").next()?;
    if target == "*" {
        return Some(format!("{room} may not import everything"));
    }
    let is_room = ["cli", "main"].contains(&target) || LAYERS.iter().any(|(name, _)| *name == target);
    (is_room && target != room && !allowed.contains(&target)).then(|| format!("{room} may not import {target}"))
}

/// What follows the crate's root in a path; enough `super`s to climb there from a module `depth` below it count too.
fn from_root(path: &str, depth: usize) -> Option<&str> {
    let mut rest = path;
    let mut climbed = 0;
    while let Some(above) = rest.strip_prefix("super::") {
        rest = above;
        climbed += 1;
    }
    if climbed > 0 {
        return (climbed >= depth).then_some(rest);
    }
    ["crate::", "deltastore::"].iter().find_map(|root| path.strip_prefix(root))
}

/// `src/store/log.rs` and `src/store.rs` live in `store`; crates of the workspace are rooms of their own.
fn room(file: &Path) -> String {
    let mut parts = file.iter().map(|part| part.to_string_lossy());
    let first = parts.next().unwrap_or_default();
    match (first.as_ref(), parts.next()) {
        ("src", Some(second)) => second.trim_end_matches(".rs").to_owned(),
        _ => first.into_owned(),
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
