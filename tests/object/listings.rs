//! Listing objects.

use deltastore::object::{ListInput, ListOutput};

use crate::support::{S3, code};

async fn page(s3: &S3, input: ListInput) -> ListOutput {
    s3.objects.list_objects(ListInput { bucket: "bucket".into(), ..input }).await.unwrap()
}

fn names(page: &ListOutput) -> Vec<&str> {
    let mut names: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
    names.extend(page.prefixes.iter().map(String::as_str));
    names.sort_unstable();
    names
}

#[tokio::test]
async fn pages_by_token_and_by_marker_show_everything_once() {
    let s3 = S3::new();
    let mut keys = vec!["a", "a/b", "a/c/d", "a/c/e", "b/1", "b/2", "c", "c0", "d/x", "e+ f", "é"];
    keys.sort_unstable();
    for key in &keys {
        s3.put(key, b"x").await.unwrap();
    }
    for (prefix, delimiter, expected) in [
        ("", "", keys.clone()),
        ("", "/", vec!["a", "a/", "b/", "c", "c0", "d/", "e+ f", "é"]),
        ("a/", "/", vec!["a/b", "a/c/"]),
        ("a/c/", "/", vec!["a/c/d", "a/c/e"]),
        ("zzz", "/", vec![]),
        ("c", "", vec!["c", "c0"]),
    ] {
        for max in 1..5 {
            for by_token in [true, false] {
                let mut found: Vec<String> = Vec::new();
                let mut input =
                    ListInput { prefix: prefix.into(), delimiter: delimiter.into(), ..ListInput::default() };
                loop {
                    input.max_keys = Some(max);
                    let page = page(&s3, input.clone()).await;
                    assert!(names(&page).len() <= max as usize);
                    found.extend(names(&page).into_iter().map(String::from));
                    assert_eq!(page.truncated, page.next_token.is_some());
                    if !page.truncated {
                        break;
                    }
                    match by_token {
                        true => input.token = page.next_token,
                        false => input.after = page.next_marker.unwrap(),
                    }
                }
                assert_eq!(found, expected, "{prefix:?} {delimiter:?} {max} {by_token}");
            }
        }
    }
}

#[tokio::test]
async fn limits_and_errors() {
    let s3 = S3::new();
    s3.put("key", b"x").await.unwrap();
    let none = page(&s3, ListInput { max_keys: Some(0), ..ListInput::default() }).await;
    assert!(none.objects.is_empty() && !none.truncated);
    let after = page(&s3, ListInput { after: "key".into(), ..ListInput::default() }).await;
    assert!(after.objects.is_empty());
    let list = |input| async { code(s3.objects.list_objects(input).await) };
    let bucket = || ListInput { bucket: "bucket".into(), ..ListInput::default() };
    assert_eq!(list(ListInput { max_keys: Some(-1), ..bucket() }).await, "InvalidArgument");
    assert_eq!(list(ListInput { token: Some("?".into()), ..bucket() }).await, "InvalidArgument");
    assert_eq!(list(ListInput::default()).await, "NoSuchBucket");
}
