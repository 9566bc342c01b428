//! Operations on objects.

mod acl;
mod attributes;
mod copy;
mod delete;
mod delete_many;
mod get;
mod head;
mod put;
mod read;
mod tagging;

pub use acl::GetObjectAcl;
pub use attributes::GetObjectAttributes;
pub use copy::CopyObject;
pub use delete::DeleteObject;
pub use delete_many::DeleteObjects;
pub use get::GetObject;
pub use head::HeadObject;
pub use put::PutObject;
pub use tagging::GetObjectTagging;
