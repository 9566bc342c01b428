//! Where a listing goes on: continuation tokens (opaque to clients) and markers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::object::error::ObjectError;
use crate::store::After;

/// A ListObjectsV2 token: Base64 of the kind and text of where the page ended.
pub(super) fn encode(after: &After) -> String {
    let (kind, text) = match after {
        After::Prefix(text) => ('p', text),
        After::Key(text) | After::Version(text, _) | After::Upload(text, _) => ('k', text),
    };
    URL_SAFE_NO_PAD.encode(format!("{kind}{text}"))
}

/// # Errors
/// `InvalidArgument` if it is no token of ours.
pub(super) fn decode(token: &str) -> Result<After, ObjectError> {
    let invalid = || ObjectError::InvalidArgument("the continuation token is not valid".into());
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    match (text.strip_prefix('k'), text.strip_prefix('p')) {
        (Some(key), _) => Ok(After::Key(key.to_owned())),
        (_, Some(prefix)) => Ok(After::Prefix(prefix.to_owned())),
        _ => Err(invalid()),
    }
}

/// A marker or start-after; one that is a common prefix of the listing stands for all keys under it, since version 1
/// hands common prefixes out as markers.
pub(super) fn from_marker(marker: &str, prefix: &str, delimiter: &str) -> Option<After> {
    if marker.is_empty() {
        return None;
    }
    let is_common_prefix = !delimiter.is_empty()
        && marker
            .strip_prefix(prefix)
            .and_then(|rest| rest.find(delimiter).map(|at| at + delimiter.len() == rest.len()))
            .unwrap_or(false);
    Some(if is_common_prefix { After::Prefix(marker.to_owned()) } else { After::Key(marker.to_owned()) })
}

/// What version 1 and listings of uploads call a marker.
pub(super) fn marker(after: &After) -> &str {
    match after {
        After::Key(text) | After::Prefix(text) | After::Version(text, _) | After::Upload(text, _) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_both_ways() {
        for after in [After::Key("a/b+ \u{1}é".into()), After::Prefix("p/".into()), After::Key(String::new())] {
            let token = encode(&after);
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
            assert_eq!(decode(&token), Ok(after));
        }
        for bad in ["", "a", "!", "eA", "_w"] {
            assert_eq!(decode(bad).map_err(|error| error.code()), Err("InvalidArgument"), "{bad:?}");
        }
    }

    #[test]
    fn markers_that_are_common_prefixes() {
        let key = |text: &str| Some(After::Key(text.into()));
        let group = |text: &str| Some(After::Prefix(text.into()));
        assert_eq!(from_marker("", "", "/"), None);
        assert_eq!(from_marker("a/", "", "/"), group("a/"));
        assert_eq!(from_marker("a/", "", ""), key("a/"));
        assert_eq!(from_marker("a/b", "", "/"), key("a/b"));
        assert_eq!(from_marker("a/b/", "", "/"), key("a/b/"));
        assert_eq!(from_marker("a/b/", "a/", "/"), group("a/b/"));
        assert_eq!(from_marker("a/", "a/", "/"), key("a/"));
        assert_eq!(from_marker("b/", "a/", "/"), key("b/"));
    }
}
