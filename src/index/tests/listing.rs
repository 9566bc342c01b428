//! Listings against a model that sorts everything and drops what does not belong.

use super::*;
use rand::SeedableRng;
use std::collections::BTreeMap;

/// Versions by key, newest first.
type Model = BTreeMap<String, Vec<VersionRow>>;

const BUCKET: u64 = 41;

/// All entries of a listing, in order, before any paging.
fn expected(model: &Model, query: &ListQuery, current: bool) -> Vec<ListEntry<VersionRow>> {
    let mut entries = Vec::new();
    for (key, versions) in model {
        let Some(tail) = key.strip_prefix(&query.prefix) else {
            continue;
        };
        for row in versions.iter().take(if current { 1 } else { usize::MAX }) {
            let behind = match &query.after {
                None => true,
                Some(After::Key(after)) => key > after,
                Some(After::Prefix(after)) => key > after && !key.starts_with(after.as_str()),
                Some(After::Version(after, _)) if current => key > after,
                Some(After::Version(after, version)) => key > after || (key == after && row.put.version < *version),
                Some(After::Upload(..)) => unreachable!(),
            };
            if !behind || (current && row.put.delete_marker) {
                continue;
            }
            let delimiter = query.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
            let group = delimiter.and_then(|delimiter| {
                let at = tail.find(delimiter)?;
                Some(ListEntry::CommonPrefix(key[..query.prefix.len() + at + delimiter.len()].to_owned()))
            });
            let entry = group.unwrap_or_else(|| ListEntry::Object(row.clone()));
            if !matches!(entry, ListEntry::CommonPrefix(_)) || entries.last() != Some(&entry) {
                entries.push(entry);
            }
        }
    }
    entries
}

fn fill(index: &Index, rng: &mut StdRng, keys: usize) -> Model {
    let mut model = Model::new();
    let mut batch = Batch::new();
    for _ in 0..keys {
        let key = random_name(rng);
        let count = [1, 1, 1, 2, 5][rng.random_range(0..5)];
        let mut versions: Vec<VersionRow> = (0..count)
            .map(|_| version_row(BUCKET, &key, rng.random_range(1..1 << 40), rng.random_bool(0.25)))
            .collect();
        versions.sort_by_key(|row| std::cmp::Reverse(row.put.version));
        versions.dedup_by_key(|row| row.put.version);
        // The format refuses empty keys.
        if !key.is_empty() && !model.contains_key(&key) {
            versions.iter().for_each(|row| index.stage_row(&mut batch, row));
            model.insert(key, versions);
        }
    }
    // Neighbours must never show.
    for bucket in [BUCKET - 1, BUCKET + 1] {
        for key in ["\0", "a", "a/b", "\u{10FFFF}"] {
            index.stage_row(&mut batch, &version_row(bucket, key, 1, false));
        }
    }
    index.write(batch).unwrap();
    model
}

fn random_query(rng: &mut StdRng, model: &Model) -> ListQuery {
    let delimiters = ["/", "/", "//", "a", "\0", "é", "b/", "", "\u{10FFFF}"];
    let some_key = |rng: &mut StdRng| match rng.random_range(0..3) {
        0 => random_name(rng),
        _ => model.keys().nth(rng.random_range(0..model.len())).unwrap().clone(),
    };
    let prefix = match rng.random_range(0..3) {
        0 => String::new(),
        _ => some_key(rng).chars().take(rng.random_range(0..4)).collect(),
    };
    let delimiter = rng.random_bool(0.7).then(|| delimiters[rng.random_range(0..delimiters.len())].to_owned());
    let after = match rng.random_range(0..5) {
        0 => Some(After::Key(some_key(rng))),
        1 => Some(After::Prefix(some_key(rng))),
        2 => {
            let key = some_key(rng);
            let version = model.get(&key).map_or(Sequence(5), |rows| rows[rng.random_range(0..rows.len())].put.version);
            Some(After::Version(key, version))
        }
        _ => None,
    };
    ListQuery { prefix, delimiter, after, max: rng.random_range(1..6) }
}

#[test]
fn pages_agree_with_the_model() {
    on_both(|index| {
        let mut rng = StdRng::seed_from_u64(11);
        let model = fill(&index, &mut rng, 400);
        for _ in 0..1500 {
            let mut query = random_query(&mut rng, &model);
            let current = rng.random_bool(0.6);
            let list = |query: &ListQuery| {
                if current {
                    index.list_current(BucketId(BUCKET), query)
                } else {
                    index.list_versions(BucketId(BUCKET), query)
                }
            };
            let expected = expected(&model, &query, current);
            let described = format!("{query:?} current {current}");
            let mut found = Vec::new();
            loop {
                let page = list(&query).unwrap();
                assert!(page.entries.len() <= query.max);
                assert_eq!(page.truncated, found.len() + page.entries.len() < expected.len(), "{described}");
                assert_eq!(page.truncated, page.next.is_some());
                found.extend(page.entries);
                if !page.truncated {
                    break;
                }
                query.after = page.next;
            }
            assert_eq!(found, expected, "{described}");
        }
    });
}

#[test]
fn awkward_keys_lie_side_by_side() {
    on_both(|index| {
        let mut keys =
            ["a", "a\0", "a\0b", "a/", "a//b", "a/b", "../x", ".x", "x.delta", "é", "\u{10FFFF}", "\u{10FFFF}/x"];
        let mut batch = Batch::new();
        keys.iter().for_each(|key| index.stage_row(&mut batch, &version_row(1, key, 1, false)));
        index.write(batch).unwrap();
        keys.sort_unstable();
        let list = |prefix: &str, delimiter: Option<&str>| {
            let query =
                ListQuery { prefix: prefix.to_owned(), delimiter: delimiter.map(str::to_owned), after: None, max: 100 };
            let page = index.list_current(BucketId(1), &query).unwrap();
            assert!(!page.truncated);
            let name = |entry: ListEntry<VersionRow>| match entry {
                ListEntry::Object(row) => row.put.key,
                ListEntry::CommonPrefix(prefix) => format!("<{prefix}>"),
            };
            page.entries.into_iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(list("", None), keys);
        assert_eq!(
            list("", Some("/")),
            ["<../>", ".x", "a", "a\0", "a\0b", "<a/>", "x.delta", "é", "\u{10FFFF}", "<\u{10FFFF}/>"]
        );
        assert_eq!(list("a/", Some("/")), ["a/", "<a//>", "a/b"]);
        assert_eq!(list("\u{10FFFF}", None), ["\u{10FFFF}", "\u{10FFFF}/x"]);
    });
}

#[test]
fn an_empty_page_is_not_truncated() {
    on_both(|index| {
        fill(&index, &mut StdRng::seed_from_u64(1), 10);
        let page = index.list_current(BucketId(BUCKET), &ListQuery::default()).unwrap();
        assert_eq!(page, ListPage { entries: vec![], truncated: false, next: None });
    });
}

#[test]
fn uploads_are_grouped_and_resumed() {
    on_both(|index| {
        let mut batch = Batch::new();
        for (key, upload) in [("a", 1), ("a", 5), ("d/x", 2), ("d/x", 3), ("d/y", 4), ("e", 6)] {
            index.stage_row(&mut batch, &upload_row(BUCKET, key, upload));
        }
        index.write(batch).unwrap();
        let list = |after: Option<After>, max| {
            let query = ListQuery { prefix: String::new(), delimiter: Some("/".to_owned()), after, max };
            let page = index.list_uploads(BucketId(BUCKET), &query).unwrap();
            let name = |entry: ListEntry<UploadRow>| match entry {
                ListEntry::Object(row) => row.put.upload.0.to_string(),
                ListEntry::CommonPrefix(prefix) => prefix,
            };
            (page.entries.into_iter().map(name).collect::<Vec<_>>().join(" "), page.next)
        };
        assert_eq!(list(None, 1), ("1".to_owned(), Some(After::Upload("a".to_owned(), UploadId(1)))));
        assert_eq!(
            list(Some(After::Upload("a".to_owned(), UploadId(1))), 2),
            ("5 d/".to_owned(), Some(After::Prefix("d/".to_owned())))
        );
        assert_eq!(list(Some(After::Prefix("d/".to_owned())), 2), ("6".to_owned(), None));
        assert_eq!(list(Some(After::Key("a".to_owned())), 9), ("d/ 6".to_owned(), None));
    });
}
