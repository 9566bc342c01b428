//! Why a unit cannot be re-created or described.

use crate::codec::deflate::encoder::stored::ParamsError;

/// Why a unit could not be re-created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecreateError {
    #[error("the program's version is unknown")]
    Version,
    #[error("the program is malformed")]
    Program,
    #[error("the program is of a newer version, or malformed: {0}")]
    Encoder(ParamsError),
    #[error("the view does not fit the program")]
    View,
    #[error("the program does not yield the length asked for")]
    Length,
}
