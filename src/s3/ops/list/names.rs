//! Names and entries of listings.

use deltastore_format::VersionPut;
use s3s::dto::{self, EncodingType};
use s3s::{S3Result, s3_error};

use crate::remote::percent::encode_except;
use crate::s3::ops::convert::{algorithm_name, checksum_type_of, etag, listed_class, size, timestamp};
use crate::s3::quirks::references;

/// An object of a listing.
pub fn entry(object: VersionPut, names: &Names, owner: Option<&dto::Owner>) -> dto::Object {
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
