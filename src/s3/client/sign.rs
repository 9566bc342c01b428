//! Signing of GET requests: AWS Signature Version 4, as the S3 API reference describes it for headers.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

use crate::s3::Credentials;
use crate::s3::percent::encode;
use crate::s3::sigv4::{ALGORITHM, EMPTY_SHA256, Scope, string_to_sign};

/// Who signs, and for which region.
pub struct Signer {
    pub credentials: Credentials,
    pub session_token: Option<String>,
    pub region: String,
}

impl Signer {
    /// The headers of a signed GET; `path` and `query` are encoded, the query's names in order.
    pub fn headers(&self, host: &str, path: &str, query: &str, now: SystemTime) -> Vec<(&'static str, String)> {
        let (day, time) = stamp(now);
        let mut headers = vec![
            ("host", host.to_owned()),
            ("x-amz-content-sha256", EMPTY_SHA256.to_owned()),
            ("x-amz-date", time.clone()),
        ];
        headers.extend(self.session_token.clone().map(|token| ("x-amz-security-token", token)));
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let listed: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let canonical = format!("GET\n{path}\n{query}\n{listed}\n{names}\n{EMPTY_SHA256}");
        let scope = Scope { day: &day, region: &self.region, service: "s3" };
        let text = string_to_sign(&time, &scope, canonical.as_bytes());
        let signature = scope.key(&self.credentials.secret_key).sign(&text);
        let credential = &self.credentials.access_key;
        headers.push((
            "authorization",
            format!(
                "{ALGORITHM} Credential={credential}/{}, SignedHeaders={names}, Signature={signature}",
                scope.text()
            ),
        ));
        headers
    }
}

/// Day and time as signatures have them.
fn stamp(now: SystemTime) -> (String, String) {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let at =
        OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap_or(0)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let day = format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
    let time = format!("{day}T{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second());
    (day, time)
}

/// A path with everything but unreserved characters and `/` percent-encoded.
pub fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// A query of names that are in order.
pub fn encode_query(pairs: &[(&str, &str)]) -> String {
    let mut pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The example "GET Bucket (List Objects)" of the S3 API reference, "Signature Calculations for the Authorization
    /// Header".
    #[test]
    fn the_reference_example_is_signed_as_there() {
        let signer = Signer {
            credentials: crate::s3::Credentials {
                access_key: "AKIAIOSFODNN7EXAMPLE".into(),
                secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            },
            session_token: None,
            region: "us-east-1".into(),
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let query = encode_query(&[("max-keys", "2"), ("prefix", "J")]);
        let headers = signer.headers("examplebucket.s3.amazonaws.com", "/", &query, now);
        let authorization = &headers.last().unwrap().1;
        assert!(
            authorization.ends_with("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
            "{authorization}"
        );
    }

    #[test]
    fn paths_and_queries_are_encoded() {
        assert_eq!(encode_path("a b/ü+/~"), "a%20b/%C3%BC%2B/~");
        assert_eq!(encode_query(&[("prefix", "a/b"), ("list-type", "2")]), "list-type=2&prefix=a%2Fb");
    }
}
