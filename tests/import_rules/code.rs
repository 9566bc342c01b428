//! Reads Rust code as far as the import rules need it: no parser, comments and literals are blanked out first.

use std::collections::BTreeSet;

/// Every path with `::` in the code, with its line; `use` trees are spelled out. `std::{fs, io}` is `std::fs`,
/// `std::io`.
pub fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut line = 1;
    for character in code.chars() {
        match character {
            _ if character.is_alphanumeric() || character == '_' || character == ':' || character == '*' => {
                current.push(character);
                continue;
            }
            '{' if current.ends_with("::") => {
                open.push(std::mem::take(&mut current));
                continue;
            }
            '\n' if current.ends_with("::") => {
                line += 1;
                continue;
            }
            _ => {}
        }
        let prefix: String = open.iter().filter(|prefix| prefix.ends_with("::")).cloned().collect();
        let path = format!("{prefix}{}", std::mem::take(&mut current));
        let path = path.trim_start_matches("::").trim_end_matches("::").to_owned();
        if path.contains("::") {
            found.push((line, path));
        }
        if character == '{' {
            open.push(String::new());
        }
        if character == '}' {
            open.pop();
        }
        if character == '\n' {
            line += 1;
        }
    }
    found
}

/// The code with comments and the contents of literals blanked out, line by line as before.
pub fn without_comments_and_strings(text: &str) -> String {
    let characters: Vec<char> = format!("{text}\n").chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let end = match rest {
            ['/', '/', ..] => rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => end_of(rest, 2, &['*', '/']),
            ['r', '"' | '#', ..] if !after_word(&code) => end_of_raw_string(rest),
            ['"', ..] => end_of_string(rest),
            ['\'', '\\', ..] => end_of(rest, 3, &['\'']),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        if end == 0 {
            code.push(rest[0]);
            at += 1;
        } else {
            let skipped = rest[..end].iter().filter(|&&c| c == '\n');
            code.push(' ');
            code.extend(skipped);
            at += end;
        }
    }
    code
}

fn end_of(text: &[char], from: usize, mark: &[char]) -> usize {
    (from..text.len()).find(|&at| text[at..].starts_with(mark)).map_or(text.len(), |at| at + mark.len())
}

fn end_of_string(text: &[char]) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// The end of `r"…"` or `r#"…"#`; 0 for a raw identifier.
fn end_of_raw_string(text: &[char]) -> usize {
    let hashes = text[1..].iter().take_while(|&&c| c == '#').count();
    if text.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let mut mark = vec!['"'];
    mark.resize(1 + hashes, '#');
    end_of(text, 2 + hashes, &mark)
}

fn after_word(code: &str) -> bool {
    code.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

pub fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

/// The code without items that are compiled for tests only.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        kept.push_str(&rest[..at]);
        rest = &rest[at + MARK.len()..];
        rest = &rest[end_of_item(rest)..];
    }
    kept + rest
}

/// Where the item at the begin of the code ends: behind its `;`, or behind the brace that closes it.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0;
    for (at, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' => {}
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// The trees of the `use` items, and the code without them.
pub fn split_uses(code: &str) -> (Vec<String>, String) {
    let mut items = Vec::new();
    let mut body = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let (before, item) = rest.split_at(at);
        body.push_str(before);
        if after_word(before) {
            body.push_str("use ");
            rest = &item["use ".len()..];
            continue;
        }
        let (item, after) = item["use ".len()..].split_once(';').unwrap_or((item, ""));
        items.push(item.to_owned());
        rest = after;
    }
    (items, body + rest)
}

/// The names that a `use` item's tree brings in, with their paths; `*` for all of a module.
pub fn imported(item: &str) -> Vec<(String, String)> {
    let tree = format!("{};", item.replace(" as ", "::as::"));
    let named = paths(&tree).into_iter().map(|(_, path)| match path.split_once("::as::") {
        Some((path, name)) => (name.to_owned(), path.to_owned()),
        None => (path.rsplit("::").next().unwrap_or_default().to_owned(), path),
    });
    named.collect()
}

/// The modules that the code declares.
pub fn children(code: &str) -> BTreeSet<String> {
    let words: Vec<_> = code.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let declared = words.windows(2).filter(|pair| pair[0] == "mod " && pair[1].ends_with(';'));
    declared.map(|pair| pair[1].trim_end_matches(';').to_owned()).collect()
}
