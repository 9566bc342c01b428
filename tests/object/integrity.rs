//! What does not keep its promises is not stored.

use bytes::Bytes;
use deltastore::object::{ChecksumValue, Expect, ExpectChecksum, ObjectError, PutInput};
use deltastore_format::ChecksumAlgorithm;
use futures::StreamExt;

use crate::support::{S3, code};

#[tokio::test]
async fn a_broken_promise_leaves_nothing() {
    let s3 = S3::new();
    let put = |expect: Expect| s3.objects.put_object(PutInput { expect, ..s3.put_input("key", b"123456789") });
    let none = Expect::default;
    let checksum = |checksum| Expect { checksum, ..none() };
    let wrong = ChecksumValue { algorithm: ChecksumAlgorithm::Sha1, value: vec![0; 20] };
    let trailer = |text: &'static str| {
        let read = Box::new(move || Some(text.to_owned()));
        checksum(ExpectChecksum::Trailer { algorithm: ChecksumAlgorithm::Crc32, read })
    };
    for (expect, expected) in [
        (Expect { length: Some(8), ..none() }, "IncompleteBody"),
        (Expect { length: Some(10), ..none() }, "IncompleteBody"),
        (Expect { md5: Some("AAAAAAAAAAAAAAAAAAAAAA==".into()), ..none() }, "BadDigest"),
        (Expect { md5: Some("AAAA".into()), ..none() }, "InvalidDigest"),
        (checksum(ExpectChecksum::Value(wrong)), "BadDigest"),
        (trailer("AAAAAA=="), "BadDigest"),
        (trailer("A"), "InvalidRequest"),
    ] {
        assert_eq!(code(put(expect).await), expected);
        assert_eq!(code(s3.get("key").await), "NoSuchKey", "{expected}");
    }
    let put = put(trailer("y/Q5Jg==")).await.unwrap();
    assert_eq!(put.checksum.unwrap().algorithm, ChecksumAlgorithm::Crc32);
}

#[tokio::test]
async fn a_body_that_breaks_off_keeps_the_old_object() {
    let s3 = S3::new();
    s3.put("key", b"old").await.unwrap();
    let mut input = s3.put_input("key", b"");
    input.body = futures::stream::iter([Ok(Bytes::from_static(b"new")), Err(ObjectError::RequestTimeout)]).boxed();
    assert_eq!(code(s3.objects.put_object(input).await), "RequestTimeout");
    assert_eq!(s3.get("key").await.unwrap(), b"old");
}

#[tokio::test]
async fn too_much_metadata() {
    let s3 = S3::new();
    let mut input = s3.put_input("key", b"x");
    input.metadata.user = vec![("a".into(), "x".repeat(2048))];
    assert_eq!(code(s3.objects.put_object(input).await), "MetadataTooLarge");
}
