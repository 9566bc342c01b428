//! All settings of a bucket, a line each in the table below. A new one is a file with a [`Setting`], and a line.
//!
//! Invariant: a value that this build cannot read counts as the default, and stays in the row until it is set.

use super::optimize::Optimize;
use super::setting::{Setting, value_of};

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $setting:ty;)*) => {
        /// The settings of one bucket.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct BucketSettings {
            $($(#[$doc])* pub $name: <$setting as Setting>::Value,)*
        }

        impl BucketSettings {
            /// From a row's pairs.
            pub fn of(pairs: &[(String, String)]) -> Self {
                BucketSettings { $($name: value_of::<$setting>(pairs),)* }
            }
        }

        #[cfg(test)]
        const KEYS: &[&str] = &[$(<$setting as Setting>::KEY),*];

        /// Whether the text of a default is read as it.
        #[cfg(test)]
        fn defaults_go_both_ways() -> bool {
            true $(&& {
                let default = <$setting as Setting>::default();
                <$setting as Setting>::parse(&<$setting as Setting>::print(&default)) == Some(default)
            })*
        }
    };
}

settings! {
    /// What the optimizer does with it.
    optimize: Optimize;
}

#[cfg(test)]
mod tests {
    use super::super::setting::set;
    use super::*;
    use crate::store::Policy;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn keys_are_unique_and_defaults_can_be_written_down() {
        let unique: std::collections::BTreeSet<_> = KEYS.iter().collect();
        assert_eq!(unique.len(), KEYS.len());
        assert!(defaults_go_both_ways());
    }

    #[test]
    fn values_are_read_and_set_beside_those_that_are_not_known() {
        assert_eq!(BucketSettings::of(&[]).optimize, Policy::Balanced);
        assert_eq!(BucketSettings::of(&pairs(&[("optimize", "best")])).optimize, Policy::Balanced);
        let mut row = pairs(&[("optimize", "off"), ("later", "x")]);
        assert_eq!(BucketSettings::of(&row).optimize, Policy::Off);
        for policy in Policy::ALL {
            set::<Optimize>(&mut row, &policy);
            assert_eq!(row, pairs(&[("later", "x"), ("optimize", &policy.to_string())]));
            assert_eq!(BucketSettings::of(&row).optimize, policy);
        }
    }
}
