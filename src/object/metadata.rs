//! Limits of metadata and tags. Storage class and website redirect are kept among the headers, as
//! `x-amz-storage-class` and `x-amz-website-redirect-location`.

use deltastore_format::Metadata;

use crate::object::error::ObjectError;
use crate::remote::percent::decode_form;

/// Most bytes of user metadata: names without their prefix, and values.
pub const MAX_USER_METADATA: usize = 2048;
/// Most tags of one object.
pub const MAX_TAGS: usize = 10;

pub const STORAGE_CLASS: &str = "x-amz-storage-class";
pub const WEBSITE_REDIRECT: &str = "x-amz-website-redirect-location";

const MAX_TAG_NAME: usize = 128;
const MAX_TAG_VALUE: usize = 256;

/// # Errors
/// `MetadataTooLarge`, `InvalidTag`.
pub(super) fn check(metadata: &Metadata) -> Result<(), ObjectError> {
    let size = metadata.user.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_USER_METADATA {
        return Err(ObjectError::MetadataTooLarge { size, max: MAX_USER_METADATA });
    }
    check_tags(&metadata.tags)
}

/// # Errors
/// `InvalidTag`
pub(super) fn check_tags(tags: &[(String, String)]) -> Result<(), ObjectError> {
    let invalid = |text: String| Err(ObjectError::InvalidTag(text));
    if tags.len() > MAX_TAGS {
        return invalid(format!("an object has at most {MAX_TAGS} tags, not {}", tags.len()));
    }
    for (at, (name, value)) in tags.iter().enumerate() {
        if name.is_empty() || name.chars().count() > MAX_TAG_NAME {
            return invalid(format!("the tag key {name:?} must have 1 to {MAX_TAG_NAME} characters"));
        }
        if value.chars().count() > MAX_TAG_VALUE {
            return invalid(format!("the value of tag {name:?} has more than {MAX_TAG_VALUE} characters"));
        }
        if tags[..at].iter().any(|(earlier, _)| earlier == name) {
            return invalid(format!("the tag key {name:?} stands twice"));
        }
    }
    Ok(())
}

/// Tags of an `x-amz-tagging` header: URL query syntax.
///
/// # Errors
/// `InvalidTag`; `InvalidArgument` where it is not URL-encoded UTF-8.
pub fn parse_tags(header: &str) -> Result<Vec<(String, String)>, ObjectError> {
    let mut tags = Vec::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decode_form(name), decode_form(value)) {
            (Some(name), Some(value)) => tags.push((name, value)),
            _ => return Err(ObjectError::InvalidArgument("x-amz-tagging is not URL-encoded".into())),
        }
    }
    check_tags(&tags)?;
    Ok(tags)
}

/// Sets, replaces or (with `None`) removes a header.
pub(super) fn set_header(metadata: &mut Metadata, name: &str, value: Option<String>) {
    metadata.headers.retain(|(known, _)| known != name);
    if let Some(value) = value {
        metadata.headers.push((name.to_owned(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_metadata_is_limited() {
        let of = |len| Metadata { user: vec![("ab".into(), "x".repeat(len))], ..Metadata::default() };
        assert_eq!(check(&of(MAX_USER_METADATA - 2)), Ok(()));
        assert_eq!(check(&of(MAX_USER_METADATA - 1)).map_err(|error| error.code()), Err("MetadataTooLarge"));
    }

    #[test]
    fn tags() {
        let pairs =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect::<Vec<_>>();
        assert_eq!(parse_tags(""), Ok(vec![]));
        assert_eq!(parse_tags("a=1&b&c=x%3Dy+z%C3%A9"), Ok(pairs(&[("a", "1"), ("b", ""), ("c", "x=y zé")])));
        for bad in ["a=%", "a=%g0", "a=%FF"] {
            assert_eq!(parse_tags(bad).map_err(|error| error.code()), Err("InvalidArgument"), "{bad}");
        }
        let eleven = (0..11).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join("&");
        let long_name = "k".repeat(129);
        let long_value = format!("k={}", "v".repeat(257));
        for bad in ["a=1&a=2", "=1", &eleven, &long_name, &long_value] {
            assert_eq!(parse_tags(bad).map_err(|error| error.code()), Err("InvalidTag"), "{bad}");
        }
    }

    #[test]
    fn headers_are_replaced() {
        let mut metadata = Metadata::default();
        set_header(&mut metadata, STORAGE_CLASS, Some("A".into()));
        set_header(&mut metadata, STORAGE_CLASS, Some("B".into()));
        assert_eq!(metadata.headers, [(STORAGE_CLASS.to_owned(), "B".to_owned())]);
        set_header(&mut metadata, STORAGE_CLASS, None);
        assert!(metadata.headers.is_empty());
    }
}
