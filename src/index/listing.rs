//! Pages of a listing, with prefix, delimiter and resumption as S3 has them.
//!
//! A page costs a page, whatever the bucket's size: what lies under a common prefix and the older versions of a
//! key are sought past, not read. Only runs of delete markers are read through.

use super::engine::Engine;
use super::error::IndexError;
use super::family::Family;
use super::keys;
use deltastore_format::{DecodeError, Sequence, UploadId};

/// Where a listing goes on. All names are whole: they begin with the query's prefix or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Strictly after this key and all its rows. A common prefix that the key lies under is listed again when more lies
    /// under it.
    Key(String),
    /// After everything that begins with this.
    Prefix(String),
    /// After this version of the key: older ones are next. As `Key` where only newest versions are listed.
    Version(String, Sequence),
    /// After this upload of the key: later ones are next.
    Upload(String, UploadId),
}

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only keys that begin with it.
    pub prefix: String,
    /// Keys that have it after the prefix are listed once, as a common prefix up to its end. Empty is as none.
    pub delimiter: Option<String>,
    pub after: Option<After>,
    /// Most entries of the page, common prefixes counted; 0 gives an empty page that is not truncated.
    pub max: usize,
}

/// A row or a common prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListEntry<R> {
    Object(R),
    CommonPrefix(String),
}

/// A page in the byte order of keys and common prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage<R> {
    pub entries: Vec<ListEntry<R>>,
    /// There is at least one more entry.
    pub truncated: bool,
    /// Continues exactly behind this page; there when it is truncated.
    pub next: Option<After>,
}

/// How a table is listed. Keys are `space ‖ name ‖ 8 bytes`.
pub(super) struct Listing<R> {
    pub family: Family,
    pub space: Vec<u8>,
    /// Only the first row of a name counts.
    pub one_a_key: bool,
    /// The row counts, but is not shown.
    pub hidden: fn(&[u8]) -> Result<bool, DecodeError>,
    pub decode: fn(&[u8]) -> Result<R, DecodeError>,
    pub resume: fn(&R) -> After,
}

impl<R> Listing<R> {
    pub fn page(&self, engine: &dyn Engine, query: &ListQuery) -> Result<ListPage<R>, IndexError> {
        let mut page = ListPage { entries: Vec::new(), truncated: false, next: None };
        let bounds = self.under(&query.prefix);
        let Some(from) = self.start(&bounds, query.after.as_ref()) else {
            return Ok(page);
        };
        if query.max == 0 {
            return Ok(page);
        }
        let mut scan = engine.scan(self.family, &from, keys::above(&bounds).as_deref());
        let mut seen: Option<String> = None;
        while let Some(pair) = scan.next() {
            let (key, value) = pair?;
            let corrupt = |source| IndexError::corrupt(self.family, &key, source);
            let (name, _) = keys::split_name(&key[self.space.len()..]).map_err(corrupt)?;
            if self.one_a_key && seen.as_ref() == Some(&name) {
                match keys::above(&self.all_of(&name)) {
                    Some(next) => scan.seek(&next),
                    None => break,
                }
                continue;
            }
            if !(self.hidden)(&value).map_err(corrupt)? {
                if page.entries.len() == query.max {
                    page.truncated = true;
                    break;
                }
                match group(&name, query) {
                    Some(group) => {
                        let next = keys::above(&self.under(group));
                        page.entries.push(ListEntry::CommonPrefix(group.to_owned()));
                        match next {
                            Some(next) => scan.seek(&next),
                            None => break,
                        }
                    }
                    None => page.entries.push(ListEntry::Object((self.decode)(&value).map_err(corrupt)?)),
                }
            }
            seen = Some(name);
        }
        if page.truncated {
            page.next = page.entries.last().map(|entry| match entry {
                ListEntry::Object(row) => (self.resume)(row),
                ListEntry::CommonPrefix(prefix) => After::Prefix(prefix.clone()),
            });
        }
        Ok(page)
    }

    /// First key of a page; none when nothing can follow.
    fn start(&self, bounds: &[u8], after: Option<&After>) -> Option<Vec<u8>> {
        let resumed = match after {
            None => return Some(bounds.to_vec()),
            Some(After::Key(key)) => keys::above(&self.all_of(key))?,
            Some(After::Prefix(prefix)) => keys::above(&self.under(prefix))?,
            Some(After::Version(key, _)) if self.one_a_key => keys::above(&self.all_of(key))?,
            Some(After::Version(key, version)) => self.past(key, !version.0)?,
            Some(After::Upload(key, upload)) => self.past(key, upload.0)?,
        };
        Some(resumed.max(bounds.to_vec()))
    }

    /// What the keys of all names beginning with `prefix` begin with.
    fn under(&self, prefix: &str) -> Vec<u8> {
        let mut out = self.space.clone();
        keys::push_prefix(&mut out, prefix);
        out
    }

    /// What all keys of one name begin with.
    fn all_of(&self, name: &str) -> Vec<u8> {
        let mut out = self.space.clone();
        keys::push_name(&mut out, name);
        out
    }

    fn past(&self, name: &str, last: u64) -> Option<Vec<u8>> {
        let mut out = self.all_of(name);
        out.extend_from_slice(&last.to_be_bytes());
        keys::above(&out)
    }
}

/// The common prefix that a name falls under.
fn group<'a>(name: &'a str, query: &ListQuery) -> Option<&'a str> {
    let delimiter = query.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
    let at = name.strip_prefix(query.prefix.as_str())?.find(delimiter)?;
    Some(&name[..query.prefix.len() + at + delimiter.len()])
}
