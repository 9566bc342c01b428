//! Who sends a request.

use std::fmt;

/// The sender of a request, as its signature proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The owner of the server, of all buckets and of all objects.
    Root,
    /// The request is not signed.
    Anonymous,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Principal::Root => "root",
            Principal::Anonymous => "anonymous",
        })
    }
}
