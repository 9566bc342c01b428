//! What a request promises of its body: nothing, a digest, or chunks with signatures and trailers.

use hyper::StatusCode;
use hyper::header::HeaderMap;

use super::signed::Signed;
use crate::remote::sigv4::{ALGORITHM, EMPTY_SHA256, Scope, SigningKey};
use crate::s3::request::error_page::ErrorPage;

const NAME: &str = "x-amz-content-sha256";
pub const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

/// The promise.
#[derive(Debug)]
pub enum Payload {
    Unsigned,
    /// SHA-256 of the whole body.
    Digest {
        sha256: [u8; 32],
        header: String,
    },
    /// An aws-chunked body.
    Chunked {
        header: &'static str,
        decoded_length: u64,
        trailers: Vec<String>,
        signed: Option<ChunkKey>,
    },
}

impl Payload {
    /// As the headers tell it.
    ///
    /// # Errors
    /// No promise, or none that S3 knows.
    pub fn of(headers: &HeaderMap) -> Result<Self, ErrorPage> {
        let Some(value) = headers.get(NAME) else {
            let message = "Missing required header for this request: x-amz-content-sha256";
            return Err(ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidRequest", message));
        };
        Self::read(value.to_str().unwrap_or_default(), headers)
    }

    /// Of a presigned request, which may name a digest in its query or its headers.
    ///
    /// # Errors
    /// One that S3 does not know, or chunks, which a presigned request cannot have.
    pub(super) fn of_presigned(signed: &Signed<'_>) -> Result<Self, ErrorPage> {
        let mut in_query = signed.query.pairs().iter().filter(|(name, _)| name.eq_ignore_ascii_case(NAME));
        let payload = match (in_query.next(), signed.headers.get(NAME)) {
            (Some((_, value)), _) => Self::read(value, signed.headers)?,
            (None, Some(value)) => Self::read(value.to_str().unwrap_or_default(), signed.headers)?,
            (None, None) => Payload::Unsigned,
        };
        if let Payload::Chunked { .. } = payload {
            let message = "Chunks in the body of a presigned request are not implemented.";
            return Err(ErrorPage::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message));
        }
        Ok(payload)
    }

    fn read(value: &str, headers: &HeaderMap) -> Result<Self, ErrorPage> {
        let (header, is_signed) = match value {
            "UNSIGNED-PAYLOAD" => return Ok(Payload::Unsigned),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", false),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", true),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", true),
            ecdsa if ecdsa.starts_with("STREAMING-AWS4-ECDSA-") => {
                let message = "Signatures of AWS4-ECDSA-P256-SHA256 are not implemented.";
                return Err(ErrorPage::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message));
            }
            digest => return Self::digest(digest),
        };
        let trailers = if header.ends_with("-TRAILER") { announced(headers) } else { Vec::new() };
        let signed = is_signed.then(ChunkKey::unset);
        Ok(Payload::Chunked { header, decoded_length: decoded_length(headers)?, trailers, signed })
    }

    fn digest(value: &str) -> Result<Self, ErrorPage> {
        match hex::decode(value).ok().and_then(|bytes| bytes.try_into().ok()) {
            Some(sha256) => Ok(Payload::Digest { sha256, header: value.to_owned() }),
            None => {
                let message = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                               STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a \
                               valid sha256 value.";
                Err(ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidArgument", message)
                    .field("ArgumentName", NAME)
                    .field("ArgumentValue", value))
            }
        }
    }

    /// As it is signed.
    pub fn header(&self) -> &str {
        match self {
            Payload::Unsigned => "UNSIGNED-PAYLOAD",
            Payload::Digest { header, .. } => header,
            Payload::Chunked { header, .. } => header,
        }
    }

    /// With the key of its chunks, if they are signed.
    pub fn with_key(mut self, key: impl FnOnce() -> ChunkKey) -> Self {
        if let Payload::Chunked { signed: Some(unset), .. } = &mut self {
            *unset = key();
        }
        self
    }
}

fn decoded_length(headers: &HeaderMap) -> Result<u64, ErrorPage> {
    let mut values = headers.get_all(DECODED_LENGTH).iter().map(|value| value.to_str().unwrap_or_default());
    let length = values.next().filter(|_| values.next().is_none());
    let digits = length.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let message = "You must provide the x-amz-decoded-content-length HTTP header.";
        ErrorPage::new(StatusCode::LENGTH_REQUIRED, "MissingContentLength", message)
    })
}

/// The names in `x-amz-trailer`.
fn announced(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all("x-amz-trailer").iter().filter_map(|value| value.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

/// Verifies signed chunks, each of which is signed with the signature before it.
#[derive(Clone)]
pub struct ChunkKey {
    key: Option<SigningKey>,
    /// Time and scope, a line each.
    prefix: String,
    previous: String,
}

impl std::fmt::Debug for ChunkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkKey").finish_non_exhaustive()
    }
}

impl ChunkKey {
    /// Verifies nothing, until [`Payload::with_key`].
    fn unset() -> Self {
        ChunkKey { key: None, prefix: String::new(), previous: String::new() }
    }

    /// `seed` is the request's signature.
    pub fn new(key: SigningKey, time: &str, scope: &Scope<'_>, seed: &str) -> Self {
        ChunkKey { key: Some(key), prefix: format!("{time}\n{}", scope.text()), previous: seed.to_owned() }
    }

    /// Is `signature` that of the chunk with this SHA-256?
    pub fn verifies_chunk(&mut self, sha256_hex: &str, signature: &str) -> bool {
        let text = format!("{ALGORITHM}-PAYLOAD\n{}\n{}\n{EMPTY_SHA256}\n{sha256_hex}", self.prefix, self.previous);
        self.verifies(&text, signature)
    }

    /// Is `signature` that of the trailers with this SHA-256?
    pub fn verifies_trailers(&mut self, sha256_hex: &str, signature: &str) -> bool {
        let text = format!("{ALGORITHM}-TRAILER\n{}\n{}\n{sha256_hex}", self.prefix, self.previous);
        self.verifies(&text, signature)
    }

    fn verifies(&mut self, text: &str, signature: &str) -> bool {
        let right = self.key.as_ref().is_some_and(|key| key.verifies(text, signature));
        signature.clone_into(&mut self.previous);
        right
    }
}
