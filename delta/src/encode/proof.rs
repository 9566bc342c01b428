//! Which form is kept: the shortest that decodes.

use bytes::Bytes;
use deltastore_format::Codec;

use super::{Encoded, Encoder, Form, REFERENCE_COST};
use crate::codecs;
use crate::reference::Reference;

/// A form must be smaller than the raw bytes by one part in this many.
const WORTH_ENCODING: usize = 64;

impl Encoder {
    /// The shortest form that decodes to the window.
    pub(super) fn proven(
        &mut self,
        window: &Bytes,
        mut forms: Vec<Form>,
        references: &[Reference],
        prefix: &[u8],
    ) -> Encoded {
        forms.sort_by_key(|form| form.bytes.len());
        let enough = window.len() - window.len() / WORTH_ENCODING;
        for Form { codec, bytes } in forms {
            let uses = if codec.has_references() { references } else { &[] };
            if bytes.len() + REFERENCE_COST * uses.len() >= enough {
                continue;
            }
            let source = if codec.has_references() { prefix } else { &[] };
            let back = codecs::decode(&mut self.plain_check, codec, &bytes, source, window.len());
            if back.is_ok_and(|back| back == window[..]) {
                return Encoded {
                    codec,
                    depth: uses.iter().map(|reference| reference.depth.saturating_add(1)).max().unwrap_or(0),
                    references: uses.iter().map(|reference| reference.hash).collect(),
                    bytes: Bytes::from(bytes),
                };
            }
        }
        Encoded { codec: Codec::Raw, depth: 0, references: Vec::new(), bytes: window.clone() }
    }
}
