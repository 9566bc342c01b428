//! The parameters of administrators' requests.

use s3s::{S3Result, s3_error};

use crate::store::Policy;

/// What a query may say; which request looks at what is told in the module above.
#[derive(Default)]
pub struct Query {
    pub bucket: Option<String>,
    pub policy: Option<Policy>,
    pub dry_run: bool,
    pub version_id: Option<String>,
}

impl Query {
    /// # Errors
    /// A name that is not known or a policy that is none.
    pub fn parse(text: &str) -> S3Result<Self> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "bucket" => query.bucket = Some(value.to_owned()),
                "policy" => {
                    query.policy =
                        Some(value.parse().map_err(|reason| s3_error!(InvalidArgument, "policy: {reason}"))?);
                }
                "dry-run" => query.dry_run = matches!(value, "" | "true" | "1"),
                "version-id" => query.version_id = Some(value.to_owned()),
                // Presigned requests carry their signature here.
                other if other.to_ascii_lowercase().starts_with("x-amz-") => {}
                other => {
                    return Err(s3_error!(
                        InvalidArgument,
                        "{other} is not known: bucket, policy, dry-run and version-id are."
                    ));
                }
            }
        }
        Ok(query)
    }
}
