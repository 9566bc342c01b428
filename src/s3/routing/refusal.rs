//! What a request gets that has no row.

use std::collections::BTreeSet;

use hyper::header::ALLOW;
use hyper::{Method, StatusCode};

use super::ErrorPage;
use crate::s3::operation::{Kind, NAMING, Row};
use crate::s3::ops::table::ROWS;

/// The answer to an operation that S3 has and this server has not.
pub fn not_implemented(operation: &str) -> ErrorPage {
    let message = format!("{operation} is not implemented.");
    ErrorPage::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
}

/// The answer to a request that S3 does not have; `names` are the selecting ones of its query.
pub fn of(method: &Method, kind: Kind, names: &BTreeSet<&str>) -> ErrorPage {
    let sub_resources: Vec<&str> = names.iter().copied().filter(|name| !NAMING.contains(name)).collect();
    match sub_resources.as_slice() {
        [] => without_sub_resource(method, kind, names),
        [name] => with_sub_resource(method, kind, name, names),
        several => {
            let message = format!("Conflicting query string parameters: {}", several.join(", "));
            invalid(message, "ResourceType", several[0])
        }
    }
}

fn without_sub_resource(method: &Method, kind: Kind, names: &BTreeSet<&str>) -> ErrorPage {
    let has_method = ROWS.iter().any(|row| row.kind == kind && row.method == method.as_str());
    match names.first() {
        Some(name) if has_method => not_accepted(name),
        _ => not_allowed(method, kind, None),
    }
}

fn with_sub_resource(method: &Method, kind: Kind, sub_resource: &str, names: &BTreeSet<&str>) -> ErrorPage {
    let has = |row: &&Row| row.kind == kind && row.query.contains(&sub_resource);
    if !ROWS.iter().any(|row| has(&row)) {
        let message = format!("There is no such thing as the ?{sub_resource} sub-resource for a {kind}");
        return invalid(message, "ResourceType", sub_resource);
    }
    let has_method = ROWS.iter().any(|row| has(&row) && row.method == method.as_str());
    match names.iter().find(|name| NAMING.contains(name)) {
        Some(name) if has_method => not_accepted(name),
        _ => not_allowed(method, kind, Some(sub_resource)),
    }
}

fn not_accepted(name: &str) -> ErrorPage {
    let message = match name {
        "versionId" => "This operation does not accept a version-id.".to_owned(),
        name => format!("This operation does not accept the query string parameter {name} as it was sent."),
    };
    invalid(message, name, "")
}

fn not_allowed(method: &Method, kind: Kind, sub_resource: Option<&str>) -> ErrorPage {
    let rows = ROWS.iter().filter(|row| {
        row.kind == kind
            && match sub_resource {
                Some(name) => row.query.contains(&name),
                None => row.query.is_empty(),
            }
    });
    let allowed: BTreeSet<&str> = rows.map(|row| row.method).collect();
    let resource = sub_resource.unwrap_or(match kind {
        Kind::Service => "SERVICE",
        Kind::Bucket => "BUCKET",
        Kind::Object => "OBJECT",
    });
    ErrorPage::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
    )
    .field("Method", method.as_str())
    .field("ResourceType", resource.to_ascii_uppercase())
    .header(ALLOW, allowed.into_iter().collect::<Vec<_>>().join(", "))
}

fn invalid(message: String, name: &str, value: &str) -> ErrorPage {
    ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidArgument", message)
        .field("ArgumentName", name)
        .field("ArgumentValue", value)
}
