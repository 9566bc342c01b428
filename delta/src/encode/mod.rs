//! Encoding windows: the smallest form that is proven to decode.

mod forms;
mod proof;
#[cfg(test)]
mod tests;

use std::cell::LazyCell;

use bytes::Bytes;
use deltastore_format::{Codec, Hash};
use zstd::zstd_safe::{CCtx, DCtx};

use crate::codecs::approximate::Approximator;
use crate::codecs::columns::Columnist;
use crate::codecs::joined;
use crate::effort::Effort;
use crate::reference::{Chosen, References, load};

/// Bytes a reference costs in the window head.
const REFERENCE_COST: usize = 32;
/// Without references a window is not even tried if they make it at most this many quarters of the estimate for that.
/// The estimate is exact for native code and far too long for what repeats within the window.
const SURE: usize = 3;
/// The same where the references are of the same object: a window without references can serve all later ones of it.
const SURE_OWN: usize = 2;

/// A window that is as deep as allowed serves no later one: what is new in it would be stored again with each version.
/// So none that is long ([`Effort::long_form`]) is left that deep, if that costs at most one part in this many more.
/// Eight versions of a wheel of native libraries, optimized: 0.145 instead of 0.161 of their size.
const WORTH_DEPTH: usize = 4;
/// Tokens of which more than one part in this many is new have little to lose by depth. With no shallower forms at all,
/// seven versions of a wheel of native code are uploaded in a sixth less time and take 0.788 instead of 0.793 of their
/// size; archives with more in common need them.
const NEW_TOKENS: usize = 2;

/// A window as it is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    pub codec: Codec,
    /// 0 without references, else 1 + the deepest of them.
    pub depth: u8,
    /// In the order the codec sees them.
    pub references: Vec<Hash>,
    pub bytes: Bytes,
}

/// Encodes windows one after another; one per thread.
pub struct Encoder {
    // Made when first used: many threads never encode.
    plain: LazyCell<CCtx<'static>>,
    plain_check: LazyCell<DCtx<'static>>,
    approximator: Approximator,
    columnist: Columnist,
    output: Vec<u8>,
    /// References and window, one after another.
    joined: Vec<u8>,
    sample: Vec<u8>,
}

/// Bytes that may become the window's form, shortest first in the end.
struct Form {
    codec: Codec,
    bytes: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder whose buffers and contexts grow with the windows it meets, to a few times the largest.
    pub fn new() -> Self {
        Self {
            plain: LazyCell::new(CCtx::create),
            plain_check: LazyCell::new(DCtx::create),
            approximator: Approximator::default(),
            columnist: Columnist::default(),
            output: Vec::new(),
            joined: Vec::new(),
            sample: Vec::new(),
        }
    }

    /// The smallest form of `window` that decodes to it, raw if nothing else gains; one that is little larger where
    /// that leaves depth for later windows ([`Effort::spare_depth`]). `features` are its sketch. Raw shares the
    /// window's memory. Never fails: a library's error only means that its form is not used.
    pub fn encode(
        &mut self,
        window: &Bytes,
        features: &[u64],
        references: &dyn References,
        effort: &Effort,
    ) -> Encoded {
        let smallest = self.smallest(window, features, references, effort);
        let short = smallest.bytes.len() <= window.len() / effort.long_form;
        let new = effort.tokens && smallest.bytes.len() > window.len() / NEW_TOKENS;
        if effort.spare_depth == 0 || smallest.depth < effort.max_depth || short || new {
            return smallest;
        }
        let effort = Effort { max_depth: effort.max_depth.saturating_sub(effort.spare_depth), ..*effort };
        let shallower = self.smallest(window, features, references, &effort);
        let most = smallest.bytes.len() + smallest.bytes.len() / WORTH_DEPTH;
        if shallower.bytes.len() <= most { shallower } else { smallest }
    }

    fn smallest(&mut self, window: &Bytes, features: &[u64], references: &dyn References, effort: &Effort) -> Encoded {
        let Chosen { references: chosen, own } =
            if effort.deltas { load(window.len(), features, references, effort) } else { Chosen::default() };
        let plain = chosen.iter().map(|reference| &reference.bytes);
        let both: Vec<Bytes> = plain.chain([window]).cloned().collect();
        let mut buffer = std::mem::take(&mut self.joined);
        let all = joined(&mut buffer, &both);
        let (prefix, after) = all.split_at(all.len() - window.len());
        let sure = if own { SURE_OWN } else { SURE };
        let forms = self.forms(after, prefix, &both[..chosen.len()], sure, effort);
        let encoded = self.proven(window, forms, &chosen, prefix);
        self.joined = buffer;
        encoded
    }
}
