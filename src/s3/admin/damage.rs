//! `GET /_deltastore/damage`.

use s3s::{Body, HttpResponse, S3Error, S3Result};

use super::state::{Admin, answer};

impl Admin {
    /// What the running server knows of damage.
    pub(super) fn damage(&self) -> S3Result<HttpResponse> {
        let counts = self.objects.store().damage_counts();
        let text = serde_json::to_string(&counts).map_err(S3Error::internal_error)?;
        Ok(answer(Body::from(text + "\n")))
    }
}
