//! Access keys with their secrets, and whose they are.

use std::fmt;

use super::principal::Principal;

/// An access key and its secret.
#[derive(Clone)]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// All access keys that the server knows.
pub struct AccessKeys {
    root: Credentials,
}

impl AccessKeys {
    pub fn new(root: Credentials) -> Self {
        AccessKeys { root }
    }

    /// The principal that an access key belongs to, and the key's secret.
    pub fn find(&self, access_key: &str) -> Option<(Principal, &str)> {
        (access_key == self.root.access_key).then_some((Principal::Root, self.root.secret_key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Credentials {
        Credentials { access_key: "ak".into(), secret_key: "hidden".into() }
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert!(!format!("{:?}", root()).contains("hidden"));
    }

    #[test]
    fn a_key_belongs_to_one_principal_or_none() {
        let keys = AccessKeys::new(root());
        assert_eq!(keys.find("ak"), Some((Principal::Root, "hidden")));
        for unknown in ["", "a", "AK", "ak "] {
            assert_eq!(keys.find(unknown), None, "{unknown:?}");
        }
    }
}
