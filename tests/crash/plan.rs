//! Random operations that suit the present state, and what each changes.

use std::sync::Arc;

use deltastore::object::{
    CompleteInput, CompletedPart, CopyInput, CopySource, CreateUploadInput, DeleteKey, EtagPattern, Expect,
    MetadataDirective, ObjectError, Objects, PutInput, TaggingDirective, UploadPartCopyInput, UploadPartInput,
    WriteConditions, format_upload_id,
};
use deltastore::store::{CommitError, DocumentError, Expected, Touch, Transaction};
use deltastore_format::{Metadata, UploadId};
use futures::StreamExt;
use md5::{Digest, Md5};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::compressed::gzip;
use crate::state::{Change, Key, Object, Part, State};
use crate::zip::zip;

/// A request of a client.
#[derive(Clone, Debug)]
pub enum Request {
    Put {
        key: Key,
        body: Arc<Vec<u8>>,
        metadata: Metadata,
        conditions: WriteConditions,
    },
    Delete {
        bucket: String,
        keys: Vec<String>,
    },
    Copy {
        from: Key,
        to: Key,
    },
    CreateUpload {
        key: Key,
    },
    UploadPart {
        key: Key,
        upload: u64,
        number: u16,
        body: Arc<Vec<u8>>,
    },
    CopyPart {
        key: Key,
        upload: u64,
        number: u16,
        from: Key,
    },
    Complete {
        key: Key,
        upload: u64,
        parts: Vec<(u16, String)>,
    },
    CompleteAgain {
        key: Key,
        upload: u64,
        parts: Vec<(u16, String)>,
    },
    Abort {
        key: Key,
        upload: u64,
    },
    CreateBucket(String),
    DeleteBucket(String),
    PutDocument {
        name: Key,
        bytes: Vec<u8>,
        expected: Expected,
    },
    RemoveDocument(Key),
    /// Gives an object other metadata, in place.
    Update {
        key: Key,
        metadata: Metadata,
    },
}

/// A request and what it does if it succeeds.
pub struct Plan {
    pub request: Request,
    pub changes: Vec<Change>,
    /// Requests of one round share none of these.
    pub touches: Vec<String>,
    /// The ETag it must answer.
    pub etag: Option<String>,
    /// It must be refused with this S3 code.
    pub refused: Option<&'static str>,
}

/// What a client learns from success.
pub struct Answer {
    pub etag: Option<String>,
    pub upload: Option<u64>,
    /// The sequence number it was given, where it was given one.
    pub sequence: Option<u64>,
}

/// Bytes of a text that is compressed, first of all; each state of a crash test reads all bodies, and so compresses
/// their texts again.
const TEXT: usize = 4000;

/// Bytes of earlier bodies, from which new ones are made.
pub struct Bodies {
    pool: Vec<Arc<Vec<u8>>>,
    /// What is in compressed members.
    texts: Vec<Vec<u8>>,
    /// What is left of a body that is sent in parts.
    rest: Option<Vec<u8>>,
    max: usize,
}

impl Bodies {
    pub fn new(max: usize) -> Self {
        Self { pool: Vec::new(), texts: Vec::new(), rest: None, max }
    }

    pub fn next(&mut self, rng: &mut StdRng) -> Arc<Vec<u8>> {
        let old = self.pool.choose(rng).cloned().filter(|_| rng.random_bool(0.75));
        let mut body = match old {
            Some(old) if rng.random_bool(0.2) => return old,
            Some(_) if rng.random_bool(0.3) => return self.packed(rng),
            Some(old) => old.to_vec(),
            None => fresh(rng, self.max),
        };
        match rng.random_range(0..4) {
            0 if !body.is_empty() => {
                let at = rng.random_range(0..body.len());
                let to = (at + rng.random_range(1..64)).min(body.len());
                rng.fill(&mut body[at..to]);
            }
            1 => {
                let at = rng.random_range(0..=body.len());
                let insert = fresh(rng, 200);
                body.splice(at..at, insert);
            }
            2 => {
                if let Some(other) = self.pool.choose(rng) {
                    body.extend_from_slice(other);
                }
            }
            _ => body.truncate(rng.random_range(0..=body.len())),
        }
        body.truncate(self.max * 2);
        self.keep(body, rng)
    }

    fn keep(&mut self, body: Vec<u8>, rng: &mut StdRng) -> Arc<Vec<u8>> {
        let body = Arc::new(body);
        if self.pool.len() < 12 {
            self.pool.push(Arc::clone(&body));
        } else {
            let at = rng.random_range(0..self.pool.len());
            self.pool[at] = Arc::clone(&body);
        }
        body
    }

    /// One with compressed members in it, most of their content that of earlier ones.
    fn packed(&mut self, rng: &mut StdRng) -> Arc<Vec<u8>> {
        let level = rng.random_range(1..=9);
        let text = self.text(rng);
        let mut body = fresh(rng, 300);
        match rng.random_range(0..6) {
            0 => {
                let other = self.text(rng);
                let half = text.len() / 2;
                body.extend(zip(&[("a", &text[..half]), ("dir/b", &other), ("c", &text[half..])], level));
            }
            1 => body.extend(gzip(&text, level, Some(rng.random_range(700..3000)))),
            2..4 => body.extend(gzip(&nested(&text, level), 6, None)),
            _ => body.extend(gzip(&text, level, None)),
        }
        body.extend(fresh(rng, 300));
        self.keep(body, rng)
    }

    /// A text like the last ones.
    fn text(&mut self, rng: &mut StdRng) -> Vec<u8> {
        let mut text = match self.texts.choose(rng) {
            Some(old) => old.clone(),
            None => (0..TEXT).map(|_| b'a' + rng.random_range(0..20u8)).collect(),
        };
        let at = rng.random_range(0..text.len());
        let insert = format!("version {}", rng.random::<u32>());
        text.splice(at..(at + rng.random_range(0..40)).min(text.len()), insert.bytes());
        text.truncate(TEXT * 3 / 2);
        match self.texts.len() {
            0..4 => self.texts.push(text.clone()),
            len => self.texts[rng.random_range(0..len)] = text.clone(),
        }
        text
    }

    /// The body of a part: now and then what comes after the last one in a longer body.
    pub fn next_part(&mut self, rng: &mut StdRng) -> Arc<Vec<u8>> {
        if let Some(rest) = self.rest.take() {
            return Arc::new(rest);
        }
        let body = if rng.random_bool(0.5) { self.packed(rng) } else { self.next(rng) };
        if body.len() < 100 || rng.random_bool(0.3) {
            return body;
        }
        let (first, rest) = body.split_at(rng.random_range(1..body.len()));
        self.rest = Some(rest.to_vec());
        Arc::new(first.to_vec())
    }
}

/// Text with a gzip file behind it.
fn nested(text: &[u8], level: u32) -> Vec<u8> {
    let (plain, packed) = text.split_at(text.len() / 8);
    [plain, &gzip(packed, level, None)].concat()
}

/// Random bytes, some of which compress.
pub fn fresh(rng: &mut StdRng, max: usize) -> Vec<u8> {
    let mut body = vec![0; rng.random_range(0..=max)];
    match rng.random_bool(0.5) {
        true => rng.fill(&mut body[..]),
        false => body.iter_mut().for_each(|byte| *byte = b'a' + rng.random_range(0..4u8)),
    }
    body
}

pub fn md5(body: &[u8]) -> String {
    hex::encode(Md5::digest(body))
}

fn key_touch(key: &Key) -> String {
    format!("key {}/{}", key.0, key.1)
}

impl Plan {
    fn new(request: Request, changes: Vec<Change>, touches: Vec<String>) -> Self {
        Self { request, changes, touches, etag: None, refused: None }
    }

    /// A request that touches everything, with what it changes.
    pub fn of(request: Request, changes: Vec<Change>) -> Self {
        Self::new(request, changes, vec!["all".into()])
    }

    pub fn put(key: Key, body: Arc<Vec<u8>>, metadata: Metadata) -> Self {
        let etag = md5(&body);
        let (parts, upload) = (Vec::new(), None);
        let object = Object { body: body.to_vec(), etag: etag.clone(), metadata: metadata.clone(), parts, upload };
        let touches = vec![key_touch(&key)];
        let changes = vec![Change::Object(key.clone(), Some(Arc::new(object)))];
        let request = Request::Put { key, body, metadata, conditions: WriteConditions::default() };
        Self { etag: Some(etag), ..Self::new(request, changes, touches) }
    }

    pub fn delete(bucket: &str, keys: Vec<String>) -> Self {
        let key = |key: &String| (bucket.to_owned(), key.clone());
        let changes = keys.iter().map(|name| Change::Object(key(name), None)).collect();
        let touches = keys.iter().map(|name| key_touch(&key(name))).collect();
        Self::new(Request::Delete { bucket: bucket.to_owned(), keys }, changes, touches)
    }

    pub fn create_bucket(name: &str) -> Self {
        let name = name.to_owned();
        Self::new(Request::CreateBucket(name.clone()), vec![Change::Bucket(name, true)], vec!["all".into()])
    }

    /// A random one.
    pub fn random(state: &State, rng: &mut StdRng, bodies: &mut Bodies) -> Self {
        loop {
            if let Some(plan) = Self::try_random(state, rng, bodies) {
                return plan;
            }
        }
    }

    fn try_random(state: &State, rng: &mut StdRng, bodies: &mut Bodies) -> Option<Self> {
        let bucket = if state.buckets.contains("other") && rng.random_bool(0.2) { "other" } else { "bucket" };
        let name = *["a", "b", "dir/c", "dir/d", "dir/sub/e", "z"].choose(rng)?;
        let key = (bucket.to_owned(), name.to_owned());
        let existing = || state.objects.keys().collect::<Vec<_>>();
        Some(match rng.random_range(0..100) {
            0..34 => {
                let user = vec![("n".to_owned(), rng.random_range(0..1000u32).to_string())];
                let metadata = Metadata { user, ..Metadata::default() };
                let mut plan = Self::put(key.clone(), bodies.next(rng), metadata);
                plan.add_condition(state.objects.get(&key).map(|object| object.etag.as_str()), rng);
                plan
            }
            34..46 => {
                let key = existing().choose(rng).map(|key| (*key).clone()).unwrap_or(key);
                Self::delete(&key.0, vec![key.1])
            }
            46..52 => Self::delete(bucket, vec![name.to_owned(), "dir/c".to_owned(), "z".to_owned()]),
            52..60 => {
                let from = (*existing().choose(rng)?).clone();
                if from == key {
                    return None;
                }
                let copy = state.objects.get(&from).map(|from| Object { upload: None, ..Object::clone(from) });
                let changes = vec![Change::Object(key.clone(), copy.map(Arc::new))];
                let touches = vec![key_touch(&key), key_touch(&from)];
                Self::new(Request::Copy { from, to: key }, changes, touches)
            }
            60..66 => {
                let touches = vec![key_touch(&key), "create upload".into()];
                Self::new(Request::CreateUpload { key: key.clone() }, vec![Change::AnyUpload(key)], touches)
            }
            66..69 => {
                let uploaded = |key: &&Key| state.objects[*key].upload.is_some();
                Self::complete_again(existing().into_iter().filter(uploaded).collect::<Vec<_>>().choose(rng)?, state)?
            }
            69..94 => {
                let (upload, key) = state.uploads.iter().collect::<Vec<_>>().choose(rng).copied()?;
                Self::of_upload(*upload, key, state, rng, bodies)?
            }
            94..97 => match state.buckets.contains("other") {
                false => Self::create_bucket("other"),
                true => Self::delete_other(state)?,
            },
            _ => {
                let from = (*existing().choose(rng)?).clone();
                let (upload, key) = state.uploads.iter().collect::<Vec<_>>().choose(rng).copied()?;
                let source = state.objects.get(&from).filter(|source| source.parts.is_empty())?;
                let part = Part { body: source.body.clone(), etag: source.etag.clone() };
                let number = rng.random_range(1..5);
                let request = Request::CopyPart { key: key.clone(), upload: *upload, number, from: from.clone() };
                let changes = vec![Change::Part(*upload, number, Some(Arc::new(part)))];
                let touches = vec![format!("upload {upload}"), key_touch(&from)];
                Self { etag: Some(source.etag.clone()), ..Self::new(request, changes, touches) }
            }
        })
    }

    /// Gives a PUT a condition that holds, or one that does not.
    fn add_condition(&mut self, current: Option<&str>, rng: &mut StdRng) {
        let Request::Put { conditions, .. } = &mut self.request else { return };
        match (rng.random_range(0..10), current) {
            (0, None) => conditions.if_none_match = Some(EtagPattern::Any),
            (0, Some(etag)) => conditions.if_match = Some(EtagPattern::parse(etag)),
            (1, Some(_)) => {
                conditions.if_none_match = Some(EtagPattern::Any);
                self.refused = Some("PreconditionFailed");
                self.changes.clear();
            }
            _ => {}
        }
    }

    fn of_upload(upload: u64, key: &Key, state: &State, rng: &mut StdRng, bodies: &mut Bodies) -> Option<Self> {
        let parts: Vec<_> = state.parts.range((upload, 0)..=(upload, u16::MAX)).collect();
        let gone = || {
            let parts = parts.iter().map(|((id, number), _)| Change::Part(*id, *number, None));
            parts.chain([Change::Upload(upload, None)])
        };
        let touches = vec![format!("upload {upload}"), key_touch(key)];
        Some(match rng.random_range(0..10) {
            0..6 => {
                let (number, body) = (rng.random_range(1..5), bodies.next_part(rng));
                let etag = md5(&body);
                let part = Part { body: body.to_vec(), etag: etag.clone() };
                let changes = vec![Change::Part(upload, number, Some(Arc::new(part)))];
                let request = Request::UploadPart { key: key.clone(), upload, number, body };
                Self { etag: Some(etag), ..Self::new(request, changes, vec![format!("upload {upload}")]) }
            }
            6 => Self::new(Request::Abort { key: key.clone(), upload }, gone().collect(), touches),
            _ if parts.is_empty() || parts.iter().any(|(_, part)| part.body.is_empty()) => return None,
            _ => {
                let mut all = Md5::new();
                parts.iter().for_each(|(_, part)| all.update(hex::decode(&part.etag).unwrap()));
                let etag = format!("{}-{}", hex::encode(all.finalize()), parts.len());
                let object = Object {
                    body: parts.iter().flat_map(|(_, part)| part.body.clone()).collect(),
                    etag: etag.clone(),
                    metadata: Metadata::default(),
                    parts: parts.iter().map(|(_, part)| part.body.len() as u64).collect(),
                    upload: Some(upload),
                };
                let changes = gone().chain([Change::Object(key.clone(), Some(Arc::new(object)))]).collect();
                let named = parts.iter().map(|((_, number), part)| (*number, part.etag.clone())).collect();
                let request = Request::Complete { key: key.clone(), upload, parts: named };
                Self { etag: Some(etag), ..Self::new(request, changes, touches) }
            }
        })
    }

    /// The request that made an object once more, as from a client that got no answer. Parts that were copied have the
    /// ETags of their sources, which are MD5s too.
    fn complete_again(key: &Key, state: &State) -> Option<Self> {
        let object = &state.objects[key];
        let mut rest = &object.body[..];
        let named = object.parts.iter().map(|size| {
            let (part, behind) = rest.split_at(*size as usize);
            rest = behind;
            md5(part)
        });
        let parts = (1..).zip(named).collect();
        let request = Request::CompleteAgain { key: key.clone(), upload: object.upload?, parts };
        Some(Self { etag: Some(object.etag.clone()), ..Self::new(request, Vec::new(), vec![key_touch(key)]) })
    }

    /// One of what no client can ask for yet: a document, or an object that is updated in place.
    pub fn inner(state: &State, rng: &mut StdRng) -> Option<Self> {
        let pick = |choices: [&str; 3], rng: &mut StdRng| (*choices.choose(rng).expect("not empty")).to_owned();
        let name = (pick(["policy", "user", "a scope of tomorrow"], rng), pick(["a", "b/\0c", "Z"], rng));
        match rng.random_range(0..10) {
            0..4 => {
                let mut bytes = vec![0; rng.random_range(0..300)];
                rng.fill(&mut bytes[..]);
                let expected = if state.documents.contains_key(&name) { Expected::Anything } else { Expected::Nothing };
                Some(Self::put_document(name, bytes, expected))
            }
            4..6 => Some(Self::remove_document(name)),
            _ => {
                let key = state.objects.keys().collect::<Vec<_>>().choose(rng).copied()?.clone();
                let user = vec![("updated".to_owned(), rng.random_range(0..1000u32).to_string())];
                Some(Self::update(key, state, Metadata { user, ..Metadata::default() }))
            }
        }
    }

    pub fn put_document(name: Key, bytes: Vec<u8>, expected: Expected) -> Self {
        let (changes, touches) = (vec![Change::Document(name.clone(), Some(bytes.clone()))], vec![format!("{name:?}")]);
        Self::new(Request::PutDocument { name, bytes, expected }, changes, touches)
    }

    pub fn remove_document(name: Key) -> Self {
        let (changes, touches) = (vec![Change::Document(name.clone(), None)], vec![format!("{name:?}")]);
        Self::new(Request::RemoveDocument(name), changes, touches)
    }

    pub fn update(key: Key, state: &State, metadata: Metadata) -> Self {
        let object = Object { metadata: metadata.clone(), ..Object::clone(&state.objects[&key]) };
        let changes = vec![Change::Object(key.clone(), Some(Arc::new(object)))];
        let touches = vec![key_touch(&key)];
        Self::new(Request::Update { key, metadata }, changes, touches)
    }

    fn delete_other(state: &State) -> Option<Self> {
        if state.objects.keys().any(|key| key.0 == "other") {
            return None;
        }
        let mut changes = vec![Change::Bucket("other".into(), false)];
        for id in state.uploads.iter().filter(|(_, key)| key.0 == "other").map(|(id, _)| *id) {
            changes.push(Change::Upload(id, None));
            changes.extend(state.parts.range((id, 0)..=(id, u16::MAX)).map(|((id, n), _)| Change::Part(*id, *n, None)));
        }
        Some(Self::new(Request::DeleteBucket("other".into()), changes, vec!["all".into()]))
    }
}

pub fn stream(body: &[u8]) -> deltastore::object::Body {
    let chunks: Vec<_> = body.chunks(3000).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect();
    futures::stream::iter(chunks).boxed()
}

pub fn completion((bucket, key): Key, upload: u64, parts: Vec<(u16, String)>) -> CompleteInput {
    let named = |(number, etag)| CompletedPart { number, etag, checksum: None };
    CompleteInput {
        bucket,
        key,
        upload_id: format_upload_id(UploadId(upload)),
        parts: parts.into_iter().map(named).collect(),
        checksum: None,
        composite: None,
        object_size: None,
        conditions: WriteConditions::default(),
    }
}

impl Request {
    /// Sends it.
    pub async fn send(self, objects: &Objects) -> Result<Answer, ObjectError> {
        let nothing = Answer { etag: None, upload: None, sequence: None };
        let version = |put: deltastore_format::VersionPut| Answer {
            etag: Some(put.etag),
            upload: None,
            sequence: Some(put.version.0),
        };
        let part =
            |put: deltastore_format::PartPut| Answer { etag: Some(put.etag), upload: None, sequence: Some(put.part.0) };
        let id = |upload| format_upload_id(UploadId(upload));
        match self {
            Request::Put { key: (bucket, key), body, metadata, conditions } => {
                let input =
                    PutInput { bucket, key, body: stream(&body), expect: Expect::default(), metadata, conditions };
                objects.put_object(input).await.map(version)
            }
            Request::Delete { bucket, keys } => {
                let keys = keys.into_iter().map(|key| DeleteKey { key, ..DeleteKey::default() }).collect();
                let outcomes = objects.delete_objects(&bucket, keys).await?;
                outcomes.into_iter().collect::<Result<Vec<_>, _>>().map(|_| nothing)
            }
            Request::Copy { from, to: (bucket, key) } => {
                let input = CopyInput {
                    source: CopySource { bucket: from.0, key: from.1, ..CopySource::default() },
                    bucket,
                    key,
                    metadata: MetadataDirective::Copy,
                    tagging: TaggingDirective::Copy,
                    storage_class: None,
                    website_redirect: None,
                    checksum: None,
                    conditions: WriteConditions::default(),
                };
                objects.copy_object(input).await.map(version)
            }
            Request::CreateUpload { key: (bucket, key) } => {
                let put = objects.create_upload(CreateUploadInput { bucket, key, ..Default::default() }).await?;
                Ok(Answer { upload: Some(put.upload.0), sequence: Some(put.upload.0), ..nothing })
            }
            Request::UploadPart { key: (bucket, key), upload, number, body } => {
                let (body, expect, number) = (stream(&body), Expect::default(), number.into());
                let input = UploadPartInput { bucket, key, upload_id: id(upload), number, body, expect };
                objects.upload_part(input).await.map(|uploaded| part(uploaded.put))
            }
            Request::CopyPart { key: (bucket, key), upload, number, from } => {
                let source = CopySource { bucket: from.0, key: from.1, ..CopySource::default() };
                let (upload_id, number) = (id(upload), number.into());
                let input = UploadPartCopyInput { bucket, key, upload_id, number, source, range: None };
                objects.upload_part_copy(input).await.map(part)
            }
            Request::Complete { key, upload, parts } => {
                objects.complete_upload(completion(key, upload, parts)).await.map(version)
            }
            // What it answers was numbered long ago.
            Request::CompleteAgain { key, upload, parts } => {
                let put = objects.complete_upload(completion(key, upload, parts)).await?;
                Ok(Answer { etag: Some(put.etag), ..nothing })
            }
            Request::Abort { key, upload } => objects.abort_upload(&key.0, &key.1, &id(upload)).await.map(|()| nothing),
            Request::CreateBucket(name) => {
                let put = objects.create_bucket(&name).await?;
                Ok(Answer { sequence: Some(put.bucket.0), ..nothing })
            }
            Request::DeleteBucket(name) => objects.delete_bucket(&name).await.map(|()| nothing),
            Request::PutDocument { name: (scope, name), bytes, expected } => {
                let touches = vec![Touch::document(&scope, &name)];
                let put =
                    move |tx: &mut Transaction<'_>| tx.put_document(&scope, &name, bytes, expected).map_err(unexpected);
                // Its number is not held against those of the round's other requests.
                transact(objects, touches, put).await.map(|_| nothing)
            }
            Request::RemoveDocument((scope, name)) => {
                let touches = vec![Touch::document(&scope, &name)];
                let remove = move |tx: &mut Transaction<'_>| {
                    tx.remove_document(&scope, &name, Expected::Anything).map_err(unexpected)
                };
                transact(objects, touches, remove).await.map(|_| nothing)
            }
            Request::Update { key: (bucket, key), metadata } => {
                let found = objects.store().index().bucket(&bucket)?;
                let bucket = found.ok_or(ObjectError::NoSuchBucket { bucket })?.put.bucket;
                let touches = vec![Touch::Key(bucket, key.clone())];
                let update = move |tx: &mut Transaction<'_>| {
                    let row = tx.index().current(bucket, &key)?.ok_or(ObjectError::NoSuchKey { key })?;
                    let put = deltastore_format::VersionPut { metadata, ..row.put.clone() };
                    tx.update_version(&row, put);
                    Ok(())
                };
                transact(objects, touches, update).await.map(|()| nothing)
            }
        }
    }
}

fn unexpected(error: DocumentError) -> ObjectError {
    ObjectError::Internal(error.to_string())
}

/// Runs a transaction of the store; answers once it is durable.
async fn transact<T: Send + 'static>(
    objects: &Objects,
    touches: Vec<Touch>,
    evaluate: impl FnOnce(&mut Transaction<'_>) -> Result<T, ObjectError> + Send + 'static,
) -> Result<T, ObjectError> {
    let (sender, receiver) = futures::channel::oneshot::channel();
    objects.store().transact(touches, Vec::new(), evaluate, move |result| drop(sender.send(result)));
    Ok(receiver.await.unwrap_or(Err(CommitError::Closed))?)
}
