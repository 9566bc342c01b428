//! ListObjects, both versions.

use deltastore_format::VersionPut;
use s3s::dto::{self, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output};
use s3s::{S3Response, S3Result, s3_error};

use super::convert::{algorithm_name, checksum_type_of, count, etag, listed_class, size, timestamp};
use super::{Answer, Operations, Request};
use crate::object::ListInput;
use crate::remote::percent::encode_except;
use crate::s3::error::to_s3_error;
use crate::s3::quirks::references;

impl Operations {
    pub async fn list_objects(&self, request: Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        let input = request.input;
        let names = Names::new(input.encoding_type)?;
        let page = self
            .objects
            .list_objects(ListInput {
                bucket: input.bucket.clone(),
                prefix: input.prefix.clone().unwrap_or_default(),
                delimiter: input.delimiter.clone().unwrap_or_default(),
                after: input.marker.clone().unwrap_or_default(),
                token: None,
                max_keys: input.max_keys,
            })
            .await
            .map_err(to_s3_error)?;
        // S3 gives a marker only with a delimiter; without one, clients go on from the last key.
        let with_marker = input.delimiter.as_deref().is_some_and(|delimiter| !delimiter.is_empty());
        let next_marker = page.next_marker.filter(|_| with_marker).map(|marker| names.write(marker.as_str()));
        let owner = self.owner.owner();
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(names.write(&input.prefix.unwrap_or_default())),
            marker: Some(names.write(&input.marker.unwrap_or_default())),
            max_keys: Some(count(page.max_keys)),
            is_truncated: Some(page.truncated),
            contents: Some(page.objects.into_iter().map(|object| entry(object, &names, Some(&owner))).collect()),
            common_prefixes: Some(prefixes(page.prefixes, &names)),
            delimiter: names.write_given(input.delimiter.as_deref()),
            next_marker,
            encoding_type: names.encoding_type(),
            request_charged: None,
        }))
    }

    pub async fn list_objects_v2(&self, request: Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        let input = request.input;
        let names = Names::new(input.encoding_type)?;
        let page = self
            .objects
            .list_objects(ListInput {
                bucket: input.bucket.clone(),
                prefix: input.prefix.clone().unwrap_or_default(),
                delimiter: input.delimiter.clone().unwrap_or_default(),
                after: input.start_after.clone().unwrap_or_default(),
                token: input.continuation_token.clone(),
                max_keys: input.max_keys,
            })
            .await
            .map_err(to_s3_error)?;
        let owner = input.fetch_owner.unwrap_or(false).then(|| self.owner.owner());
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(names.write(&input.prefix.unwrap_or_default())),
            max_keys: Some(count(page.max_keys)),
            key_count: Some(count(page.objects.len() + page.prefixes.len())),
            continuation_token: input.continuation_token.as_deref().map(references::text),
            is_truncated: Some(page.truncated),
            next_continuation_token: page.next_token,
            contents: Some(page.objects.into_iter().map(|object| entry(object, &names, owner.as_ref())).collect()),
            common_prefixes: Some(prefixes(page.prefixes, &names)),
            delimiter: names.write_given(input.delimiter.as_deref()),
            encoding_type: names.encoding_type(),
            start_after: names.write_given(input.start_after.as_deref()),
            request_charged: None,
        }))
    }
}

fn entry(object: VersionPut, names: &Names, owner: Option<&dto::Owner>) -> dto::Object {
    dto::Object {
        checksum_algorithm: object.checksum.as_ref().map(|checksum| vec![algorithm_name(checksum.algorithm)]),
        checksum_type: checksum_type_of(object.checksum.as_ref()),
        e_tag: etag(&object.etag),
        key: Some(names.write(&object.key)),
        last_modified: Some(timestamp(object.modified_ms)),
        owner: owner.cloned(),
        restore_status: None,
        size: Some(size(object.size)),
        storage_class: Some(dto::ObjectStorageClass::from(listed_class(&object.metadata))),
    }
}

pub fn prefixes(prefixes: Vec<String>, names: &Names) -> Vec<dto::CommonPrefix> {
    prefixes.into_iter().map(|prefix| dto::CommonPrefix { prefix: Some(names.write(&prefix)) }).collect()
}

/// How names are written in a listing.
pub struct Names {
    encoded: bool,
}

impl Names {
    /// # Errors
    /// `InvalidArgument` for an encoding that S3 does not have.
    pub fn new(asked: Option<EncodingType>) -> S3Result<Self> {
        match asked.as_ref().map(EncodingType::as_str) {
            None | Some("") => Ok(Names { encoded: false }),
            Some(name) if name.eq_ignore_ascii_case(EncodingType::URL) => Ok(Names { encoded: true }),
            Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request.")),
        }
    }

    pub fn encoding_type(&self) -> Option<EncodingType> {
        self.encoded.then(|| EncodingType::from_static(EncodingType::URL))
    }

    pub fn write(&self, name: &str) -> String {
        // As decoders of queries and of forms read alike: a space is `%20`, a plus `%2B`.
        if self.encoded { encode_except(name, b"*/") } else { references::text(name) }
    }

    /// What the request gives; an answer does not name what it leaves empty.
    pub fn write_given(&self, name: Option<&str>) -> Option<String> {
        name.filter(|name| !name.is_empty()).map(|name| self.write(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(encoding: &str) -> S3Result<Names> {
        Names::new(Some(EncodingType::from(encoding.to_owned())))
    }

    #[test]
    fn names_are_encoded_so_that_every_decoder_agrees() {
        let names = asked("url").unwrap();
        assert_eq!(names.write("a b+c/ü&%~\r"), "a%20b%2Bc/%C3%BC%26%25~%0D");
        assert_eq!(names.encoding_type(), Some(EncodingType::from_static(EncodingType::URL)));
        assert_eq!(
            asked("foo").err().map(|error| error.code().as_str().to_owned()).as_deref(),
            Some("InvalidArgument")
        );
    }

    #[test]
    fn names_are_not_encoded_unasked() {
        let plain = Names::new(None).unwrap();
        assert_eq!((plain.write("a b+c").as_str(), plain.encoding_type()), ("a b+c", None));
        assert_eq!((plain.write_given(Some("")), plain.write_given(Some("/"))), (None, Some("/".to_owned())));
    }
}
