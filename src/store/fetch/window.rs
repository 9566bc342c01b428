//! Windows: read, decoded with what they are encoded against, verified.

use bytes::Bytes;
use deltastore_delta::Decoder;
use deltastore_format::{Hash, PlacedKind, Position, WindowHead};
use deltastore_segment::Record;

use super::{Blobs, CachePolicy, MAX_DEPTH, TRIES};
use crate::store::bugs::Bug;
use crate::store::error::StoreError;

impl Blobs {
    /// A window's plain bytes, verified; if it is dear to decode, `keep` says whether it is kept on disk.
    pub fn window(&self, hash: &Hash, decoder: &mut Decoder, cache: CachePolicy) -> Result<Bytes, StoreError> {
        self.window_at(hash, decoder, &[], cache).inspect_err(|error| self.count(error))
    }

    /// `above`: the windows that it is decoded for, the nearest last.
    pub(super) fn window_at(
        &self,
        hash: &Hash,
        decoder: &mut Decoder,
        above: &[Hash],
        cache: CachePolicy,
    ) -> Result<Bytes, StoreError> {
        if cache == CachePolicy::Yes
            && let Some(bytes) = self.cache.get(hash)
        {
            if self.disk.is_some() && !self.row(hash)?.references.is_empty() {
                self.keep_on_disk(*hash, &bytes, cache);
            }
            return Ok(bytes);
        }
        self.once(hash, || match self.kept_on_disk(hash) {
            Some(bytes) => Ok(bytes),
            None => self.read_window(hash, decoder, above, cache),
        })
    }

    pub(in crate::store) fn read_window(
        &self,
        hash: &Hash,
        decoder: &mut Decoder,
        above: &[Hash],
        cache: CachePolicy,
    ) -> Result<Bytes, StoreError> {
        let error = match self.read_whole_window(hash, decoder, above, cache) {
            Ok(bytes) => return Ok(bytes),
            Err(error) => error,
        };
        let row = self.row(hash)?;
        match self.mended_record(hash, &row) {
            Some(record) => self.decode(hash, row.position, &record, decoder, above).map_err(|failed| failed.error),
            None => Err(error),
        }
    }

    fn read_whole_window(
        &self,
        hash: &Hash,
        decoder: &mut Decoder,
        above: &[Hash],
        cache: CachePolicy,
    ) -> Result<Bytes, StoreError> {
        let mut tries = TRIES;
        loop {
            let (row, record) = self.record(hash, PlacedKind::Window)?;
            let Failed { error, own } = match self.decode(hash, row.position, &record, decoder, above) {
                Ok(bytes) => {
                    self.soundness.verified(hash, row.position);
                    if !row.references.is_empty() {
                        self.keep_on_disk(*hash, &bytes, cache);
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
            let (error, own) = match record.header.check_payload(&record.payload) {
                Err(damage) if error.is_damage() => {
                    (StoreError::undecodable(row.position, "window record", &damage), true)
                }
                _ => (error, own),
            };
            if own {
                self.note_damage(hash, row.position, &error);
            }
            return Err(error);
        }
    }

    fn decode(
        &self,
        hash: &Hash,
        position: Position,
        record: &Record,
        decoder: &mut Decoder,
        above: &[Hash],
    ) -> Result<Bytes, Failed> {
        let own = |error| Failed { error, own: true };
        let (head, head_len) = WindowHead::decode(&record.payload)
            .map_err(|error| own(StoreError::undecodable(position, "window head", &error)))?;
        let path = [above, &[*hash]].concat();
        // Nobody waits for itself, whatever damage says.
        if path.len() > usize::from(MAX_DEPTH) || head.references.iter().any(|reference| path.contains(reference)) {
            let error = StoreError::damaged(position, "references of bounded depth", "a deeper chain or a circle");
            return Err(own(error));
        }
        let references = head
            .references
            .iter()
            .map(|reference| self.window_at(reference, decoder, &path, CachePolicy::No))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Failed { error, own: false })?;
        let encoded = record.payload.slice(head_len..);
        let bytes =
            decoder.decode(&head, &encoded, &references).map_err(|error| own(StoreError::delta(position, &error)))?;
        if !self.bugs.has(Bug::SkipVerification) {
            let found = Hash(deltastore_sha256::digest(&bytes));
            if found != *hash {
                return Err(own(StoreError::damaged(position, format!("SHA-256 {hash}"), found)));
            }
        }
        Ok(bytes)
    }
}

/// Why a window could not be decoded.
struct Failed {
    error: StoreError,
    /// By its own record, not by what it is encoded against.
    own: bool,
}
