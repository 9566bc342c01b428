//! Version 4 in the `Authorization` header, and what both places of a signature share.

use hyper::header::{AUTHORIZATION, DATE, HeaderMap};

use super::authenticator::{Authenticator, Verified};
use super::payload::{ChunkKey, Payload};
use super::refusal::{self, Place};
use super::signed::Signed;
use super::signed_headers;
use super::time::{MAX_SKEW, Moment};
use crate::remote::percent;
use crate::remote::sigv4::{ALGORITHM, Scope, SigningKey, canonical_request, string_to_sign};
use crate::s3::request::error_page::ErrorPage;

const SERVICE: &str = "s3";

/// `ACCESS_KEY/YYYYMMDD/REGION/SERVICE/aws4_request`; the key may hold slashes.
pub struct Credential<'a> {
    pub access_key: &'a str,
    pub scope: Scope<'a>,
}

/// Verifies a request that is signed in its header.
pub fn verify(authenticator: &Authenticator, signed: &Signed<'_>) -> Result<Verified, ErrorPage> {
    let mut values = signed.headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| Place::Header.malformed("it must be one line of text."))?;
    let header = Authorization::parse(value)?;
    let credential = Credential::parse(header.credential, Place::Header)?;
    let time = signing_time(signed.headers)?;
    let date = time.iso();
    credential.check(authenticator.region.as_deref(), &date, Place::Header)?;
    let now = Moment::now();
    if (now.0 - time.0).abs() > MAX_SKEW {
        return Err(refusal::skewed(&date, &now.shown(), MAX_SKEW));
    }
    let payload = Payload::of(signed.headers)?;
    let (principal, secret) = authenticator.secret(credential.access_key)?;
    let key = authenticator.keys.of(credential.access_key, &credential.scope, secret);
    let headers = signed_headers::collect(signed.headers, header.signed_headers)?;
    let check = Check { signed, headers: &headers, date: &date, credential: &credential, key: &key };
    check.verify(&[payload.header()], header.signature)?;
    let region = credential.scope.region.to_owned();
    let chunk_key = || ChunkKey::new(key, &date, &credential.scope, header.signature);
    Ok(Verified { principal, payload: payload.with_key(chunk_key), region })
}

/// The time that is signed.
fn signing_time(headers: &HeaderMap) -> Result<Moment, ErrorPage> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let found = match text("x-amz-date") {
        Some(date) => Moment::parse_http(date),
        None => text(DATE.as_str()).and_then(Moment::parse_http),
    };
    found.ok_or_else(refusal::no_date)
}

/// The parts of the header's value, in any order.
struct Authorization<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(value: &'a str) -> Result<Self, ErrorPage> {
        let (scheme, rest) = value.trim().split_once([' ', '\t']).unwrap_or((value.trim(), ""));
        if scheme == "AWS" {
            return Err(super::v2::header_refused());
        }
        if scheme != ALGORITHM {
            return Err(refusal::unsupported_type(scheme));
        }
        let part = |name: &str| {
            let mut found = rest
                .split(',')
                .filter_map(|part| part.trim().split_once('='))
                .filter(|(found, _)| *found == name)
                .map(|(_, value)| value.trim());
            let missing = || Place::Header.malformed(&format!("missing {name}."));
            found.next().filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        Ok(Authorization {
            credential: part("Credential")?,
            signed_headers: part("SignedHeaders")?,
            signature: part("Signature")?,
        })
    }
}

impl<'a> Credential<'a> {
    pub fn parse(text: &'a str, place: Place) -> Result<Self, ErrorPage> {
        let mut parts = text.rsplitn(5, '/');
        let mut next = || parts.next();
        let (end, service, region, day, key) = (next(), next(), next(), next(), next());
        match (key, day, region, service, end) {
            (Some(access_key), Some(day), Some(region), Some(service), Some("aws4_request")) => {
                Ok(Credential { access_key, scope: Scope { day, region, service } })
            }
            _ => Err(place.credential(
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            )),
        }
    }

    /// `region` is the one that must be named, if there is one.
    pub fn check(&self, region: Option<&str>, time: &str, place: Place) -> Result<(), ErrorPage> {
        let Scope { day, region: named, service } = self.scope;
        if service != SERVICE {
            return Err(
                place.credential(&format!("incorrect service \"{service}\". This endpoint belongs to \"{SERVICE}\"."))
            );
        }
        if !time.starts_with(day) || day.len() != 8 {
            let what =
                format!("Invalid credential date \"{day}\". This date is not the same as X-Amz-Date: \"{time}\".");
            return Err(place.credential(&what));
        }
        match region {
            Some(region) if region != named => Err(place
                .credential(&format!("the region '{named}' is wrong; expecting '{region}'"))
                .field("Region", region)),
            _ => Ok(()),
        }
    }
}

/// Everything that a signature is computed of.
pub struct Check<'a> {
    pub signed: &'a Signed<'a>,
    pub headers: &'a [(String, Vec<&'a [u8]>)],
    /// When it was signed, as in `x-amz-date`.
    pub date: &'a str,
    pub credential: &'a Credential<'a>,
    pub key: &'a SigningKey,
}

impl Check<'_> {
    /// Compares the signature with those of the request: clients encode paths in two ways, and the payload is one of
    /// `payloads`.
    ///
    /// # Errors
    /// None of them matches.
    pub fn verify(&self, payloads: &[&str], signature: &str) -> Result<(), ErrorPage> {
        let path = percent::decode(self.signed.path).ok_or_else(invalid_uri)?;
        let encoded = percent::encode_except(&path, b"/");
        let mut refused = None;
        for path in [encoded.as_str(), self.signed.path] {
            for payload in payloads {
                let pairs: Vec<(String, String)> =
                    self.signed.query.pairs().iter().filter(|(name, _)| name != "X-Amz-Signature").cloned().collect();
                let canonical = canonical_request(self.signed.method, path, &pairs, self.headers, payload);
                let text = string_to_sign(self.date, &self.credential.scope, &canonical);
                if self.key.verifies(&text, signature) {
                    return Ok(());
                }
                refused.get_or_insert((text, canonical));
            }
        }
        let (text, canonical) = refused.unwrap_or_default();
        Err(refusal::mismatch(self.credential.access_key, signature, &text, Some(&canonical)))
    }
}

fn invalid_uri() -> ErrorPage {
    ErrorPage::new(hyper::StatusCode::BAD_REQUEST, "InvalidURI", "Couldn't parse the specified URI.")
}
