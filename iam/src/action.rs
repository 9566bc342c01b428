//! What a request asks for, by the names that policies use.

use std::fmt;

/// An action: `s3:GetObject`, or `deltastore:Inspect` for what S3 does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action(&'static str);

impl Action {
    /// What a request asks for that has no name: only [`super::Principal::Root`] may.
    pub const UNNAMED: Action = Action("");

    pub const fn new(name: &'static str) -> Self {
        Action(name)
    }

    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
