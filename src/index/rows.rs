//! Iterating the rows of a table.

use super::Index;
use super::engine::Scan;
use super::error::IndexError;
use super::family::Family;
use deltastore_format::DecodeError;

/// Rows in key order, as they were when it was made. It holds on to that state: do not keep it for long.
pub struct Rows<'a, R> {
    family: Family,
    scan: Box<dyn Scan + 'a>,
    decode: fn(&[u8], &[u8]) -> Result<R, DecodeError>,
}

impl<R> Iterator for Rows<'_, R> {
    type Item = Result<R, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        let pair = self.scan.next()?;
        Some(pair.and_then(|(key, value)| {
            (self.decode)(&key, &value).map_err(|source| IndexError::corrupt(self.family, &key, source))
        }))
    }
}

impl<'a, R> Rows<'a, R> {
    /// `decode` is given key and value.
    pub(super) fn new(
        family: Family,
        scan: Box<dyn Scan + 'a>,
        decode: fn(&[u8], &[u8]) -> Result<R, DecodeError>,
    ) -> Self {
        Self { family, scan, decode }
    }
}

impl Index {
    /// `decode` is given key and value.
    pub(super) fn rows<'a, R>(
        &'a self,
        family: Family,
        from: &[u8],
        to: Option<&[u8]>,
        decode: fn(&[u8], &[u8]) -> Result<R, DecodeError>,
    ) -> Rows<'a, R> {
        Rows::new(family, self.engine.scan(family, from, to), decode)
    }
}
