//! What verifying takes, and what comes of it.

use super::keys::Keys;
use super::payload::Payload;
use super::refusal;
use crate::s3::request::error_page::ErrorPage;
use crate::s3::settings::ServerSettings;
use deltastore_iam::{AccessKeys, Principal};

/// What a verified request says about its body.
pub struct Verified {
    pub principal: Principal,
    pub payload: Payload,
    /// That the signature names; empty if it names none.
    pub region: String,
}

/// Verifies requests.
pub struct Authenticator {
    access_keys: AccessKeys,
    pub region: Option<String>,
    pub v2_presigned: bool,
    pub keys: Keys,
}

impl Authenticator {
    pub fn new(access_keys: AccessKeys, settings: &ServerSettings) -> Self {
        let (region, v2_presigned) = (settings.region.clone(), settings.v2_presigned);
        Authenticator { access_keys, region, v2_presigned, keys: Keys::default() }
    }

    /// The principal and secret of an access key.
    pub fn secret(&self, access_key: &str) -> Result<(Principal, &str), ErrorPage> {
        self.access_keys.find(access_key).ok_or_else(|| refusal::unknown_access_key(access_key))
    }
}
