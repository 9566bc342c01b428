//! Errors whose sentence is always the same in S3, and what else their documents name.

use super::context::RequestContext;

const SENTENCES: &[(&str, &str)] = &[
    ("BadDigest", "The Content-MD5 or checksum value that you specified did not match what the server received."),
    (
        "BucketAlreadyExists",
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please \
         select a different name and try again.",
    ),
    ("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it."),
    ("BucketNotEmpty", "The bucket you tried to delete is not empty"),
    ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"),
    ("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"),
    ("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"),
    ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
    ("InvalidBucketName", "The specified bucket is not valid."),
    ("InvalidDigest", "The Content-MD5 or checksum value that you specified is not valid."),
    (
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified \
         entity tag may not match the part's entity tag.",
    ),
    ("InvalidPartNumber", "The requested partnumber is not satisfiable"),
    ("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number."),
    ("InvalidRange", "The requested range is not satisfiable"),
    ("InvalidStorageClass", "The storage class you specified is not valid"),
    ("InvalidURI", "Couldn't parse the specified URI."),
    ("KeyTooLongError", "Your key is too long"),
    ("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"),
    ("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"),
    ("MethodNotAllowed", "The specified method is not allowed against this resource."),
    ("MissingContentLength", "You must provide the Content-Length HTTP header."),
    ("MissingRequestBodyError", "Request Body is empty"),
    ("NoSuchBucket", "The specified bucket does not exist"),
    ("NoSuchKey", "The specified key does not exist."),
    (
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed.",
    ),
    ("NoSuchVersion", "The specified version does not exist."),
    (
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
    ),
    ("PreconditionFailed", "At least one of the pre-conditions you specified did not hold"),
    (
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout period. Idle \
         connections will be closed.",
    ),
    (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing \
         method.",
    ),
    ("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."),
];

/// The sentence of a code that has one.
pub fn of(code: &str) -> Option<&'static str> {
    SENTENCES.iter().find(|(found, _)| *found == code).map(|(_, sentence)| *sentence)
}

/// What the document of a code names of the request. Those of a copy may be about its source, which is not told apart.
pub fn fields(code: &str, context: &RequestContext) -> Vec<(&'static str, String)> {
    let resource = context.named().filter(|_| context.row().is_none_or(|row| !row.is_copy()));
    let bucket = resource.map(|resource| resource.bucket.clone());
    let key = resource.map(|resource| resource.key.clone()).filter(|key| !key.is_empty());
    let named = match code {
        "NoSuchKey" => vec![("Key", key)],
        "NoSuchVersion" => vec![("Key", key), ("VersionId", context.parameter("versionId"))],
        "NoSuchUpload" => vec![("UploadId", context.parameter("uploadId"))],
        "NoSuchBucket" | "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" | "BucketNotEmpty" | "InvalidBucketName" => {
            vec![("BucketName", bucket)]
        }
        _ => Vec::new(),
    };
    named.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_once() {
        assert!(SENTENCES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
