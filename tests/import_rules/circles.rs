//! Finds circles of imports: files of one crate that import each other, directly or over others.
//!
//! A path counts for the file that defines its item: re-exports are followed, and a file that only re-exports an item
//! does not depend on it. Test modules do not count. Folders are held too: no entry of a folder imports one that
//! imports it back, whichever files of theirs do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::code::{children, has_word, imported, paths, split_uses, without_comments_and_strings, without_tests};
use super::rust_files;

/// The crates of the workspace, by the folder of their sources.
pub const CRATES: &[&str] = &[
    "src",
    "allocator/src",
    "benches/speed/src",
    "delta/src",
    "format/src",
    "iam/src",
    "members/src",
    "segment/src",
    "sha256/src",
    "vcdiff/src",
];

/// The path of a module below its crate's root; the root is empty.
type Module = Vec<String>;
type Graph = BTreeMap<Module, BTreeSet<Module>>;

/// The circles of a crate, each as the names of its modules; first those of files, then those of folders.
pub fn circles_of(sources: &Path) -> Vec<String> {
    let files = rust_files(sources);
    let texts = files.iter().filter_map(|path| {
        let module = module_of(path.strip_prefix(sources).expect("a path below the sources"))?;
        Some((module, fs::read_to_string(path).expect("a readable source")))
    });
    circles(texts)
}

pub fn circles(texts: impl Iterator<Item = (Module, String)>) -> Vec<String> {
    let sources: BTreeMap<_, _> = texts.map(|(module, text)| (module.clone(), Source::new(module, &text))).collect();
    let graph: Graph = sources.values().map(|source| (source.module.clone(), source.imports(&sources))).collect();
    let mut found: Vec<_> = components(&graph).iter().map(|circle| named("files", circle)).collect();
    let folders: BTreeSet<_> = graph.keys().flat_map(|module| (0..module.len()).map(|at| &module[..at])).collect();
    for folder in folders {
        found.extend(components(&entries(&graph, folder)).iter().map(|circle| named("entries", circle)));
    }
    found
}

/// One source file.
struct Source {
    module: Module,
    /// Modules that it declares.
    children: BTreeSet<String>,
    /// Names that its `use` items bring in, with their paths.
    names: BTreeMap<String, String>,
    /// Modules of which everything is imported.
    globs: Vec<String>,
    /// The paths in its code, `use` items left out.
    paths: Vec<String>,
    body: String,
}

impl Source {
    fn new(module: Module, text: &str) -> Self {
        let code = without_tests(&without_comments_and_strings(text));
        let (items, body) = split_uses(&code);
        let mut names = BTreeMap::new();
        let mut globs = Vec::new();
        for (name, path) in items.iter().flat_map(|item| imported(item)) {
            match path.rsplit_once("::") {
                Some((module, "*")) => globs.push(module.to_owned()),
                Some((module, "self")) => drop(names.insert(last(module).to_owned(), module.to_owned())),
                _ => drop(names.insert(name, path)),
            }
        }
        Self { module, children: children(&body), names, globs, paths: spelled(&body), body }
    }

    /// The modules that it depends on.
    fn imports(&self, sources: &BTreeMap<Module, Source>) -> BTreeSet<Module> {
        let used = self.names.iter().filter(|(name, _)| has_word(&self.body, name)).map(|(_, path)| path);
        used.chain(&self.globs)
            .chain(&self.paths)
            .filter_map(|path| self.resolve(path, sources, 0))
            .filter(|module| *module != self.module)
            .collect()
    }

    /// The module whose file defines a path's item.
    fn resolve(&self, path: &str, sources: &BTreeMap<Module, Source>, depth: usize) -> Option<Module> {
        let path = self.absolute(path)?;
        let at = (0..=path.len()).rev().find(|&at| sources.contains_key(&path[..at]))?;
        let (owner, rest) = (&sources[&path[..at]], &path[at..]);
        let exported = rest.first().and_then(|name| owner.names.get(name)).filter(|_| depth < 16);
        let followed = exported.and_then(|path| {
            let path = [std::slice::from_ref(path), &rest[1..]].concat().join("::");
            owner.resolve(&path, sources, depth + 1)
        });
        followed.or_else(|| Some(path[..at].to_vec()))
    }

    /// The path from the crate's root; none for another crate's.
    fn absolute(&self, path: &str) -> Option<Module> {
        let mut parts = path.split("::").map(str::to_owned).peekable();
        let mut above = self.module.clone();
        match parts.peek()?.as_str() {
            "crate" => above.clear(),
            "self" => {}
            "super" => drop(above.pop()?),
            child if self.children.contains(child) => above.push(child.to_owned()),
            _ => return None,
        }
        parts.next();
        while parts.peek().is_some_and(|part| part == "super") {
            above.pop()?;
            parts.next();
        }
        above.extend(parts);
        Some(above)
    }
}

/// The module of a file below a crate's sources; none for tests and the binary's `main.rs`, which may import all.
fn module_of(path: &Path) -> Option<Module> {
    let mut module: Module = path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module == ["lib"] || module.last().is_some_and(|name| name == "mod") {
        module.pop();
    }
    let is_test = |name: &String| ["tests", "testing", "conformance", "main"].contains(&name.as_str());
    (!module.iter().any(is_test)).then_some(module)
}

/// The graph of a folder's entries: each stands for all files below it.
fn entries(graph: &Graph, folder: &[String]) -> Graph {
    let entry = |module: &Module| module.starts_with(folder).then(|| module.get(folder.len()).cloned()).flatten();
    let mut found = Graph::new();
    for (module, imports) in graph {
        let Some(from) = entry(module) else { continue };
        let name = |entry: String| [folder, &[entry]].concat();
        let to = imports.iter().filter_map(entry).filter(|to| *to != from).map(name);
        found.entry(name(from.clone())).or_default().extend(to);
    }
    found
}

/// The strongly connected components of more than one module, by who reaches whom; graphs here are small.
fn components(graph: &Graph) -> Vec<BTreeSet<Module>> {
    let reached: BTreeMap<_, _> = graph.keys().map(|from| (from, reach(graph, from))).collect();
    let mut found = BTreeSet::new();
    for (from, modules) in &reached {
        let circle: BTreeSet<_> = modules.iter().filter(|to| reached[to].contains(*from)).cloned().collect();
        if !circle.is_empty() {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

/// The modules that one imports, directly or over others; itself if it is in a circle.
fn reach(graph: &Graph, from: &Module) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        for to in graph[module].iter().filter(|to| graph.contains_key(*to)) {
            if found.insert(to.clone()) {
                next.push(to);
            }
        }
    }
    found
}

fn named(what: &str, circle: &BTreeSet<Module>) -> String {
    let name = |module: &Module| if module.is_empty() { "lib".to_owned() } else { module.join("::") };
    format!("{what}: {}", circle.iter().map(name).collect::<Vec<_>>().join(", "))
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

fn spelled(code: &str) -> Vec<String> {
    paths(code).into_iter().map(|(_, path)| path).collect()
}
