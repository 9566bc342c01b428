//! Operations on multipart uploads.

mod abort;
mod complete;
mod create;
mod list;
mod list_parts;
mod part;
mod part_copy;

pub use abort::AbortMultipartUpload;
pub use complete::CompleteMultipartUpload;
pub use create::CreateMultipartUpload;
pub use list::ListMultipartUploads;
pub use list_parts::ListParts;
pub use part::UploadPart;
pub use part_copy::UploadPartCopy;
