//! Members: re-created from slices of windows, verified.

use bytes::Bytes;
use deltastore_delta::Decoder;
use deltastore_format::{Entry, EntryKind, Hash, NodePayload};

use super::{Blobs, CachePolicy, slice_of};
use crate::store::bugs::Bug;
use crate::store::error::StoreError;

impl Blobs {
    /// The bytes that a member re-creates, verified.
    pub fn member(&self, hash: &Hash, decoder: &mut Decoder, cache: CachePolicy) -> Result<Bytes, StoreError> {
        let mut make = || self.recreate(hash, decoder, cache, true).inspect_err(|error| self.count(error));
        if cache != CachePolicy::Yes {
            return self.once(hash, make);
        }
        let bytes = make()?;
        self.cache.insert(*hash, bytes.clone());
        Ok(bytes)
    }

    /// `outer`: its view may have members in it.
    fn recreate(
        &self,
        hash: &Hash,
        decoder: &mut Decoder,
        cache: CachePolicy,
        outer: bool,
    ) -> Result<Bytes, StoreError> {
        let (position, payload) = self.read_payload(hash)?;
        let NodePayload::Member(member) = payload else { return Err(StoreError::BadNode { hash: *hash }) };
        if member.is_nested() && !outer {
            return Err(StoreError::damaged(position, "a member without members", "one that has some"));
        }
        if let Some(bytes) = self.kept_on_disk(&member.digest) {
            return Ok(bytes);
        }
        let program = self.slices(&member.program, decoder)?;
        let view = self.slices(&member.view, decoder)?;
        let bytes = deltastore_members::recreate(&program, &view, member.len as usize)
            .map_err(|error| StoreError::damaged(position, "a member that can be re-created", error))?;
        let bytes = Bytes::from(bytes);
        let found = Hash(deltastore_sha256::digest(&bytes));
        if found != member.digest && !self.bugs.has(Bug::SkipVerification) && !self.bugs.has(Bug::SkipMemberDigest) {
            return Err(StoreError::damaged(position, format!("member with SHA-256 {}", member.digest), found));
        }
        self.keep_on_disk(member.digest, &bytes, cache);
        Ok(bytes)
    }

    /// A member that is part of another's view. It stays in memory for the next one, whose view often has the rest of
    /// it.
    fn inner_member(&self, hash: &Hash, decoder: &mut Decoder) -> Result<Bytes, StoreError> {
        self.once(hash, || self.recreate(hash, decoder, CachePolicy::No, false))
    }

    fn slices(&self, entries: &[Entry], decoder: &mut Decoder) -> Result<Bytes, StoreError> {
        let mut all = Vec::new();
        for entry in entries {
            let whole = match entry.kind {
                EntryKind::Member => self.inner_member(&entry.hash, decoder)?,
                EntryKind::Window | EntryKind::Node => self.window_at(&entry.hash, decoder, &[], CachePolicy::No)?,
            };
            let slice = slice_of(&whole, entry)?;
            if entries.len() == 1 {
                return Ok(slice);
            }
            all.extend_from_slice(&slice);
        }
        Ok(all.into())
    }
}
