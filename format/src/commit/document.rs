//! Documents: small things that have a name in a scope, such as users, policies and keys.
//!
//! The store knows no scope and no document's content: it keeps them all, those of later builds too.

use super::durable::Durable;
use super::extension::{no_extensions, write_extensions};
use super::put::{PUT_VERSION, read_name};
use crate::error::DecodeError;
use crate::ids::Sequence;
use crate::wire::{Reader, Wire, Writer, public_codec, within};

/// Longest scope, in bytes.
pub const MAX_SCOPE_LEN: usize = 64;
/// Longest name of a document, in bytes.
pub const MAX_DOCUMENT_NAME_LEN: usize = 1024;
/// Most bytes of a document.
pub const MAX_DOCUMENT_LEN: usize = 1 << 20;

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPut {
    /// What kind of document it is.
    pub scope: String,
    pub name: String,
    /// Each put of a name has a sequence of its own.
    pub document: Sequence,
    pub modified_ms: u64,
    pub bytes: Vec<u8>,
}

/// Names one put of a document: a name may be put again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentId {
    pub scope: String,
    pub name: String,
    pub document: Sequence,
}

impl Durable for DocumentPut {
    type Id = DocumentId;

    fn id(&self) -> DocumentId {
        DocumentId { scope: self.scope.clone(), name: self.name.clone(), document: self.document }
    }

    fn sequence(id: &DocumentId) -> u64 {
        id.document.0
    }
}

impl Wire for DocumentId {
    const NAME: &'static str = "document id";

    fn write(&self, out: &mut Writer<'_>) {
        out.string(&self.scope);
        out.string(&self.name);
        self.document.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(DocumentId {
            scope: read_name(input, "scope", MAX_SCOPE_LEN)?,
            name: read_name(input, "document name", MAX_DOCUMENT_NAME_LEN)?,
            document: Sequence::read(input)?,
        })
    }
}

impl Wire for DocumentPut {
    const NAME: &'static str = "document";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(PUT_VERSION);
        self.id().write(out);
        out.u64(self.modified_ms);
        out.len_u32(self.bytes.len());
        out.bytes(&self.bytes);
        write_extensions(out, &[]);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, PUT_VERSION)?;
        let DocumentId { scope, name, document } = DocumentId::read(input)?;
        let modified_ms = input.u64(Self::NAME)?;
        let len = within("document bytes", input.u32(Self::NAME)?.into(), MAX_DOCUMENT_LEN as u64)?;
        let bytes = input.take("document bytes", len)?.to_vec();
        no_extensions(input)?;
        Ok(DocumentPut { scope, name, document, modified_ms, bytes })
    }
}

public_codec!(DocumentPut);
