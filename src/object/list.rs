//! ListObjects, both versions.

use deltastore_format::VersionPut;

use crate::object::error::ObjectError;
use crate::object::{MAX_PAGE, Objects, token};
use crate::store::{ListEntry, ListQuery};

/// A ListObjects or ListObjectsV2. Empty texts are like absent ones.
#[derive(Clone, Debug, Default)]
pub struct ListInput {
    pub bucket: String,
    pub prefix: String,
    pub delimiter: String,
    /// `marker` (v1) or `start-after` (v2).
    pub after: String,
    /// `continuation-token` (v2); goes before `after`.
    pub token: Option<String>,
    /// 0 gives an empty page; over 1,000 counts as 1,000.
    pub max_keys: Option<i32>,
}

/// A page of a listing, both lists in ascending order of bytes.
#[derive(Clone, Debug, Default)]
pub struct ListOutput {
    pub objects: Vec<VersionPut>,
    pub prefixes: Vec<String>,
    /// The limit that was applied.
    pub max_keys: usize,
    pub truncated: bool,
    /// `NextMarker` (v1), when truncated: the last key or common prefix of the page.
    pub next_marker: Option<String>,
    /// `NextContinuationToken` (v2), when truncated.
    pub next_token: Option<String>,
}

impl Objects {
    /// # Errors
    /// `NoSuchBucket`; `InvalidArgument` for a token that is not ours or a negative `max_keys`.
    pub async fn list_objects(&self, input: ListInput) -> Result<ListOutput, ObjectError> {
        self.blocking(move |objects| objects.list_page(&input)).await
    }

    fn list_page(&self, input: &ListInput) -> Result<ListOutput, ObjectError> {
        let max_keys = page_limit("max-keys", input.max_keys)?;
        let after = match &input.token {
            Some(token) => Some(token::decode(token)?),
            None => token::from_marker(&input.after, &input.prefix, &input.delimiter),
        };
        let bucket = self.bucket_id(&input.bucket)?;
        let query = ListQuery {
            prefix: input.prefix.clone(),
            delimiter: Some(input.delimiter.clone()).filter(|delimiter| !delimiter.is_empty()),
            after,
            max: max_keys,
        };
        let page = self.store.index().list_current(bucket, &query)?;
        let mut output = ListOutput {
            max_keys,
            truncated: page.truncated,
            next_marker: page.next.as_ref().map(|after| token::marker(after).to_owned()),
            next_token: page.next.as_ref().map(token::encode),
            ..ListOutput::default()
        };
        for entry in page.entries {
            match entry {
                ListEntry::Object(row) => output.objects.push(row.put),
                ListEntry::CommonPrefix(prefix) => output.prefixes.push(prefix),
            }
        }
        Ok(output)
    }
}

/// The entries of a page, given what the request says.
///
/// # Errors
/// `InvalidArgument` if it is negative.
pub(super) fn page_limit(name: &str, asked: Option<i32>) -> Result<usize, ObjectError> {
    match asked.map(usize::try_from) {
        None => Ok(MAX_PAGE),
        Some(Ok(max)) => Ok(max.min(MAX_PAGE)),
        Some(Err(_)) => Err(ObjectError::InvalidArgument(format!("{name} must not be negative"))),
    }
}

/// A part number marker of a request.
///
/// # Errors
/// `InvalidArgument` if it is negative.
pub(super) fn part_marker(asked: Option<i32>) -> Result<Option<u16>, ObjectError> {
    match asked {
        Some(marker) if marker < 0 => {
            Err(ObjectError::InvalidArgument("part-number-marker must not be negative".into()))
        }
        marker => Ok(marker.map(|marker| u16::try_from(marker).unwrap_or(u16::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_pages() {
        assert_eq!(page_limit("x", None), Ok(1000));
        assert_eq!(page_limit("x", Some(0)), Ok(0));
        assert_eq!(page_limit("x", Some(7)), Ok(7));
        assert_eq!(page_limit("x", Some(5000)), Ok(1000));
        assert_eq!(page_limit("x", Some(-1)).map_err(|error| error.code()), Err("InvalidArgument"));
        assert_eq!(part_marker(Some(70_000)), Ok(Some(u16::MAX)));
        assert_eq!(part_marker(Some(-1)).map_err(|error| error.code()), Err("InvalidArgument"));
    }
}
