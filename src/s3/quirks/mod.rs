//! What is done only because s3s 0.17 does not do it, a file each. Each names what s3s does, and has a test that fails
//! once s3s does it itself.

pub mod documents;
pub mod head_range;
pub mod headers;
pub mod overrides;
pub mod references;
pub mod repeated;
#[cfg(test)]
mod testing;
