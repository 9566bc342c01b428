//! Conditional requests.

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
    pub fn parse(_value: &str) -> Self {
        unimplemented!()
    }
}

/// Conditions of a GET, HEAD or copy source. Times are seconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadConditions {
    pub if_match: Option<EtagPattern>,
    pub if_none_match: Option<EtagPattern>,
    pub if_modified_since: Option<i64>,
    pub if_unmodified_since: Option<i64>,
}

/// Conditions of a PUT, copy, completed upload or delete on the current version of the key it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteConditions {
    pub if_match: Option<EtagPattern>,
    pub if_none_match: Option<EtagPattern>,
}
