//! Variables and functions in a case's texts: `{name}` and `{function:argument}`. A brace that begins neither is text,
//! so that JSON needs no escape.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::sigv4::encode;

#[derive(Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
    /// Values of `each`, which may hold variables and functions themselves.
    templates: BTreeMap<String, String>,
}

impl Variables {
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    pub fn set_template(&mut self, name: &str, value: &str) {
        self.templates.insert(name.to_owned(), value.to_owned());
    }

    /// The text with everything put in.
    pub fn text(&self, text: &str) -> Result<String, String> {
        String::from_utf8(self.bytes(text)?)
            .map_err(|_| format!("{text:?} is not UTF-8: only bodies and headers may be"))
    }

    /// As [`Variables::text`], with bytes that are not UTF-8.
    pub fn bytes(&self, text: &str) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            out.extend_from_slice(&rest.as_bytes()[..at]);
            rest = &rest[at..];
            match Placeholder::read(rest) {
                None => {
                    out.push(b'{');
                    rest = &rest[1..];
                }
                Some(found) => {
                    out.extend_from_slice(&self.value(&found)?);
                    rest = &rest[found.length..];
                }
            }
        }
        out.extend_from_slice(rest.as_bytes());
        Ok(out)
    }

    fn value(&self, found: &Placeholder<'_>) -> Result<Vec<u8>, String> {
        let Some(argument) = found.argument else {
            if let Some(value) = self.values.get(found.name) {
                return Ok(value.clone().into_bytes());
            }
            let mut others = self.clone();
            let template = others.templates.remove(found.name);
            let template = template.ok_or_else(|| format!("there is no variable {{{}}}", found.name))?;
            return others.bytes(&template);
        };
        let argument = self.bytes(argument)?;
        Ok(match found.name {
            "hex" => hex::decode(&argument).map_err(|error| format!("{{hex:…}}: {error}"))?,
            "repeat" => repeat(&argument)?,
            "url" => encode(&String::from_utf8_lossy(&argument)).into_bytes(),
            "sha256_hex" => hex::encode(Sha256::digest(&argument)).into_bytes(),
            "sha256" => STANDARD.encode(Sha256::digest(&argument)).into_bytes(),
            "md5_hex" => hex::encode(Md5::digest(&argument)).into_bytes(),
            "md5" => STANDARD.encode(Md5::digest(&argument)).into_bytes(),
            "crc32" => STANDARD.encode(crc32(&argument).to_be_bytes()).into_bytes(),
            other => return Err(format!("there is no function {{{other}:…}}")),
        })
    }
}

fn repeat(argument: &[u8]) -> Result<Vec<u8>, String> {
    let at = argument.iter().position(|byte| *byte == b':').ok_or("{repeat:COUNT:TEXT} has two arguments")?;
    let count: usize = String::from_utf8_lossy(&argument[..at]).parse().map_err(|_| "{repeat:…}: no number")?;
    Ok(argument[at + 1..].repeat(count))
}

fn crc32(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, bytes) as u32
}

struct Placeholder<'a> {
    name: &'a str,
    argument: Option<&'a str>,
    length: usize,
}

impl<'a> Placeholder<'a> {
    /// Reads `{name}` or `{name:argument}` at the start of `text`; the argument may hold further ones.
    fn read(text: &'a str) -> Option<Self> {
        let inner = &text[1..];
        let end = inner.find(|char: char| !(char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_'))?;
        let name = &inner[..end];
        if !name.starts_with(|char: char| char.is_ascii_lowercase()) {
            return None;
        }
        if inner[end..].starts_with('}') {
            return Some(Placeholder { name, argument: None, length: end + 2 });
        }
        let argument = inner[end..].strip_prefix(':')?;
        let mut open = 1;
        for (at, char) in argument.char_indices() {
            match char {
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Some(Placeholder { name, argument: Some(&argument[..at]), length: 1 + end + 1 + at + 1 });
            }
        }
        None
    }
}

#[test]
fn placeholders_are_put_in_and_other_braces_stay() {
    let mut variables = Variables::default();
    variables.set("bucket", "b");
    let text = |text: &str| variables.text(text);
    assert_eq!(text("/{bucket}/{repeat:3:{bucket}x}").as_deref(), Ok("/b/bxbxbx"));
    assert_eq!(text(r#"{"a": {}, { "b" }}"#).as_deref(), Ok(r#"{"a": {}, { "b" }}"#));
    assert_eq!(text("{md5:hello}{crc32:hello}").as_deref(), Ok("XUFAKrxLKna5cZ2REBfFkg==NhCmhg=="));
    assert_eq!(variables.bytes("{hex:00ff}"), Ok(vec![0, 255]));
    assert!(text("{missing}").is_err() && text("{missing:x}").is_err());
    variables.set_template("each", "{bucket}/{hex:ff}");
    assert_eq!(variables.bytes("<{each}>"), Ok(b"<b/\xff>".to_vec()));
    variables.set_template("each", "{each}");
    assert!(variables.text("{each}").is_err());
}
