//! What a setting of a bucket is.

/// A setting. The bucket's row keeps it as a pair of texts.
pub trait Setting {
    type Value;

    /// Its name in the row, for ever.
    const KEY: &'static str;

    /// The value of a bucket that says nothing.
    fn default() -> Self::Value;

    /// The value that a text stands for; none if it is none.
    fn parse(text: &str) -> Option<Self::Value>;

    /// The text that stands for a value.
    fn print(value: &Self::Value) -> String;
}

/// The value in a row's settings.
pub fn value_of<S: Setting>(pairs: &[(String, String)]) -> S::Value {
    let own = pairs.iter().find(|(key, _)| key == S::KEY);
    own.and_then(|(_, text)| S::parse(text)).unwrap_or_else(S::default)
}

/// Notes a value in a row's settings; the others stay as they are, also those that this build does not know.
pub fn set<S: Setting>(pairs: &mut Vec<(String, String)>, value: &S::Value) {
    pairs.retain(|(key, _)| key != S::KEY);
    pairs.push((S::KEY.to_owned(), S::print(value)));
}
