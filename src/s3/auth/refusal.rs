//! Why nobody is let in, in S3's words.

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::s3::request::error_page::ErrorPage;

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

/// Where a signature stands, which decides the code of what is wrong with it.
#[derive(Clone, Copy)]
pub enum Place {
    Header,
    Query,
}

impl Place {
    /// The signature's parts are not what they have to be.
    pub fn malformed(self, what: &str) -> ErrorPage {
        match self {
            Place::Header => {
                let message = format!("The authorization header is malformed; {what}");
                ErrorPage::new(BAD, "AuthorizationHeaderMalformed", message)
            }
            Place::Query => ErrorPage::new(BAD, "AuthorizationQueryParametersError", what.to_owned()),
        }
    }

    /// As [`Place::malformed`], of the credential.
    pub fn credential(self, what: &str) -> ErrorPage {
        match self {
            Place::Header => self.malformed(what),
            Place::Query => self.malformed(&format!("Error parsing the X-Amz-Credential parameter; {what}")),
        }
    }
}

pub fn two_mechanisms(headers: &HeaderMap) -> ErrorPage {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The scheme alone: what follows may be a secret of another server.
    let scheme = value.split(' ').next().unwrap_or_default();
    let message = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
                   parameter or the Authorization header should be specified";
    ErrorPage::new(BAD, "InvalidArgument", message)
        .field("ArgumentName", "Authorization")
        .field("ArgumentValue", scheme)
}

pub fn unsupported_type(scheme: &str) -> ErrorPage {
    ErrorPage::new(BAD, "InvalidArgument", "Unsupported Authorization Type")
        .field("ArgumentName", "Authorization")
        .field("ArgumentValue", scheme)
}

pub fn unknown_access_key(access_key: &str) -> ErrorPage {
    let message = "The AWS Access Key Id you provided does not exist in our records.";
    ErrorPage::new(FORBIDDEN, "InvalidAccessKeyId", message).field("AWSAccessKeyId", access_key)
}

pub fn not_signed(names: &str) -> ErrorPage {
    let message = "There were headers present in the request which were not signed";
    ErrorPage::new(FORBIDDEN, "AccessDenied", message).field("HeadersNotSigned", names)
}

pub fn no_date() -> ErrorPage {
    ErrorPage::new(FORBIDDEN, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
}

pub fn skewed(request: &str, server: &str, max_seconds: i64) -> ErrorPage {
    let message = "The difference between the request time and the current time is too large.";
    ErrorPage::new(FORBIDDEN, "RequestTimeTooSkewed", message)
        .field("RequestTime", request)
        .field("ServerTime", server)
        .field("MaxAllowedSkewMilliseconds", (max_seconds * 1000).to_string())
}

pub fn expired(expires: &str, server: &str) -> ErrorPage {
    ErrorPage::new(FORBIDDEN, "AccessDenied", "Request has expired")
        .field("Expires", expires)
        .field("ServerTime", server)
}

/// `text` is what the client had to sign; never what comes of it.
pub fn mismatch(access_key: &str, provided: &str, text: &str, canonical: Option<&[u8]>) -> ErrorPage {
    let message = "The request signature we calculated does not match the signature you provided. Check your key and \
                   signing method.";
    let page = ErrorPage::new(FORBIDDEN, "SignatureDoesNotMatch", message)
        .field("AWSAccessKeyId", access_key)
        .field("StringToSign", text)
        .field("SignatureProvided", provided);
    match canonical {
        Some(canonical) => page.field("CanonicalRequest", String::from_utf8_lossy(canonical)),
        None => page,
    }
}
