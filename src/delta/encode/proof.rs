//! Which form is kept: the shortest that decodes.

use bytes::Bytes;
use deltastore_format::Codec;

use super::{Encoded, Encoder, Form, REFERENCE_COST};
use crate::delta::decode::{inflate, inflate_with};
use crate::delta::reference::Reference;
use crate::delta::{approximate, columns, tokens};

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
            let back = match codec {
                Codec::Raw => continue,
                Codec::Zstd => inflate(&mut self.plain_check, &bytes, window.len()),
                Codec::ZstdReferences => inflate_with(prefix, &bytes, window.len()),
                Codec::Approximate => approximate::decode(&mut self.plain_check, &bytes, prefix, window.len()),
                Codec::Tokens => tokens::decode(&mut self.plain_check, &bytes, window.len()),
                Codec::Columns => columns::decode(&mut self.plain_check, &bytes, &[], window.len()),
                Codec::ColumnsReferences => columns::decode(&mut self.plain_check, &bytes, prefix, window.len()),
                Codec::Vcdiff => {
                    deltastore_vcdiff::decode(&bytes, prefix, window.len()).map_err(|error| error.to_string())
                }
            };
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
