//! Version 4 in the query of a presigned URL.

use super::authenticator::{Authenticator, Verified};
use super::payload::Payload;
use super::refusal::{self, Place};
use super::signed::Signed;
use super::signed_headers;
use super::time::{MAX_SKEW, Moment};
use super::v4::{Check, Credential};
use crate::remote::sigv4::ALGORITHM;
use crate::s3::request::error_page::ErrorPage;

/// Longest life of a presigned URL, in seconds.
const MAX_EXPIRES: i64 = 7 * 24 * 3600;

/// Verifies a presigned request.
pub fn verify(authenticator: &Authenticator, signed: &Signed<'_>) -> Result<Verified, ErrorPage> {
    let place = Place::Query;
    let part = |name: &str| {
        signed.query.unique(name).ok_or_else(|| {
            place.malformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                 X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            )
        })
    };
    let (algorithm, credential, signature) =
        (part("X-Amz-Algorithm")?, part("X-Amz-Credential")?, part("X-Amz-Signature")?);
    let (date, names, expires) = (part("X-Amz-Date")?, part("X-Amz-SignedHeaders")?, part("X-Amz-Expires")?);
    if algorithm != ALGORITHM {
        return Err(place.malformed(&format!("X-Amz-Algorithm only supports \"{ALGORITHM}\"")));
    }
    let time = Moment::parse_iso(date)
        .ok_or_else(|| place.malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""))?;
    let credential = Credential::parse(credential, place)?;
    credential.check(authenticator.region.as_deref(), date, place)?;
    let expires = expires_in(expires)?;
    let now = Moment::now();
    if time.0 - now.0 > MAX_SKEW {
        return Err(refusal::skewed(date, &now.shown(), MAX_SKEW));
    }
    if now.0 - time.0 > expires {
        return Err(refusal::expired(&Moment(time.0 + expires).shown(), &now.shown()));
    }
    let payload = Payload::of_presigned(signed)?;
    let (principal, secret) = authenticator.secret(credential.access_key)?;
    let key = authenticator.keys.of(credential.access_key, &credential.scope, secret);
    let headers = signed_headers::collect(signed.headers, names)?;
    let check = Check { signed, headers: &headers, date, credential: &credential, key: &key };
    // Some presigners sign the digest that they name, all others no payload.
    check.verify(&["UNSIGNED-PAYLOAD", payload.header()], signature)?;
    let region = credential.scope.region.to_owned();
    Ok(Verified { principal, payload, region })
}

fn expires_in(text: &str) -> Result<i64, ErrorPage> {
    let refused = |what: &str| Err(Place::Query.malformed(what));
    match text.parse::<i64>() {
        Err(_) => refused("X-Amz-Expires should be a number"),
        Ok(seconds) if seconds < 0 => refused("X-Amz-Expires must be non-negative"),
        Ok(seconds) if seconds > MAX_EXPIRES => refused(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds",
        ),
        Ok(seconds) => Ok(seconds),
    }
}
