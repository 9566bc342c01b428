//! Why a unit cannot be re-created or described.

/// Length of the stored form of an encoder's settings.
pub const PARAMS_LEN: usize = 8;

/// First byte of the stored form of an encoder's settings; another one means a newer program wrote it.
pub(crate) const PARAMS_VERSION: u8 = 1;

/// Why a unit could not be re-created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecreateError {
    #[error("the program's version is unknown")]
    Version,
    #[error("the program is malformed")]
    Program,
    #[error("the program has a member of codec {0}, which this program does not know: a newer one wrote it")]
    Codec(u8),
    #[error("the program is of a newer version, or malformed: {0}")]
    Encoder(ParamsError),
    #[error("the view does not fit the program")]
    View,
    #[error("the program does not yield the length asked for")]
    Length,
}

/// Why stored parameters could not be read.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParamsError {
    /// The version byte is not known.
    #[error("re-encoder parameters of version {0}, this program knows {PARAMS_VERSION}")]
    Version(u8),
    /// A field has a value that no encoder has.
    #[error("re-encoder parameters {0:02x?} name no encoder that this program knows")]
    Unknown([u8; PARAMS_LEN]),
}
