//! What clients can see of a store, as plain values; and effects of operations on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deltastore::store::{Store, Walk, Worker};
use deltastore_format::{DocumentPut, Metadata, Recipe};
use md5::{Digest, Md5};

pub type Key = (String, String);

#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    pub body: Vec<u8>,
    pub etag: String,
    pub metadata: Metadata,
    /// Sizes of its parts; none unless it was uploaded in parts.
    pub parts: Vec<u64>,
    /// The upload that was completed to it; none of a copy.
    pub upload: Option<u64>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    pub body: Vec<u8>,
    pub etag: String,
}

/// Everything visible.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct State {
    pub buckets: BTreeSet<String>,
    pub objects: BTreeMap<Key, Arc<Object>>,
    pub uploads: BTreeMap<u64, Key>,
    pub parts: BTreeMap<(u64, u16), Arc<Part>>,
    pub documents: BTreeMap<Key, Vec<u8>>,
}

/// One cell of the state takes a value, or goes.
#[derive(Clone)]
pub enum Change {
    Bucket(String, bool),
    Object(Key, Option<Arc<Object>>),
    Upload(u64, Option<Key>),
    /// An upload whose number the client never learned.
    AnyUpload(Key),
    Part(u64, u16, Option<Arc<Part>>),
    /// By scope and name.
    Document(Key, Option<Vec<u8>>),
}

impl State {
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Bucket(name, true) => drop(self.buckets.insert(name.clone())),
                Change::Bucket(name, false) => drop(self.buckets.remove(name)),
                Change::Object(key, object) => set(&mut self.objects, key.clone(), object.clone()),
                Change::Upload(id, upload) => set(&mut self.uploads, *id, upload.clone()),
                Change::AnyUpload(_) => {}
                Change::Part(id, number, part) => set(&mut self.parts, (*id, *number), part.clone()),
                Change::Document(name, bytes) => set(&mut self.documents, name.clone(), bytes.clone()),
            }
        }
    }

    /// True when every cell has the value that the changes give it.
    pub fn agrees(&self, changes: &[Change]) -> bool {
        changes.iter().all(|change| match change {
            Change::Bucket(name, there) => self.buckets.contains(name) == *there,
            Change::Object(key, object) => self.objects.get(key) == object.as_ref(),
            Change::Upload(id, upload) => self.uploads.get(id) == upload.as_ref(),
            Change::AnyUpload(_) => true,
            Change::Part(id, number, part) => self.parts.get(&(*id, *number)) == part.as_ref(),
            Change::Document(name, bytes) => self.documents.get(name) == bytes.as_ref(),
        })
    }

    /// Checks that `found` is this state after some of the `open` operations, each whole or not at all; which of them.
    pub fn settle(&self, open: &[&[Change]], found: &State) -> Result<Vec<bool>, String> {
        let mut expected = self.clone();
        let mut applied = Vec::with_capacity(open.len());
        for changes in open {
            if let [Change::AnyUpload(key)] = changes {
                let new = found.uploads.iter().find(|(id, at)| *at == key && !expected.uploads.contains_key(*id));
                applied.push(new.is_some());
                if let Some((id, key)) = new {
                    expected.apply(&[Change::Upload(*id, Some(key.clone()))]);
                }
                continue;
            }
            applied.push(found.agrees(changes));
            if found.agrees(changes) {
                expected.apply(changes);
            }
        }
        match expected.difference(found) {
            None => Ok(applied),
            Some(difference) => Err(format!("{difference}; {} operations were open", open.len())),
        }
    }

    /// The first difference in words.
    pub fn difference(&self, found: &State) -> Option<String> {
        if self.buckets != found.buckets {
            return Some(format!("buckets {:?}, expected {:?}", found.buckets, self.buckets));
        }
        cells("object", &self.objects, &found.objects, |object| {
            let (bytes, upload) = (object.body.len(), object.upload);
            format!("{bytes} bytes with ETag {}, {:?} and upload {upload:?}", object.etag, object.metadata.user)
        })
        .or_else(|| cells("upload", &self.uploads, &found.uploads, |key| format!("of {key:?}")))
        .or_else(|| {
            cells("part", &self.parts, &found.parts, |part| {
                format!("{} bytes with ETag {}", part.body.len(), part.etag)
            })
        })
        .or_else(|| cells("document", &self.documents, &found.documents, |bytes| format!("{} bytes", bytes.len())))
    }

    /// Reads all of an open store, past the object layer but for nothing that its index holds.
    pub fn read(store: &Store) -> Result<State, String> {
        let mut reader = Reader { store, worker: Worker::new() };
        let index = store.index();
        let mut state = State::default();
        let mut names = BTreeMap::new();
        let text = |error: deltastore::index::IndexError| error.to_string();
        for row in index.buckets() {
            let put = row.map_err(text)?.put;
            names.insert(put.bucket, put.name.clone());
            state.buckets.insert(put.name);
        }
        let name =
            |bucket| names.get(&bucket).cloned().ok_or_else(|| format!("a row of bucket {bucket:?}, which is gone"));
        for row in index.all_versions() {
            let put = row.map_err(text)?.put;
            let body = reader.body(&put.recipe).map_err(|error| format!("object {:?}: {error}", put.key))?;
            check_body(&body, put.size, &put.etag, put.checksum.as_ref())
                .map_err(|error| format!("object {:?}: {error}", put.key))?;
            let parts = put.parts.iter().map(|part| part.size).collect();
            let upload = put.upload.map(|upload| upload.0);
            let object = Object { body, etag: put.etag, metadata: put.metadata, parts, upload };
            let key = (name(put.bucket)?, put.key);
            if state.objects.insert(key.clone(), Arc::new(object)).is_some() {
                return Err(format!("object {key:?} has two versions"));
            }
        }
        for row in index.all_uploads() {
            let put = row.map_err(text)?.put;
            state.uploads.insert(put.upload.0, (name(put.bucket)?, put.key));
        }
        for row in index.all_parts() {
            let put = row.map_err(text)?.put;
            let body = reader.body(&put.recipe).map_err(|error| format!("part {}: {error}", put.number))?;
            state.parts.insert((put.upload.0, put.number), Arc::new(Part { body, etag: put.etag }));
        }
        for row in index.all_rows::<DocumentPut>() {
            let put = row.map_err(text)?.put;
            state.documents.insert((put.scope, put.name), put.bytes);
        }
        Ok(state)
    }
}

fn set<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

fn cells<K: Ord + std::fmt::Debug, V: PartialEq>(
    what: &str,
    expected: &BTreeMap<K, V>,
    found: &BTreeMap<K, V>,
    describe: impl Fn(&V) -> String,
) -> Option<String> {
    for (key, value) in expected {
        match found.get(key) {
            None => return Some(format!("{what} {key:?} is gone")),
            Some(other) if other != value => {
                return Some(format!("{what} {key:?} is {}, expected {}", describe(other), describe(value)));
            }
            Some(_) => {}
        }
    }
    let extra = found.keys().find(|key| !expected.contains_key(*key))?;
    Some(format!("{what} {extra:?} should not be there"))
}

/// The bytes against what was promised about them; a multipart ETag says nothing of the whole.
fn check_body(
    body: &[u8],
    size: u64,
    etag: &str,
    checksum: Option<&deltastore_format::Checksum>,
) -> Result<(), String> {
    if body.len() as u64 != size {
        return Err(format!("{} bytes of {size}", body.len()));
    }
    if !etag.contains('-') && hex::encode(Md5::digest(body)) != etag {
        return Err("the bytes do not have its ETag".into());
    }
    if checksum.is_none() {
        return Err("it has lost its checksum".into());
    }
    Ok(())
}

struct Reader<'a> {
    store: &'a Store,
    worker: Worker,
}

impl Reader<'_> {
    fn body(&mut self, recipe: &Recipe) -> Result<Vec<u8>, String> {
        let mut walk = Walk::new(recipe, 0..recipe.len());
        let mut body = Vec::new();
        while let Some(entry) = self.store.step(&mut walk).map_err(|error| error.to_string())? {
            body.extend_from_slice(&self.store.bytes_of(&entry, &mut self.worker).map_err(|error| error.to_string())?);
        }
        Ok(body)
    }
}
