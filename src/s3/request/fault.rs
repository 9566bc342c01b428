//! What went wrong with a request's body, in S3's words.

use hyper::StatusCode;

use super::error_page::ErrorPage;

/// Why a body ended early. Kept beside the error that passes through s3s, which reports some of them as its own fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    Stalled = 1,
    Broken = 2,
    Sha256Mismatch = 3,
    ChunkSignature = 4,
    ChunkSize = 5,
    Trailers = 6,
}

impl Fault {
    const ALL: [Fault; 6] = [
        Fault::Stalled,
        Fault::Broken,
        Fault::Sha256Mismatch,
        Fault::ChunkSignature,
        Fault::ChunkSize,
        Fault::Trailers,
    ];

    /// The fault of a number; 0 is none.
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| *fault as u8 == number)
    }

    /// What the client is told.
    pub fn page(self) -> ErrorPage {
        let (code, message) = match self {
            Fault::Stalled => (
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period.",
            ),
            Fault::Broken => (
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header.",
            ),
            Fault::Sha256Mismatch => (
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
            Fault::ChunkSignature => (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method.",
            ),
            Fault::ChunkSize => {
                ("InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes")
            }
            Fault::Trailers => (
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform to our published \
                 schema.",
            ),
        };
        let status = match self {
            Fault::ChunkSignature | Fault::ChunkSize => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        ErrorPage::new(status, code, message)
    }
}
