//! Conditional requests.

use deltastore_format::VersionPut;

use crate::object::error::ObjectError;

/// What `If-Match` and `If-None-Match` hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EtagPattern {
    /// `*`
    Any,
    /// ETags without quotes.
    Etags(Vec<String>),
}

impl EtagPattern {
    /// From a header's value: `*`, or a list of ETags with or without quotes.
    pub fn parse(value: &str) -> Self {
        if value.trim() == "*" {
            return EtagPattern::Any;
        }
        EtagPattern::Etags(value.split(',').map(|etag| bare_etag(etag).to_owned()).collect())
    }

    fn matches(&self, etag: &str) -> bool {
        match self {
            EtagPattern::Any => true,
            EtagPattern::Etags(etags) => etags.iter().any(|wanted| wanted == etag),
        }
    }
}

/// An ETag without weakness mark and quotes.
pub(super) fn bare_etag(etag: &str) -> &str {
    let etag = etag.trim();
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

/// Conditions of a GET, HEAD or copy source. Times are seconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadConditions {
    pub if_match: Option<EtagPattern>,
    pub if_none_match: Option<EtagPattern>,
    pub if_modified_since: Option<i64>,
    pub if_unmodified_since: Option<i64>,
}

impl ReadConditions {
    /// A match of ETags decides alone; times count only where no ETag is given.
    ///
    /// # Errors
    /// `PreconditionFailed`, `NotModified`.
    pub(super) fn check(&self, version: &VersionPut) -> Result<(), ObjectError> {
        let modified = i64::try_from(version.modified_ms / 1000).unwrap_or(i64::MAX);
        let failed = |condition| Err(ObjectError::PreconditionFailed { condition });
        match (&self.if_match, self.if_unmodified_since) {
            (Some(wanted), _) if !wanted.matches(&version.etag) => return failed("If-Match"),
            (None, Some(since)) if modified > since => return failed("If-Unmodified-Since"),
            _ => {}
        }
        let unmodified = match (&self.if_none_match, self.if_modified_since) {
            (Some(unwanted), _) => unwanted.matches(&version.etag),
            (None, Some(since)) => modified <= since,
            (None, None) => false,
        };
        if unmodified {
            let about_caching = |name: &str| matches!(name, "cache-control" | "expires");
            let headers = version.metadata.headers.iter().filter(|(name, _)| about_caching(name));
            return Err(ObjectError::NotModified {
                etag: version.etag.clone(),
                modified_ms: version.modified_ms,
                headers: headers.cloned().collect(),
            });
        }
        Ok(())
    }

    /// [`ReadConditions::check`] of a copy's source, where nothing is answered with 304.
    pub(super) fn check_source(&self, version: &VersionPut) -> Result<(), ObjectError> {
        self.check(version).map_err(|error| match error {
            ObjectError::NotModified { .. } => {
                ObjectError::PreconditionFailed { condition: "x-amz-copy-source-if-none-match or -if-modified-since" }
            }
            other => other,
        })
    }
}

/// `If-Range`: what the client has of the object, so that it gets the rest of that one or else the whole of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeCondition {
    /// As the header has it; a weak one never holds.
    Etag(String),
    /// Seconds since the Unix epoch, exactly.
    Modified(i64),
}

impl RangeCondition {
    /// Is the version the one that the client has?
    pub(super) fn holds(&self, version: &VersionPut) -> bool {
        match self {
            RangeCondition::Etag(etag) => !etag.trim().starts_with("W/") && bare_etag(etag) == version.etag,
            RangeCondition::Modified(seconds) => i64::try_from(version.modified_ms / 1000) == Ok(*seconds),
        }
    }
}

/// Conditions of a PUT, copy, completed upload or delete on the current version of the key it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteConditions {
    pub if_match: Option<EtagPattern>,
    pub if_none_match: Option<EtagPattern>,
}

impl WriteConditions {
    /// `current` is the key's current version unless it is a delete marker.
    ///
    /// # Errors
    /// `PreconditionFailed`; `NoSuchKey` where a key that does not exist should match.
    pub(super) fn check(&self, key: &str, current: Option<&VersionPut>) -> Result<(), ObjectError> {
        let failed = |condition| Err(ObjectError::PreconditionFailed { condition });
        match (&self.if_match, current) {
            (Some(_), None) => return Err(ObjectError::NoSuchKey { key: key.to_owned() }),
            (Some(wanted), Some(version)) if !wanted.matches(&version.etag) => return failed("If-Match"),
            _ => {}
        }
        match (&self.if_none_match, current) {
            (Some(unwanted), Some(version)) if unwanted.matches(&version.etag) => failed("If-None-Match"),
            _ => Ok(()),
        }
    }

    /// Whether there is anything to check.
    pub(super) fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::write::tests::version;

    #[derive(Debug, PartialEq)]
    enum Outcome {
        Pass,
        Failed,
        NotModified,
    }

    fn outcome(result: Result<(), ObjectError>) -> Outcome {
        match result {
            Ok(()) => Outcome::Pass,
            Err(ObjectError::NotModified { .. }) => Outcome::NotModified,
            Err(ObjectError::PreconditionFailed { .. }) => Outcome::Failed,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn precedence_of_read_conditions() {
        use Outcome::{Failed, NotModified, Pass};
        let mut object = version("k");
        object.etag = "e".into();
        object.modified_ms = 10_900;
        let (yes, no) = (Some("\"e\""), Some("x"));
        // If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since → outcome, and as a copy source.
        let table = [
            (None, None, None, None, Pass, Pass),
            (yes, None, None, None, Pass, Pass),
            (no, None, None, None, Failed, Failed),
            (None, Some(10), None, None, Pass, Pass),
            (None, Some(9), None, None, Failed, Failed),
            (yes, Some(9), None, None, Pass, Pass),
            (no, Some(10), None, None, Failed, Failed),
            (None, None, yes, None, NotModified, Failed),
            (None, None, no, None, Pass, Pass),
            (None, None, None, Some(9), Pass, Pass),
            (None, None, None, Some(10), NotModified, Failed),
            (None, None, yes, Some(9), NotModified, Failed),
            (None, None, no, Some(10), Pass, Pass),
            (no, None, yes, None, Failed, Failed),
            (yes, None, yes, None, NotModified, Failed),
            (None, Some(9), yes, None, Failed, Failed),
            (Some("*"), None, Some("*"), None, NotModified, Failed),
            (Some("x, \"e\""), None, Some("x,y"), None, Pass, Pass),
            (None, None, Some("W/\"e\""), None, NotModified, Failed),
        ];
        for (if_match, unmodified, if_none_match, modified, expected, as_source) in table {
            let conditions = ReadConditions {
                if_match: if_match.map(EtagPattern::parse),
                if_none_match: if_none_match.map(EtagPattern::parse),
                if_modified_since: modified,
                if_unmodified_since: unmodified,
            };
            assert_eq!(outcome(conditions.check(&object)), expected, "{conditions:?}");
            assert_eq!(outcome(conditions.check_source(&object)), as_source, "{conditions:?}");
        }
    }

    #[test]
    fn a_range_is_of_the_version_that_the_client_has() {
        let mut object = version("k");
        object.etag = "e".into();
        object.modified_ms = 10_900;
        for (condition, holds) in [
            (RangeCondition::Etag("\"e\"".into()), true),
            (RangeCondition::Etag("e".into()), true),
            (RangeCondition::Etag("W/\"e\"".into()), false),
            (RangeCondition::Etag("\"x\"".into()), false),
            (RangeCondition::Etag("*".into()), false),
            (RangeCondition::Modified(10), true),
            (RangeCondition::Modified(9), false),
            (RangeCondition::Modified(11), false),
        ] {
            assert_eq!(condition.holds(&object), holds, "{condition:?}");
        }
    }

    #[test]
    fn a_304_keeps_the_headers_about_caching() {
        let mut object = version("k");
        let pairs = [("cache-control", "max-age=1"), ("content-type", "a"), ("expires", "never")];
        object.metadata.headers = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let conditions = ReadConditions { if_none_match: Some(EtagPattern::Any), ..ReadConditions::default() };
        let Err(ObjectError::NotModified { headers, .. }) = conditions.check(&object) else { panic!() };
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["cache-control", "expires"]);
    }

    #[test]
    fn write_conditions() {
        let mut object = version("k");
        object.etag = "e".into();
        let check = |if_match: Option<&str>, if_none_match: Option<&str>, current: Option<&VersionPut>| {
            let conditions = WriteConditions {
                if_match: if_match.map(EtagPattern::parse),
                if_none_match: if_none_match.map(EtagPattern::parse),
            };
            conditions.check("k", current).err().map(|error| error.code())
        };
        assert_eq!(check(None, None, Some(&object)), None);
        assert_eq!(check(None, Some("*"), Some(&object)), Some("PreconditionFailed"));
        assert_eq!(check(None, Some("*"), None), None);
        assert_eq!(check(None, Some("x"), Some(&object)), None);
        assert_eq!(check(None, Some("e"), Some(&object)), Some("PreconditionFailed"));
        assert_eq!(check(Some("e"), None, Some(&object)), None);
        assert_eq!(check(Some("x"), None, Some(&object)), Some("PreconditionFailed"));
        assert_eq!(check(Some("e"), None, None), Some("NoSuchKey"));
        assert_eq!(check(Some("*"), None, None), Some("NoSuchKey"));
        assert_eq!(check(Some("*"), None, Some(&object)), None);
    }
}
