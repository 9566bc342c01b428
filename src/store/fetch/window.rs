//! Windows: read, decoded with what they are encoded against, verified.

use bytes::Bytes;
use deltastore_format::{Hash, PlacedKind, Position, WindowHead};
use sha2::{Digest, Sha256};

use super::{Blobs, Keep, MAX_DEPTH, TRIES};
use crate::delta::Decoder;
use crate::segment::Record;
use crate::store::bugs::Bug;
use crate::store::error::StoreError;

impl Blobs {
    /// A window's plain bytes, verified; if it is dear to decode, `keep` says whether it is kept on disk.
    pub fn window(&self, hash: &Hash, decoder: &mut Decoder, keep: Keep) -> Result<Bytes, StoreError> {
        self.window_at(hash, decoder, MAX_DEPTH, keep).inspect_err(|error| self.count(error))
    }

    pub(super) fn window_at(
        &self,
        hash: &Hash,
        decoder: &mut Decoder,
        depth: u8,
        keep: Keep,
    ) -> Result<Bytes, StoreError> {
        if let Some(bytes) = self.cache.get(hash) {
            if keep == Keep::Yes && self.disk.is_some() && !self.row(hash)?.references.is_empty() {
                self.keep_on_disk(*hash, &bytes, keep);
            }
            return Ok(bytes);
        }
        if let Some(bytes) = self.kept_on_disk(hash) {
            self.cache.insert(*hash, bytes.clone());
            return Ok(bytes);
        }
        let mut tries = TRIES;
        loop {
            let (row, record) = self.record(hash, PlacedKind::Window)?;
            let error = match self.decode(hash, row.position, &record, decoder, depth) {
                Ok(bytes) => {
                    self.cache.insert(*hash, bytes.clone());
                    if !row.references.is_empty() {
                        self.keep_on_disk(*hash, &bytes, keep);
                    }
                    return Ok(bytes);
                }
                Err(error) => error,
            };
            tries -= 1;
            // The optimizer may have put another record in this one's place, whose references were collected then.
            if tries > 0 && error.is_damage() && self.row(hash)?.position != row.position {
                continue;
            }
            // A damaged head may blame what it seems to refer to: the record's own checksum goes first.
            return Err(match record.header.check_payload(&record.payload) {
                Err(damage) if error.is_damage() => StoreError::undecodable(row.position, "window record", &damage),
                _ => error,
            });
        }
    }

    fn decode(
        &self,
        hash: &Hash,
        position: Position,
        record: &Record,
        decoder: &mut Decoder,
        depth: u8,
    ) -> Result<Bytes, StoreError> {
        let (head, head_len) = WindowHead::decode(&record.payload)
            .map_err(|error| StoreError::undecodable(position, "window head", &error))?;
        if depth == 0 {
            return Err(StoreError::damaged(position, "references of bounded depth", "a deeper chain"));
        }
        let references = head
            .references
            .iter()
            .map(|reference| self.window_at(reference, decoder, depth - 1, Keep::No))
            .collect::<Result<Vec<_>, _>>()?;
        let encoded = record.payload.slice(head_len..);
        let bytes =
            decoder.decode(&head, &encoded, &references).map_err(|error| StoreError::delta(position, &error))?;
        if !self.bugs.has(Bug::SkipVerification) {
            let found = Hash(Sha256::digest(&bytes).into());
            if found != *hash {
                return Err(StoreError::damaged(position, format!("SHA-256 {hash}"), found));
            }
        }
        Ok(bytes)
    }
}
