//! What a request may do. Every request passes here: [`request`] before its body is read, [`administration`] likewise,
//! and [`source`] and [`each`] for objects that are named elsewhere than in the path.
//!
//! Open to everybody is health alone (`request/health.rs`): those who poll it have no keys, and it tells no names and
//! no contents.
//!
//! Invariant: no operation runs whose request was not authorized ([`RequestContext::is_authorized`], which
//! [`super::access`] asks for).

use std::sync::Arc;

use http::Extensions;
use hyper::StatusCode;
use s3s::{S3Result, s3_error};

use super::operation::{Kind, Row};
use super::request::context::{BucketAndKey, RequestContext};
use super::request::error_page::ErrorPage;
use deltastore_iam::{Action, Resource};

/// Whether a request may do what its row says to what its path names. `row` is none for what no operation is: only the
/// root user is told so.
///
/// # Errors
/// `AccessDenied`
pub fn request(
    context: &RequestContext,
    row: Option<&Row>,
    named: Option<&BucketAndKey>,
    names_version: bool,
) -> Result<(), ErrorPage> {
    let needs = row.and_then(|row| row.served.as_ref()).map(|served| served.needs);
    let action = needs.map_or(Action::UNNAMED, |needs| needs.target(names_version));
    let resource = match (row.map_or(Kind::Service, |row| row.kind), named) {
        (Kind::Bucket, Some(named)) if needs.is_some_and(|needs| needs.is_on_each()) => {
            Resource::SomeObjects { bucket: &named.bucket }
        }
        (Kind::Bucket, Some(named)) => Resource::Bucket(&named.bucket),
        (Kind::Object, Some(named)) => Resource::Object { bucket: &named.bucket, key: &named.key },
        (Kind::Service, _) | (_, None) => Resource::Server,
    };
    begin(context, action, resource)
}

/// Whether a request may administrate so.
///
/// # Errors
/// `AccessDenied`
pub fn administration(context: &RequestContext, action: Action) -> Result<(), ErrorPage> {
    begin(context, action, Resource::Server)
}

fn begin(context: &RequestContext, action: Action, resource: Resource<'_>) -> Result<(), ErrorPage> {
    if context.authorize(action, resource).is_err() {
        return Err(ErrorPage::new(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"));
    }
    context.set_authorized();
    Ok(())
}

/// Whether the request may read the object that it copies.
///
/// # Errors
/// `AccessDenied`
pub fn source(extensions: &Extensions, bucket: &str, key: &str, version_id: Option<&str>) -> S3Result<()> {
    object(extensions, bucket, key, |row| row.served.as_ref()?.needs.source(version_id.is_some()))
}

/// Whether the request may act on an object that its document names.
///
/// # Errors
/// `AccessDenied`
pub fn each(extensions: &Extensions, bucket: &str, key: &str, version_id: Option<&str>) -> S3Result<()> {
    object(extensions, bucket, key, |row| Some(row.served.as_ref()?.needs.target(version_id.is_some())))
}

fn object(
    extensions: &Extensions,
    bucket: &str,
    key: &str,
    action: impl FnOnce(&Row) -> Option<Action>,
) -> S3Result<()> {
    let context = extensions.get::<Arc<RequestContext>>();
    let allowed = context.is_some_and(|context| {
        let action = context.row().and_then(action);
        action.is_some_and(|action| context.authorize(action, Resource::Object { bucket, key }).is_ok())
    });
    if allowed { Ok(()) } else { Err(s3_error!(AccessDenied, "Access Denied")) }
}

#[cfg(test)]
mod tests {
    use hyper::{Method, Uri};

    use super::*;
    use crate::s3::ops::table::ROWS;
    use crate::s3::request::ids::RequestIds;
    use deltastore_iam::Principal;

    fn context(principal: Option<Principal>) -> Arc<RequestContext> {
        let context = RequestContext::new(RequestIds::new().next(), Method::GET, Uri::from_static("/"));
        principal.into_iter().for_each(|principal| context.set_principal(principal));
        Arc::new(context)
    }

    #[test]
    fn root_may_run_every_row_and_nobody_else_any() {
        let named = BucketAndKey { bucket: "b".to_owned(), key: "k".to_owned() };
        for row in ROWS.iter().map(Some).chain([None]) {
            for principal in [None, Some(Principal::Anonymous)] {
                let context = context(principal);
                let refused = request(&context, row, Some(&named), false).map_err(|page| page.code().to_owned());
                assert_eq!((refused, context.is_authorized()), (Err("AccessDenied".to_owned()), false), "{row:?}");
            }
            let context = context(Some(Principal::Root));
            assert!(request(&context, row, Some(&named), false).is_ok() && context.is_authorized());
        }
    }

    #[test]
    fn other_objects_are_asked_for_too() {
        let row = |name: &str| ROWS.iter().find(|row| row.name == name).unwrap();
        let code = |principal: Principal, name: &str, ask: fn(&Extensions) -> S3Result<()>| {
            let context = context(Some(principal));
            context.resolve(row(name));
            let mut extensions = Extensions::new();
            extensions.insert(context);
            ask(&extensions).map_err(|error| error.code().as_str().to_owned())
        };
        let denied = Err("AccessDenied".to_owned());
        for (name, ask) in [
            ("CopyObject", (|extensions| source(extensions, "b", "k", None)) as fn(&Extensions) -> _),
            ("UploadPartCopy", |extensions| source(extensions, "b", "k", Some("1"))),
            ("DeleteObjects", |extensions| each(extensions, "b", "k", None)),
        ] {
            assert_eq!(code(Principal::Root, name, ask), Ok(()), "{name}");
            assert_eq!(code(Principal::Anonymous, name, ask), denied, "{name}");
            assert!(ask(&Extensions::new()).is_err(), "{name} without a context");
        }
        let no_copy = code(Principal::Root, "PutObject", |extensions| source(extensions, "b", "k", None));
        assert_eq!(no_copy, denied, "a row without a source reads none");
    }
}
