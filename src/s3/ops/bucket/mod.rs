//! Operations on buckets.

mod acl;
mod create;
mod delete;
mod head;
mod list;
mod location;
mod versioning;

pub use acl::GetBucketAcl;
pub use create::CreateBucket;
pub use delete::DeleteBucket;
pub use head::HeadBucket;
pub use list::ListBuckets;
pub use location::GetBucketLocation;
pub use versioning::GetBucketVersioning;
