//! A store for one test, and short ways to call it.

use bytes::Bytes;
use deltastore::object::{
    CreateUploadInput, DeleteInput, DeleteKey, Expect, GetInput, HeadOutput, ListInput, ListOutput, ObjectError,
    Objects, PutInput, UploadPartInput, WriteConditions, format_upload_id,
};
use deltastore_format::{ChecksumAlgorithm, Metadata, PartPut, VersionPut};
use futures::{StreamExt, TryStreamExt};

use crate::store::open;

/// Objects with one bucket, `bucket`.
pub struct S3 {
    pub objects: Objects,
}

impl S3 {
    pub fn new() -> Self {
        let objects = Objects::new(open());
        futures::executor::block_on(objects.create_bucket("bucket")).unwrap();
        S3 { objects }
    }

    pub fn put_input(&self, key: &str, body: &[u8]) -> PutInput {
        PutInput {
            bucket: "bucket".into(),
            key: key.into(),
            body: stream(body),
            expect: Expect::default(),
            metadata: Metadata::default(),
            conditions: WriteConditions::default(),
        }
    }

    pub async fn put(&self, key: &str, body: &[u8]) -> Result<VersionPut, ObjectError> {
        self.objects.put_object(self.put_input(key, body)).await
    }

    pub async fn put_if(&self, key: &str, body: &[u8], conditions: WriteConditions) -> Result<VersionPut, ObjectError> {
        self.objects.put_object(PutInput { conditions, ..self.put_input(key, body) }).await
    }

    pub fn get_input(&self, key: &str) -> GetInput {
        GetInput { bucket: "bucket".into(), key: key.into(), ..GetInput::default() }
    }

    pub async fn get(&self, key: &str) -> Result<Vec<u8>, ObjectError> {
        Ok(self.get_with(self.get_input(key)).await?.1)
    }

    pub async fn get_with(&self, input: GetInput) -> Result<(HeadOutput, Vec<u8>), ObjectError> {
        let output = self.objects.get_object(input).await?;
        let chunks: Vec<Bytes> = output.body.try_collect().await.unwrap();
        Ok((output.head, chunks.concat()))
    }

    pub async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        let key = DeleteKey { key: key.into(), ..DeleteKey::default() };
        self.objects.delete_object(DeleteInput { bucket: "bucket".into(), key }).await
    }

    pub async fn list(&self, prefix: &str, delimiter: &str) -> ListOutput {
        let (bucket, prefix, delimiter) = ("bucket".into(), prefix.into(), delimiter.into());
        self.objects.list_objects(ListInput { bucket, prefix, delimiter, ..ListInput::default() }).await.unwrap()
    }

    pub async fn create_upload(&self, key: &str, checksum: Option<ChecksumAlgorithm>) -> Result<String, ObjectError> {
        let input =
            CreateUploadInput { bucket: "bucket".into(), key: key.into(), checksum, ..CreateUploadInput::default() };
        Ok(format_upload_id(self.objects.create_upload(input).await?.upload))
    }

    pub fn part_input(&self, key: &str, upload_id: &str, number: i32, body: &[u8]) -> UploadPartInput {
        UploadPartInput {
            bucket: "bucket".into(),
            key: key.into(),
            upload_id: upload_id.into(),
            number,
            body: stream(body),
            expect: Expect::default(),
        }
    }

    pub async fn part(&self, key: &str, upload_id: &str, number: i32, body: &[u8]) -> Result<PartPut, ObjectError> {
        Ok(self.objects.upload_part(self.part_input(key, upload_id, number, body)).await?.put)
    }
}

fn stream(body: &[u8]) -> deltastore::object::Body {
    let chunks: Vec<_> = body.chunks(70_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    futures::stream::iter(chunks).boxed()
}

/// The S3 code of a failure.
pub fn code<T>(result: Result<T, ObjectError>) -> &'static str {
    match result {
        Ok(_) => panic!("it did not fail"),
        Err(error) => error.code(),
    }
}

/// Bytes that do not repeat.
pub fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}
