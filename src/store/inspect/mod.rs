//! How one object is stored: its windows, what re-creates its members, and what of it other objects use too.
//!
//! Windows are not read, only looked up; recipe nodes, members and programs are read and verified.
//!
//! Failure cases: a damaged recipe node or member is an error, as for a client; a damaged program is counted as
//! unreadable.

mod report;
mod sums;
mod survey;

pub use report::{CodecSum, Inspection, Recreation, Use, WindowUse};
pub use survey::Survey;

use deltastore_format::Recipe;

use super::{Store, StoreError};

impl Store {
    /// How the object of a recipe is stored.
    ///
    /// # Errors
    /// What reading the index, recipe nodes and members gives.
    pub fn inspect(&self, recipe: &Recipe) -> Result<Inspection, StoreError> {
        let mut survey = self.survey(recipe);
        while survey.step(usize::MAX)? {}
        survey.finish()
    }

    /// The same in steps, for those who have other things to do in between. While others write, the caller holds pins
    /// on the recipe.
    pub fn survey(&self, recipe: &Recipe) -> Survey {
        Survey::new(self.clone(), recipe)
    }
}
