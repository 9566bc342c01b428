//! Documents: `9 ‖ scope ‖ name` among the small tables, so that those of a scope lie in the order of their names.

use super::Index;
use super::error::IndexError;
use super::keys;
use super::rows::Rows;
use super::table::{Find, Row, Table, small_key};
use deltastore_format::{DocumentId, DocumentPut, Listed};

/// A document.
pub type DocumentRow = Row<DocumentPut>;

fn scope_key(scope: &str) -> Vec<u8> {
    let mut key = small_key::<DocumentPut>(&[]);
    keys::push_name(&mut key, scope);
    key
}

fn row_key(scope: &str, name: &str) -> Vec<u8> {
    let mut key = scope_key(scope);
    keys::push_name(&mut key, name);
    key
}

impl Table for DocumentPut {
    const PREFIX: &'static [u8] = &[Self::PUT];

    fn key(&self) -> Vec<u8> {
        row_key(&self.scope, &self.name)
    }

    fn find(id: &DocumentId) -> Find {
        Find::Row(row_key(&id.scope, &id.name))
    }
}

impl Index {
    pub fn document(&self, scope: &str, name: &str) -> Result<Option<DocumentRow>, IndexError> {
        self.row_at(&row_key(scope, name))
    }

    /// All documents of a scope, by name.
    pub fn documents(&self, scope: &str) -> Rows<'_, DocumentRow> {
        self.rows_under(&scope_key(scope))
    }
}
