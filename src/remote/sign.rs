//! Signing of GET requests in their headers.

use std::time::{SystemTime, UNIX_EPOCH};

use super::sigv4::{ALGORITHM, EMPTY_SHA256, Scope, canonical_query, canonical_request, string_to_sign, timestamp};
use deltastore_iam::Credentials;

/// Who signs, and for which region.
pub struct Signer {
    pub credentials: Credentials,
    pub session_token: Option<String>,
    pub region: String,
}

/// A request's target and headers.
pub struct SignedGet {
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Signer {
    /// A signed GET; `path` is encoded, `query` are decoded pairs.
    pub fn sign(&self, host: &str, path: &str, query: &[(&str, &str)], now: SystemTime) -> SignedGet {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let time = timestamp(i64::try_from(seconds).unwrap_or(0));
        let mut headers = vec![
            ("host", host.to_owned()),
            ("x-amz-content-sha256", EMPTY_SHA256.to_owned()),
            ("x-amz-date", time.clone()),
        ];
        headers.extend(self.session_token.clone().map(|token| ("x-amz-security-token", token)));
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let signed: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes()])).collect();
        let pairs: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let canonical = canonical_request("GET", path, &pairs, &signed, EMPTY_SHA256);
        let scope = Scope { day: &time[..8], region: &self.region, service: "s3" };
        let text = string_to_sign(&time, &scope, &canonical);
        let signature = scope.key(&self.credentials.secret_key).sign(&text);
        let credential = &self.credentials.access_key;
        let authorization = format!(
            "{ALGORITHM} Credential={credential}/{}, SignedHeaders={names}, Signature={signature}",
            scope.text()
        );
        headers.push(("authorization", authorization));
        let query = canonical_query(query.iter().copied());
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        SignedGet { target, headers }
    }
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
            credentials: Credentials {
                access_key: "AKIAIOSFODNN7EXAMPLE".into(),
                secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            },
            session_token: None,
            region: "us-east-1".into(),
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let signed = signer.sign("examplebucket.s3.amazonaws.com", "/", &[("prefix", "J"), ("max-keys", "2")], now);
        assert_eq!(signed.target, "/?max-keys=2&prefix=J");
        let authorization = &signed.headers.last().unwrap().1;
        assert!(
            authorization.ends_with("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
            "{authorization}"
        );
    }

    #[test]
    fn targets_are_encoded() {
        let credentials = Credentials { access_key: String::new(), secret_key: String::new() };
        let signer = Signer { credentials, session_token: None, region: String::new() };
        let target = |query: &[(&str, &str)]| signer.sign("h", "/b", query, UNIX_EPOCH).target;
        assert_eq!(target(&[("prefix", "a/b"), ("list-type", "2")]), "/b?list-type=2&prefix=a%2Fb");
        assert_eq!(target(&[]), "/b");
    }
}
