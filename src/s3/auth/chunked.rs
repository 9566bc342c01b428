//! aws-chunked bodies: `SIZE[;chunk-signature=HEX]CRLF DATA CRLF` and so on, a chunk of size 0, trailers, CRLF.
//!
//! Data passes on as it comes: a chunk's signature is known before its data and compared after it, and whoever reads
//! the body stores nothing unless all of it was read without an error. So a chunk of any size takes no memory.
//!
//! What is not exactly such a body is refused: a missing last chunk or line end, bytes after it, another length than
//! `x-amz-decoded-content-length`, trailers that were not announced.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::payload::ChunkKey;

/// Longest line of framing.
const MAX_LINE: usize = 4096;
/// Most bytes of all trailers.
const MAX_TRAILERS: usize = 16 << 10;
/// Smallest signed chunk before the last one with data.
const MIN_SIGNED_CHUNK: u64 = 8 << 10;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("the aws-chunked body is not valid")]
    Malformed,
    #[error("the aws-chunked body has another length than x-amz-decoded-content-length")]
    Length,
    #[error("a chunk's signature does not match")]
    Signature,
    #[error("a signed chunk before the last is too small")]
    TooSmall,
    #[error("the trailers are not those that x-amz-trailer announces")]
    Trailers,
}

/// The trailers of a body, once it was read.
#[derive(Clone, Default)]
pub struct Trailers(Arc<OnceLock<HeaderMap>>);

impl Trailers {
    pub fn take(&self) -> Option<HeaderMap> {
        self.0.get().cloned()
    }
}

enum State {
    /// In the line before a chunk.
    Size,
    /// In a chunk; this many bytes are left.
    Data(u64),
    /// In the line end after a chunk.
    DataEnd,
    /// In the lines after the last chunk.
    Trailer,
    Done,
}

/// Decodes one body.
pub struct ChunkDecoder {
    state: State,
    line: Vec<u8>,
    /// Decoded bytes that are yet to come.
    left: u64,
    key: Option<ChunkKey>,
    signature: String,
    sha256: Sha256,
    /// Size of the chunk before, if there was one.
    before: Option<u64>,
    announced: Vec<String>,
    received: HeaderMap,
    /// The trailers as they are signed.
    canonical: Vec<u8>,
    trailers: Trailers,
}

impl ChunkDecoder {
    pub fn new(decoded_length: u64, key: Option<ChunkKey>, announced: Vec<String>, trailers: Trailers) -> Self {
        ChunkDecoder {
            state: State::Size,
            line: Vec::new(),
            left: decoded_length,
            key,
            signature: String::new(),
            sha256: Sha256::new(),
            before: None,
            announced,
            received: HeaderMap::new(),
            canonical: Vec::new(),
            trailers,
        }
    }

    /// Takes from `input` up to and with the next data; `None` once it is used up.
    ///
    /// # Errors
    /// A body that is refused.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkError> {
        while !input.is_empty() {
            match self.state {
                State::Data(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    let data = input.split_to(length);
                    let left = left - length as u64;
                    if self.key.is_some() {
                        self.sha256.update(&data);
                    }
                    self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                    return Ok(Some(data));
                }
                State::Done => return Err(ChunkError::Malformed),
                State::Size | State::DataEnd | State::Trailer => {
                    if let Some(line) = self.take_line(input)? {
                        self.line(&line)?;
                    }
                }
            }
        }
        Ok(None)
    }

    /// # Errors
    /// The body ended before its end.
    pub fn finish(&self) -> Result<(), ChunkError> {
        if matches!(self.state, State::Done) { Ok(()) } else { Err(ChunkError::Malformed) }
    }

    /// Decoded bytes that are yet to come.
    pub fn left(&self) -> u64 {
        match self.state {
            State::Data(left) => self.left + left,
            _ => self.left,
        }
    }

    /// A whole line without its end.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, ChunkError> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let part = input.split_to(end.map_or(input.len(), |at| at + 1));
        self.line.extend_from_slice(&part);
        if self.line.len() > MAX_LINE {
            return Err(ChunkError::Malformed);
        }
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.line);
        line.pop();
        match line.pop_if(|last| *last == b'\r') {
            Some(_) => Ok(Some(line)),
            // The S3 API reference ends the line of a trailer so.
            None if matches!(self.state, State::Trailer) => Ok(Some(line)),
            None => Err(ChunkError::Malformed),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        match self.state {
            State::Size => self.start_chunk(line),
            State::DataEnd if line.is_empty() => {
                self.end_chunk()?;
                self.state = State::Size;
                Ok(())
            }
            State::Trailer if line.is_empty() => self.end(),
            State::Trailer => self.trailer(line),
            _ => Err(ChunkError::Malformed),
        }
    }

    fn start_chunk(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let line = std::str::from_utf8(line).map_err(|_| ChunkError::Malformed)?;
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ChunkError::Malformed);
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| ChunkError::Malformed)?;
        if self.key.is_some() {
            let signature = extension.trim().strip_prefix("chunk-signature=").ok_or(ChunkError::Malformed)?;
            signature.clone_into(&mut self.signature);
            if size > 0 && self.before.is_some_and(|before| before < MIN_SIGNED_CHUNK) {
                return Err(ChunkError::TooSmall);
            }
        }
        self.left = self.left.checked_sub(size).ok_or(ChunkError::Length)?;
        self.before = Some(size);
        if size > 0 {
            self.state = State::Data(size);
            return Ok(());
        }
        if self.left > 0 {
            return Err(ChunkError::Length);
        }
        self.end_chunk()?;
        self.state = State::Trailer;
        Ok(())
    }

    /// Compares the signature of the chunk that has just passed.
    fn end_chunk(&mut self) -> Result<(), ChunkError> {
        let Some(key) = &mut self.key else { return Ok(()) };
        let digest = hex::encode(self.sha256.finalize_reset());
        if key.verifies_chunk(&digest, &self.signature) { Ok(()) } else { Err(ChunkError::Signature) }
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let at = line.iter().position(|byte| *byte == b':').ok_or(ChunkError::Malformed)?;
        let name = HeaderName::from_bytes(line[..at].trim_ascii()).map_err(|_| ChunkError::Malformed)?;
        let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii()).map_err(|_| ChunkError::Malformed)?;
        if self.canonical.len() + line.len() > MAX_TRAILERS {
            return Err(ChunkError::Malformed);
        }
        if name.as_str() != TRAILER_SIGNATURE {
            for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\n"] {
                self.canonical.extend_from_slice(part);
            }
        }
        self.received.append(name, value);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ChunkError> {
        let signature = self.received.remove(TRAILER_SIGNATURE);
        if let Some(key) = self.key.as_mut().filter(|_| !self.announced.is_empty()) {
            let digest = hex::encode(Sha256::digest(&self.canonical));
            let signature = signature.as_ref().and_then(|value| value.to_str().ok()).ok_or(ChunkError::Trailers)?;
            if !key.verifies_trailers(&digest, signature) {
                return Err(ChunkError::Signature);
            }
        }
        let mut received: Vec<&str> = self.received.keys().map(HeaderName::as_str).collect();
        received.sort_unstable();
        self.announced.sort_unstable();
        if received != self.announced || self.received.len() != received.len() {
            return Err(ChunkError::Trailers);
        }
        // Nobody has set them before.
        let _ = self.trailers.0.set(std::mem::take(&mut self.received));
        self.state = State::Done;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `body` in pieces of every length.
    fn decoded(body: &str, length: u64, announced: &[&str]) -> Result<(String, Option<HeaderMap>), ChunkError> {
        let mut results = Vec::new();
        for piece in [1, 2, 3, 7, body.len().max(1)] {
            let trailers = Trailers::default();
            let announced = announced.iter().map(|&name| name.to_owned()).collect();
            let mut decoder = ChunkDecoder::new(length, None, announced, trailers.clone());
            let mut out = Vec::new();
            let result = body.as_bytes().chunks(piece).try_for_each(|piece| {
                let mut input = Bytes::copy_from_slice(piece);
                while let Some(data) = decoder.decode(&mut input)? {
                    out.extend_from_slice(&data);
                }
                Ok(())
            });
            let result = result.and_then(|()| decoder.finish());
            results.push(result.map(|()| (String::from_utf8(out).unwrap(), trailers.take())));
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results.remove(0)
    }

    #[test]
    fn chunks_are_joined_and_trailers_kept() {
        assert_eq!(decoded("0\r\n\r\n", 0, &[]).unwrap().0, "");
        assert_eq!(decoded("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 6, &[]).unwrap().0, "hello!");
        let (text, trailers) = decoded("1\r\nx\r\n0\r\nx-amz-a: 1\r\nx-b:2\n\r\n", 1, &["x-b", "x-amz-a"]).unwrap();
        let trailers = trailers.unwrap();
        assert_eq!(
            (text.as_str(), &trailers["x-amz-a"], &trailers["x-b"]),
            ("x", &"1".parse().unwrap(), &"2".parse().unwrap())
        );
    }

    #[test]
    fn what_is_no_such_body_is_refused() {
        for (body, length, error) in [
            ("", 0, ChunkError::Malformed),
            ("5\r\nhello\r\n", 5, ChunkError::Malformed),
            ("5\r\nhello\r\n0\r\n", 5, ChunkError::Malformed),
            ("5\r\nhello\r\n0\r\n\r\nx", 5, ChunkError::Malformed),
            ("5\r\nhello\r\n0\r\n\r\n\r\n", 5, ChunkError::Malformed),
            ("5\r\nhello0\r\n\r\n", 5, ChunkError::Malformed),
            ("5\nhello\r\n0\r\n\r\n", 5, ChunkError::Malformed),
            ("+5\r\nhello\r\n0\r\n\r\n", 5, ChunkError::Malformed),
            ("\r\n0\r\n\r\n", 0, ChunkError::Malformed),
            ("0\r\nno colon\r\n\r\n", 0, ChunkError::Malformed),
            ("fffffffffffffffff\r\n", 5, ChunkError::Malformed),
            ("ffffffffffffffff\r\n", 5, ChunkError::Length),
            ("5\r\nhello\r\n0\r\n\r\n", 6, ChunkError::Length),
            ("5\r\nhello\r\n0\r\n\r\n", 4, ChunkError::Length),
            ("0\r\nx-a:1\r\n\r\n", 0, ChunkError::Trailers),
        ] {
            assert_eq!(decoded(body, length, &[]).unwrap_err(), error, "{body:?}");
        }
        assert_eq!(decoded("0\r\n\r\n", 0, &["x-a"]).unwrap_err(), ChunkError::Trailers);
        assert_eq!(decoded("0\r\nx-b:1\r\n\r\n", 0, &["x-a"]).unwrap_err(), ChunkError::Trailers);
        assert_eq!(decoded("0\r\nx-a:1\r\nx-a:2\r\n\r\n", 0, &["x-a"]).unwrap_err(), ChunkError::Trailers);
        let long = format!("0\r\nx-a:{}\r\n\r\n", "x".repeat(MAX_LINE));
        assert_eq!(decoded(&long, 0, &["x-a"]).unwrap_err(), ChunkError::Malformed);
    }
}
