//! What every kind of durable thing has.

use std::fmt::Debug;

use crate::error::DecodeError;
use crate::recipe::Recipe;
use crate::wire::{Reader, Wire, Writer};

/// A kind of durable thing: what a put of it holds.
pub trait Durable: Wire + Clone + Eq + Debug {
    /// Names one of the kind; what a removal holds. Nothing else ever has the same.
    type Id: Wire + Clone + Eq + Debug;

    fn id(&self) -> Self::Id;

    /// The sequence within an id.
    fn sequence(id: &Self::Id) -> u64;

    /// What it is made of, where it is made of windows: each entry of it is a link.
    fn recipe(&self) -> Option<&Recipe> {
        None
    }

    /// Appends its encoding.
    fn encode_put(&self, out: &mut Vec<u8>) {
        self.write(&mut Writer::new(out));
    }

    /// Decodes exactly `bytes`.
    ///
    /// # Errors
    /// What the format does not allow.
    fn decode_put(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let put = Self::read(&mut input)?;
        input.finish(Self::NAME)?;
        Ok(put)
    }
}
