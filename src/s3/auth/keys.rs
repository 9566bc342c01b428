//! Signing keys that were derived before. A key is good for a day, a region and a service, and costs as many digests to
//! derive as all the rest of a signature; nearly all requests use the same one.
//!
//! Invariant: a key is found only under the access key, the scope and the secret that it was derived of.

use parking_lot::Mutex;

use crate::remote::sigv4::{Scope, SigningKey};

/// Keys that are remembered.
const MAX_KEYS: usize = 8;

/// The keys that were used last, the newest first.
#[derive(Default)]
pub struct Keys(Mutex<Vec<Known>>);

struct Known {
    access_key: String,
    secret: String,
    day: String,
    region: String,
    service: String,
    key: SigningKey,
}

impl Known {
    fn is(&self, access_key: &str, scope: &Scope<'_>, secret: &str) -> bool {
        self.day == scope.day
            && self.region == scope.region
            && self.service == scope.service
            && self.access_key == access_key
            && self.secret == secret
    }
}

impl Keys {
    /// The key of a scope, derived if it is not known. Only for a scope that the request may name: others would push
    /// out those in use.
    pub fn of(&self, access_key: &str, scope: &Scope<'_>, secret: &str) -> SigningKey {
        if let Some(known) = self.0.lock().iter().find(|known| known.is(access_key, scope, secret)) {
            return known.key.clone();
        }
        let key = scope.key(secret);
        let known = Known {
            access_key: access_key.to_owned(),
            secret: secret.to_owned(),
            day: scope.day.to_owned(),
            region: scope.region.to_owned(),
            service: scope.service.to_owned(),
            key: key.clone(),
        };
        let mut all = self.0.lock();
        all.truncate(MAX_KEYS - 1);
        all.insert(0, known);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_key_is_that_of_its_scope_and_secret() {
        let keys = Keys::default();
        for _ in 0..2 {
            for day in ["20260101", "20260102"] {
                for region in ["us-east-1", "eu-west-1", ""] {
                    for (access_key, secret) in [("a", "1"), ("b", "2"), ("a", "3")] {
                        let scope = Scope { day, region, service: "s3" };
                        let expected = scope.key(secret).sign("text");
                        assert_eq!(keys.of(access_key, &scope, secret).sign("text"), expected);
                    }
                }
            }
        }
        assert_eq!(keys.0.lock().len(), MAX_KEYS);
    }
}
