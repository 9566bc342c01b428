//! How one object is stored: its windows, what re-creates its members, and what of it other objects use too.
//!
//! Windows are not read, only looked up; recipe nodes, members and programs are read and verified.
//!
//! Failure cases: a damaged recipe node or member is an error, as for a client; a damaged program is counted as unreadable.

mod report;
mod sums;
mod survey;

pub use report::{CodecSum, Inspection, Recreation, Use, WindowUse};

use std::cell::RefCell;

use deltastore_format::{EntryKind, Hash, Recipe};

use super::{Store, StoreError, Walk};
use survey::Survey;

impl Store {
    /// How the object of a recipe is stored.
    ///
    /// # Errors
    /// What reading the index, recipe nodes and members gives.
    pub fn inspect(&self, recipe: &Recipe) -> Result<Inspection, StoreError> {
        let mut survey = Survey::new(self);
        survey.out.size = recipe.len();
        recipe.entries.iter().for_each(|entry| survey.links.add(entry.hash));
        let nodes = RefCell::new(Vec::new());
        let mut walk = Walk::new(recipe, 0..recipe.len());
        let load = |hash: &Hash| {
            let node = self.inner().blobs.node(hash)?;
            nodes.borrow_mut().push((*hash, node.entries.iter().map(|entry| entry.hash).collect()));
            Ok(node)
        };
        while let Some(entry) = walk.next(load)? {
            nodes.borrow_mut().drain(..).try_for_each(|(hash, children)| survey.node(hash, children))?;
            match entry.kind {
                EntryKind::Member => survey.member(&entry)?,
                EntryKind::Window | EntryKind::Node => survey.piece(&entry)?,
            }
        }
        survey.finish()
    }
}
