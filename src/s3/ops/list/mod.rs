//! Listings of objects.

pub mod names;
mod objects;
mod objects_v2;

pub use objects::ListObjects;
pub use objects_v2::ListObjectsV2;
