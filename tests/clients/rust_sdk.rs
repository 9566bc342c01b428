//! What programs on `aws-sdk-s3` do.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, Delete, MetadataDirective,
    ObjectIdentifier,
};
use std::time::Duration;

use crate::support;

const BUCKET: &str = "rust-bucket";
const MIB: usize = 1024 * 1024;

/// Runs every check, on a runtime of its own.
pub fn run(endpoint: &str) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = client(endpoint);
        client.create_bucket().bucket(BUCKET).send().await.expect("create bucket");
        small_objects(&client).await;
        checksums(&client).await;
        conditions(&client).await;
        listing(&client).await;
        copies(&client).await;
        multipart(&client).await;
        presigned(&client).await;
        deletes(&client).await;
    });
}

fn client(endpoint: &str) -> Client {
    let settings = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(support::ACCESS_KEY, support::SECRET_KEY, None, None, "test"))
        .force_path_style(true)
        .build();
    Client::from_conf(settings)
}

/// The call must fail with this S3 error code.
macro_rules! refused {
    ($code:literal, $call:expr) => {{
        let error = $call.send().await.expect_err(concat!("expected ", $code));
        assert_eq!(error.code(), Some($code), "{error:?}");
    }};
}

async fn put(client: &Client, key: &str, body: impl Into<Vec<u8>>) {
    let body = ByteStream::from(body.into());
    client.put_object().bucket(BUCKET).key(key).body(body).send().await.expect(key);
}

async fn body(client: &Client, key: &str, range: Option<&str>) -> Vec<u8> {
    let answer =
        client.get_object().bucket(BUCKET).key(key).set_range(range.map(String::from)).send().await.expect(key);
    answer.body.collect().await.expect(key).to_vec()
}

/// Bytes that neither repeat nor compress.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut step = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)) as u8
    };
    (0..length).map(|_| step()).collect()
}

async fn small_objects(client: &Client) {
    let data = noise(1, 4321);
    client
        .put_object()
        .bucket(BUCKET)
        .key("small ü+")
        .metadata("release", "1.2.3")
        .content_type("application/x-thing")
        .body(data.clone().into())
        .send()
        .await
        .expect("put");
    let head = client.head_object().bucket(BUCKET).key("small ü+").send().await.expect("head");
    assert_eq!(head.content_length(), Some(4321));
    assert_eq!(head.content_type(), Some("application/x-thing"));
    assert_eq!(head.metadata().and_then(|all| all.get("release")).map(String::as_str), Some("1.2.3"));
    assert_eq!(body(client, "small ü+", None).await, data);
    assert_eq!(body(client, "small ü+", Some("bytes=10-19")).await, data[10..20]);
    assert_eq!(body(client, "small ü+", Some("bytes=-5")).await, data[4316..]);
    refused!("NoSuchKey", client.get_object().bucket(BUCKET).key("not-there"));
    refused!("InvalidRange", client.get_object().bucket(BUCKET).key("small ü+").range("bytes=4321-"));
    refused!("NoSuchBucket", client.list_objects_v2().bucket("rust-not-there"));
}

async fn checksums(client: &Client) {
    let data = noise(2, 70_000);
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let sent = client
            .put_object()
            .bucket(BUCKET)
            .key("sums")
            .checksum_algorithm(algorithm.clone())
            .body(data.clone().into())
            .send()
            .await
            .expect("put with a checksum");
        let back = client
            .get_object()
            .bucket(BUCKET)
            .key("sums")
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .expect("get with a checksum");
        let pair = match algorithm {
            ChecksumAlgorithm::Crc32 => (sent.checksum_crc32(), back.checksum_crc32()),
            ChecksumAlgorithm::Crc32C => (sent.checksum_crc32_c(), back.checksum_crc32_c()),
            ChecksumAlgorithm::Crc64Nvme => (sent.checksum_crc64_nvme(), back.checksum_crc64_nvme()),
            ChecksumAlgorithm::Sha1 => (sent.checksum_sha1(), back.checksum_sha1()),
            _ => (sent.checksum_sha256(), back.checksum_sha256()),
        };
        assert!(pair.0.is_some(), "{algorithm}");
        assert_eq!(pair.0, pair.1, "{algorithm}");
        assert_eq!(back.body.collect().await.expect("a verified body").to_vec(), data);
    }
    refused!(
        "BadDigest",
        client.put_object().bucket(BUCKET).key("sums-wrong").checksum_crc32("AAAAAA==").body(data.clone().into())
    );
    refused!("NoSuchKey", client.get_object().bucket(BUCKET).key("sums-wrong"));
}

async fn conditions(client: &Client) {
    let put = |body: &'static [u8]| client.put_object().bucket(BUCKET).key("lock").body(ByteStream::from_static(body));
    let first = put(b"first").if_none_match("*").send().await.expect("the first put");
    refused!("PreconditionFailed", put(b"second").if_none_match("*"));
    let etag = first.e_tag().expect("an ETag");
    put(b"third").if_match(etag).send().await.expect("a put over the first");
    refused!("PreconditionFailed", put(b"fourth").if_match(etag));
    assert_eq!(body(client, "lock", None).await, b"third");
}

async fn listing(client: &Client) {
    for number in 0..11 {
        put(client, &format!("list/{}/{number:02}", number % 3), "x").await;
    }
    let mut pages = client.list_objects_v2().bucket(BUCKET).prefix("list/").max_keys(4).into_paginator().send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        keys.extend(page.contents().iter().filter_map(|entry| entry.key().map(String::from)));
    }
    assert_eq!(keys.len(), 11);
    assert!(keys.is_sorted());
    let folders =
        client.list_objects_v2().bucket(BUCKET).prefix("list/").delimiter("/").send().await.expect("list folders");
    let folders: Vec<_> = folders.common_prefixes().iter().filter_map(|entry| entry.prefix()).collect();
    assert_eq!(folders, ["list/0/", "list/1/", "list/2/"]);
}

async fn copies(client: &Client) {
    put(client, "copy-from", "copied").await;
    client
        .copy_object()
        .bucket(BUCKET)
        .key("copy-to")
        .copy_source(format!("{BUCKET}/copy-from"))
        .metadata_directive(MetadataDirective::Replace)
        .metadata("touched", "1")
        .send()
        .await
        .expect("copy");
    assert_eq!(body(client, "copy-to", None).await, b"copied");
    let head = client.head_object().bucket(BUCKET).key("copy-to").send().await.expect("head");
    assert!(head.metadata().is_some_and(|all| all.contains_key("touched")));
}

async fn multipart(client: &Client) {
    let data = noise(3, 21 * MIB + 3);
    let upload = client.create_multipart_upload().bucket(BUCKET).key("large").send().await;
    let id = upload.expect("create").upload_id.expect("an upload id");
    let mut parts = Vec::new();
    for (number, part) in (1..).zip(data.chunks(7 * MIB)) {
        let sent = client
            .upload_part()
            .bucket(BUCKET)
            .key("large")
            .upload_id(&id)
            .part_number(number)
            .body(part.to_vec().into())
            .send()
            .await
            .expect("a part");
        let part =
            CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).set_checksum_crc32(sent.checksum_crc32);
        parts.push(part.build());
    }
    client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("large")
        .upload_id(&id)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
        .send()
        .await
        .expect("complete");
    assert!(body(client, "large", None).await == data, "the large object came back different");
    let range = body(client, "large", Some("bytes=7340030-7340040")).await;
    assert_eq!(range, data[7_340_030..=7_340_040]);

    let upload = client.create_multipart_upload().bucket(BUCKET).key("half").send().await;
    let id = upload.expect("create").upload_id.expect("an upload id");
    client.abort_multipart_upload().bucket(BUCKET).key("half").upload_id(&id).send().await.expect("abort");
    refused!("NoSuchUpload", client.list_parts().bucket(BUCKET).key("half").upload_id(&id));
}

/// The SDK makes the address; asking for it with another client is the other scripts' part.
async fn presigned(client: &Client) {
    let minute = PresigningConfig::expires_in(Duration::from_secs(60)).expect("a minute");
    let signed = client.get_object().bucket(BUCKET).key("small ü+").presigned(minute).await.expect("presign");
    let address = signed.uri().strip_prefix("http://").expect("plain HTTP");
    let (host, path) = address.split_once('/').expect("a path");
    let host = host.to_owned();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(host)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map(|_| answer)
    });
    let answer = answer.await.expect("the request's thread").expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert!(answer.ends_with(&noise(1, 4321)), "the presigned GET brought other bytes");
}

async fn deletes(client: &Client) {
    refused!("BucketNotEmpty", client.delete_bucket().bucket(BUCKET));
    let listed = client.list_objects_v2().bucket(BUCKET).send().await.expect("list");
    let objects: Vec<_> = listed
        .contents()
        .iter()
        .filter_map(|entry| ObjectIdentifier::builder().set_key(entry.key.clone()).build().ok())
        .collect();
    let count = objects.len();
    let targets = Delete::builder().set_objects(Some(objects)).build().expect("targets");
    let answer = client.delete_objects().bucket(BUCKET).delete(targets).send().await.expect("delete");
    assert_eq!(answer.deleted().len(), count);
    assert!(answer.errors().is_empty());
    client.delete_bucket().bucket(BUCKET).send().await.expect("delete bucket");
}
