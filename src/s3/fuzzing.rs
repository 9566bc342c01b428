//! What fuzz targets ask of the parsers of requests; compiled for them alone.

use bytes::Bytes;

use super::auth::chunked::{ChunkDecoder, ChunkError, Trailers};
use super::auth::query::Query;
use super::quirks::documents;
use crate::remote::{Page, percent};

/// A body of chunks gives the same data, or is refused, however it arrives; never more data than bytes.
pub fn chunked_body(bytes: &[u8]) {
    let Some((&piece, body)) = bytes.split_first() else { return };
    let whole = decoded(body, body.len().max(1));
    assert_eq!(whole, decoded(body, usize::from(piece).max(1)));
    if let Ok(data) = whole {
        assert!(data.len() < body.len());
    }
}

fn decoded(body: &[u8], piece: usize) -> Result<Vec<u8>, ChunkError> {
    let announced = vec!["x-amz-checksum-crc32".to_owned()];
    let mut decoder = ChunkDecoder::new(1000, None, announced, Trailers::default());
    let mut out = Vec::new();
    for piece in body.chunks(piece) {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(data) = decoder.decode(&mut input)? {
            out.extend_from_slice(&data);
        }
    }
    decoder.finish().map(|()| out)
}

/// A query is taken apart into as many pairs as it has; what is percent-encoded decodes to what it was.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let query = Query::parse(text);
    assert_eq!(query.pairs().len(), query.raw().count());
    let encoded = percent::encode(text);
    assert_eq!(percent::decode(&encoded).as_deref(), Some(text));
    assert!(percent::decode(text).is_none_or(|decoded| decoded.len() <= text.len()));
}

/// A document of S3 is refused, or is put into a plain form, which is its own plain form. Listings of other servers are
/// read or refused.
pub fn xml_documents(bytes: &[u8]) {
    if let Ok(plain) = documents::plain(bytes) {
        assert_eq!(documents::plain(plain.as_bytes()).as_ref(), Ok(&plain));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Page::parse(text);
    }
}
