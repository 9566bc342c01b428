//! Conditional requests.

use deltastore::object::{EtagPattern, GetInput, ReadConditions, WriteConditions};

use crate::support::{S3, code};

fn if_none_match() -> WriteConditions {
    WriteConditions { if_match: None, if_none_match: Some(EtagPattern::Any) }
}

#[tokio::test]
async fn puts() {
    let s3 = S3::new();
    let put = |conditions: WriteConditions| s3.put_if("key", b"x", conditions);
    let if_match = |etag: &str| WriteConditions { if_match: Some(EtagPattern::parse(etag)), if_none_match: None };
    assert_eq!(code(put(if_match("\"x\"")).await), "NoSuchKey");
    let first = put(if_none_match()).await.unwrap();
    assert_eq!(code(put(if_none_match()).await), "PreconditionFailed");
    assert_eq!(code(put(if_match("\"x\"")).await), "PreconditionFailed");
    put(if_match(&first.etag)).await.unwrap();
    s3.delete("key").await.unwrap();
    put(if_none_match()).await.unwrap();
}

#[tokio::test]
async fn gets() {
    let s3 = S3::new();
    let put = s3.put("key", b"x").await.unwrap();
    let get = |conditions: ReadConditions| s3.objects.head_object(&GetInput { conditions, ..s3.get_input("key") });
    let unmodified = ReadConditions { if_none_match: Some(EtagPattern::parse(&put.etag)), ..ReadConditions::default() };
    assert_eq!(code(get(unmodified)), "NotModified");
    let other = ReadConditions { if_match: Some(EtagPattern::parse("x")), ..ReadConditions::default() };
    assert_eq!(code(get(other)), "PreconditionFailed");
    let old = ReadConditions { if_modified_since: Some(0), ..ReadConditions::default() };
    assert!(get(old).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_creators_one_wins() {
    let s3 = S3::new();
    for round in 0..20 {
        let key = format!("lock{round}");
        let bodies: Vec<_> = (0..8u8).map(|i| [i]).collect();
        let writers = bodies.iter().map(|body| s3.put_if(&key, body, if_none_match()));
        let results = futures::future::join_all(writers).await;
        let winners: Vec<_> = results.iter().enumerate().filter(|(_, result)| result.is_ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(s3.get(&key).await.unwrap(), bodies[winners[0].0]);
    }
}
