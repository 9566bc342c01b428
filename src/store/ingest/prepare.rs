//! From cut windows to content: hash, deduplicate, choose references, encode.
//!
//! Invariants: a hash is pinned before it is looked up, and the pin lives until the commit is applied; so are the
//! references that an encoded window uses, also those of a window that another upload encoded and may never commit. All
//! of this runs on the encode pool and waits for nothing. What is linked to or encoded against was verified lately; a
//! window whose record is damaged is written anew and takes its place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use deltastore_format::{Codec, Entry, EntryKind, Hash, PlacedKind, Position, WindowHead, record};

use super::ObjectSketches;
use super::references::ReferenceSource;
use crate::delta::{CutWindow, Effort};
use crate::index::BlobRow;
use crate::store::Store;
use crate::store::blob::{AppendedBlob, Blob, Space};
use crate::store::bugs::Bug;
use crate::store::error::StoreError;
use crate::store::pins::Pin;
use crate::store::pool::Worker;

/// How windows are to be encoded.
#[derive(Clone, Copy)]
pub struct EncodeOptions<'a> {
    pub effort: Effort,
    /// Windows of the same object, which no index knows yet; none where there is only one.
    pub own: Option<&'a ObjectSketches>,
    /// For the optimizer: windows are optimized, and only optimized ones are their references.
    pub optimized: bool,
    /// For another form of a window that is optimized already.
    pub rebase: Option<&'a Rebase<'a>>,
}

/// What another form of an optimized window must not lead to.
pub struct Rebase<'a> {
    /// As deep as it is already, or windows that are encoded against it would be deeper than they say.
    pub max_depth: u8,
    /// Windows that it may not be encoded against, directly or not. It is encoded against one of them now, and so is
    /// what is encoded against it, directly or not: it never comes to be encoded against itself.
    pub barred: &'a BTreeMap<Hash, u64>,
}

impl EncodeOptions<'_> {
    pub(super) fn has_own(&self, hash: &Hash) -> bool {
        self.own.is_some_and(|own| own.has(hash))
    }

    pub(super) fn bars(&self, hash: &Hash) -> bool {
        self.rebase.is_some_and(|rebase| rebase.barred.contains_key(hash))
    }

    /// What the encoder may do.
    fn limits(&self) -> Effort {
        let max_depth = self.rebase.map_or(u8::MAX, |rebase| rebase.max_depth).min(self.effort.max_depth);
        Effort { max_depth, ..self.effort }
    }
}

/// A window on its way into content.
pub struct Prepared {
    pub entry: Entry,
    pub pins: Vec<Pin>,
    pub codec: Codec,
    pub state: State,
}

/// Whether the window's record exists.
pub enum State {
    /// In the index: linking it is all.
    Linked,
    /// In the log, by another upload that has not committed yet.
    Fresh(Arc<AppendedBlob>),
    /// In the log, appended by this upload.
    Appended(Arc<AppendedBlob>),
    /// To be appended.
    New(Box<Blob>),
}

impl Store {
    /// Prepares one window.
    ///
    /// # Errors
    /// When the index or a segment cannot be read; a damaged reference is left out, not an error.
    pub fn prepare(
        &self,
        worker: &mut Worker,
        space: Space,
        options: &EncodeOptions<'_>,
        cut: CutWindow,
    ) -> Result<Prepared, StoreError> {
        let hash = Hash(deltastore_sha256::digest(&cut.bytes));
        let entry = Entry { kind: EntryKind::Window, hash, skip: 0, len: cut.bytes.len() as u64 };
        let (pin, fresh) = self.pin(hash);
        let mut pins = if self.bugs().has(Bug::DeduplicateWithoutPin) { Vec::new() } else { vec![pin] };
        let known = self.index().blob(&hash)?;
        // Whether a form that is damaged is optimized.
        let mut damaged = None;
        if let Some(placing) = fresh
            && (placing.row.optimized || !options.optimized)
            && placing.takes_effect(known.as_ref())
            && let Some(references) = self.pin_known(&placing, options)?
        {
            if self.is_sound(&hash, &placing.row)? {
                pins.extend(references);
                return Ok(Prepared { entry, pins, codec: placing.row.codec, state: State::Fresh(placing) });
            }
            damaged = Some(placing.row.optimized);
        }
        if let Some(row) = known.filter(|row| row.optimized || !options.optimized) {
            if self.is_sound(&hash, &row)? {
                return Ok(Prepared { entry, pins, codec: row.codec, state: State::Linked });
            }
            damaged = Some(row.optimized);
        }
        let (blob, references) = match damaged {
            None => self.encode(worker, space, options, hash, cut),
            // Without references, it cannot come to be encoded against itself, and nothing that counts on its depth is
            // wrong.
            Some(optimized) => {
                let effort = Effort { deltas: false, ..options.effort };
                let healing = EncodeOptions { effort, optimized, own: None, rebase: None };
                let (blob, references) = self.encode(worker, space, &healing, hash, cut);
                (Blob { heals: true, ..blob }, references)
            }
        };
        pins.extend(references);
        Ok(Prepared { entry, pins, codec: blob.row.codec, state: State::New(Box::new(blob)) })
    }

    /// Whether a blob that a write is about to link to can be read.
    ///
    /// # Errors
    /// What reading gives, but for damage.
    pub(in crate::store) fn is_sound(&self, hash: &Hash, row: &BlobRow) -> Result<bool, StoreError> {
        Ok(self.bugs().has(Bug::LinkWithoutVerification) || self.blobs().is_sound(hash, row)?)
    }

    /// Pins for all that a window is encoded against, or nothing when one is not, or no more, in the index or of this
    /// object. The references of an optimized window must be optimized there: the optimizer that wrote it may never
    /// commit, and with it goes their optimized form. What the index has instead may be encoded against this very
    /// window.
    fn pin_known(&self, window: &AppendedBlob, options: &EncodeOptions<'_>) -> Result<Option<Vec<Pin>>, StoreError> {
        if self.bugs().has(Bug::FreshWithoutReferences) {
            return Ok(Some(Vec::new()));
        }
        let optimized = window.row.optimized && !self.bugs().has(Bug::FreshForgetsCold);
        let mut pins = Vec::with_capacity(window.links.len());
        for hash in &window.links {
            let (pin, _) = self.pin(*hash);
            let own = options.has_own(hash) && options.optimized == window.row.optimized;
            if !own && self.index().blob(hash)?.is_none_or(|row| optimized && !row.optimized) {
                return Ok(None);
            }
            pins.push(pin);
        }
        Ok(Some(pins))
    }

    /// The form that a window is to have, in no log yet, and what keeps its references there.
    pub(in crate::store) fn encode(
        &self,
        worker: &mut Worker,
        space: Space,
        options: &EncodeOptions<'_>,
        hash: Hash,
        cut: CutWindow,
    ) -> (Blob, Vec<Pin>) {
        let decoder = RefCell::new(&mut worker.decoder);
        let source = ReferenceSource {
            index: self.index(),
            blobs: self.blobs(),
            held: self.pins(),
            bugs: self.bugs(),
            space,
            options,
            decoder,
            pins: RefCell::default(),
        };
        let encoded = worker.encoder.encode(&cut.bytes, &cut.features, &source, &options.limits());
        let mut reference_pins = source.pins.into_inner();
        let pins = encoded.references.iter().filter_map(|hash| reference_pins.remove(hash)).collect();
        // A window that is as deep as allowed can be nobody's reference: it stays out of the sketches.
        let features = if encoded.depth < options.effort.max_depth { cut.features } else { Vec::new() };
        let head = WindowHead {
            hash,
            codec: encoded.codec,
            depth: encoded.depth,
            optimized: options.optimized,
            raw_len: u32::try_from(cut.bytes.len()).unwrap_or(u32::MAX),
            encoded_len: u32::try_from(encoded.bytes.len()).unwrap_or(u32::MAX),
            references: encoded.references.clone(),
            features: features.clone(),
        };
        let mut head_bytes = Vec::new();
        head.encode(&mut head_bytes);
        let payload = head_bytes.len() + encoded.bytes.len();
        let row = BlobRow {
            kind: PlacedKind::Window,
            position: Position::default(),
            record_len: record::record_len(u32::try_from(payload).unwrap_or(u32::MAX)),
            raw_len: head.raw_len,
            codec: head.codec,
            depth: head.depth,
            optimized: head.optimized,
            references: encoded.references.clone(),
        };
        let (body, links) = (encoded.bytes, encoded.references);
        (Blob { hash, row, head: head_bytes, body, links, features, space, heals: false }, pins)
    }
}
