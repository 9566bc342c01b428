//! The decision.

use super::action::Action;
use super::principal::Principal;
use super::resource::Resource;

/// Nothing allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("access denied")]
pub struct Denied;

/// Whether a principal may do this to that. The root user may do everything, all others nothing.
///
/// # Errors
/// [`Denied`].
pub fn authorize(principal: &Principal, _action: Action, _resource: Resource<'_>) -> Result<(), Denied> {
    match principal {
        Principal::Root => Ok(()),
        Principal::Anonymous => Err(Denied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_may_do_everything_and_anonymous_nothing() {
        let resources = [
            Resource::Server,
            Resource::Bucket("b"),
            Resource::Object { bucket: "b", key: "k" },
            Resource::SomeObjects { bucket: "b" },
        ];
        for resource in resources {
            for action in [Action::new("s3:GetObject"), Action::new("deltastore:Optimize"), Action::UNNAMED] {
                assert_eq!(authorize(&Principal::Root, action, resource), Ok(()), "{action} {resource}");
                assert_eq!(authorize(&Principal::Anonymous, action, resource), Err(Denied), "{action} {resource}");
            }
        }
    }
}
