//! The table, row by row, and beside the files of the operations.

use super::table::{CALLS, ROWS};
use crate::s3::operation::CopySource::With;
use crate::s3::operation::RequestBody;

fn snake(name: &str) -> String {
    let mut out = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(char.to_ascii_lowercase());
    }
    out
}

#[test]
fn rows_have_an_action_and_a_body_that_fits_their_method() {
    for row in ROWS.iter().filter(|row| row.served.is_some()) {
        let needs = row.served.as_ref().map(|served| served.needs).unwrap();
        let actions =
            [false, true].into_iter().flat_map(|version| [Some(needs.target(version)), needs.source(version)]);
        for action in actions.flatten() {
            let name = action.name().strip_prefix("s3:").unwrap_or_else(|| panic!("{}: {action}", row.name));
            let is_name = name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(is_name && name.starts_with(|first: char| first.is_ascii_uppercase()), "{}: {action}", row.name);
        }
        assert_eq!(needs.source(false).is_some(), row.copy_source == With, "{}", row.name);
        let takes_version = row.optional.contains(&"versionId") || needs.is_on_each();
        assert_eq!(needs.target(true) != needs.target(false), takes_version, "{}", row.name);
        let has_body = matches!(row.method, "PUT" | "POST");
        assert_eq!(row.body() != RequestBody::None, has_body, "{}", row.name);
    }
}

#[test]
fn every_operation_that_is_called_has_a_row_of_its_name() {
    for (call, name) in CALLS {
        assert_eq!(*call, snake(name));
        assert!(ROWS.iter().any(|row| row.name == *name && row.served.is_some()), "{name}");
    }
    // And every one that is written down is called.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/s3/ops");
    let mut written = 0;
    for kind in ["bucket", "list", "object", "upload"] {
        for file in std::fs::read_dir(folder.join(kind)).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for rest in text.split("impl Operation for ").skip(1) {
                let name = rest.split_once(' ').map_or(rest, |(name, _)| name);
                assert!(CALLS.iter().any(|(_, called)| *called == name), "{name} has no row");
                written += 1;
            }
        }
    }
    assert_eq!(written, CALLS.len());
}
