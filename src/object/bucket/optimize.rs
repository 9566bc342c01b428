//! What the optimizer does with a bucket.

use super::setting::Setting;
use crate::store::Policy;

pub struct Optimize;

impl Setting for Optimize {
    type Value = Policy;

    const KEY: &'static str = "optimize";

    fn default() -> Policy {
        Policy::default()
    }

    fn parse(text: &str) -> Option<Policy> {
        text.parse().ok()
    }

    fn print(policy: &Policy) -> String {
        policy.to_string()
    }
}
