//! Why an estimate fails.

use crate::cli::remote::RemoteError;
use crate::object::ObjectError;
use crate::remote::ClientError;
use crate::store::StoreError;

/// Errors of `estimate`.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError {
    #[error("{path}: {source}")]
    Path { path: String, source: std::io::Error },
    #[error("{0} is not a folder")]
    NotAFolder(String),
    #[error("{0} holds no files")]
    Empty(String),
    #[error("{0}")]
    Target(String),
    #[error("no object fits the memory; raise --memory")]
    NoMemory,
    #[error("the optimized form does not fit the memory; raise --memory or omit --policy")]
    NoMemoryToOptimize,
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
