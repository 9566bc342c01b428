//! Documents: small things by scope and name, such as users, policies and keys.
//!
//! Each put gives the name a new sequence, by which a later change tells whether it saw the present state. A change is
//! durable when it is answered, as every commit is.

use deltastore_format::commit::{MAX_DOCUMENT_LEN, MAX_DOCUMENT_NAME_LEN, MAX_SCOPE_LEN};
use deltastore_format::{DocumentPut, Op, Sequence};

use super::transaction::{CommitError, Touch, Transaction};
use super::{Store, StoreError};
use crate::index::{DocumentRow, IndexError};

/// What must be there for a change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Anything,
    Nothing,
    /// The put with this sequence.
    Put(Sequence),
}

/// Why a document was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not what was expected; the sequence of what is there.
    #[error("the document has changed")]
    Changed { found: Option<Sequence> },
    #[error("{what}: {len} bytes, allowed are {min} to {max}")]
    Length { what: &'static str, len: usize, min: usize, max: usize },
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl Touch {
    /// A document.
    pub fn document(scope: &str, name: &str) -> Self {
        Touch::Document(scope.to_owned(), name.to_owned())
    }
}

impl Transaction<'_> {
    /// Puts a document in the place of what is there under its name; its sequence. The transaction touches it.
    ///
    /// # Errors
    /// [`DocumentError`]; nothing is put then.
    pub fn put_document(
        &mut self,
        scope: &str,
        name: &str,
        bytes: Vec<u8>,
        expected: Expected,
    ) -> Result<Sequence, DocumentError> {
        check_len("scope", scope.len(), 1..=MAX_SCOPE_LEN)?;
        check_len("name", name.len(), 1..=MAX_DOCUMENT_NAME_LEN)?;
        check_len("document", bytes.len(), 0..=MAX_DOCUMENT_LEN)?;
        let replaced = self.expect_document(scope, name, expected)?;
        let document = self.next_sequence();
        // In this order: both concern the same name.
        if let Some(row) = replaced {
            self.push(row.removal());
        }
        let (scope, name, modified_ms) = (scope.to_owned(), name.to_owned(), self.now_ms());
        self.push(Op::put(DocumentPut { scope, name, document, modified_ms, bytes }, Vec::new()));
        Ok(document)
    }

    /// Removes a document; false when there is none. The transaction touches it.
    ///
    /// # Errors
    /// As [`Transaction::put_document`].
    pub fn remove_document(&mut self, scope: &str, name: &str, expected: Expected) -> Result<bool, DocumentError> {
        let removed = self.expect_document(scope, name, expected)?;
        removed.iter().for_each(|row| self.push(row.removal()));
        Ok(removed.is_some())
    }

    fn expect_document(
        &self,
        scope: &str,
        name: &str,
        expected: Expected,
    ) -> Result<Option<DocumentRow>, DocumentError> {
        let row = self.index().document(scope, name)?;
        let found = row.as_ref().map(|row| row.put.document);
        let holds = match expected {
            Expected::Anything => true,
            Expected::Nothing => found.is_none(),
            Expected::Put(sequence) => found == Some(sequence),
        };
        if holds { Ok(row) } else { Err(DocumentError::Changed { found }) }
    }
}

impl Store {
    /// The document of a name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn document(&self, scope: &str, name: &str) -> Result<Option<DocumentPut>, StoreError> {
        Ok(self.index().document(scope, name)?.map(|row| row.put))
    }

    /// All documents of a scope, by name.
    pub fn documents(&self, scope: &str) -> impl Iterator<Item = Result<DocumentPut, IndexError>> + '_ {
        self.index().documents(scope).map(|row| row.map(|row| row.put))
    }

    /// Puts a document; `done` is called as [`Store::transact`] says.
    pub fn put_document(
        &self,
        scope: &str,
        name: &str,
        bytes: Vec<u8>,
        expected: Expected,
        done: impl FnOnce(Result<Sequence, CommitError<DocumentError>>) + Send + 'static,
    ) {
        let touches = vec![Touch::document(scope, name)];
        let (scope, name) = (scope.to_owned(), name.to_owned());
        self.transact(touches, Vec::new(), move |tx| tx.put_document(&scope, &name, bytes, expected), done);
    }

    /// Removes a document; `done` is called as [`Store::transact`] says.
    pub fn remove_document(
        &self,
        scope: &str,
        name: &str,
        expected: Expected,
        done: impl FnOnce(Result<bool, CommitError<DocumentError>>) + Send + 'static,
    ) {
        let touches = vec![Touch::document(scope, name)];
        let (scope, name) = (scope.to_owned(), name.to_owned());
        self.transact(touches, Vec::new(), move |tx| tx.remove_document(&scope, &name, expected), done);
    }
}

fn check_len(what: &'static str, len: usize, allowed: std::ops::RangeInclusive<usize>) -> Result<(), DocumentError> {
    let (min, max) = allowed.into_inner();
    if (min..=max).contains(&len) { Ok(()) } else { Err(DocumentError::Length { what, len, min, max }) }
}
