//! AWS Signature Version 4: the text that is signed and the key that signs it, for those who sign and for those who
//! verify.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::percent::encode;

pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The digest of an empty body.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A moment in seconds since 1970 as signatures have it: `YYYYMMDDThhmmssZ`.
pub fn timestamp(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = at.to_hms();
    format!("{:04}{:02}{:02}T{hour:02}{minute:02}{second:02}Z", at.year(), u8::from(at.month()), at.day())
}

/// What a key is good for.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// `YYYYMMDD`
    pub day: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

impl Scope<'_> {
    pub fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day, self.region, self.service)
    }

    /// The key of this scope.
    pub fn key(&self, secret: &str) -> SigningKey {
        let steps = [self.day, self.region, self.service, "aws4_request"];
        let secret = keyed(format!("AWS4{secret}").as_bytes());
        SigningKey(steps.iter().fold(secret, |mac, step| keyed(&mac.chain_update(step).finalize().into_bytes())))
    }
}

/// Signs within one scope. Never printed, nor is what it computes for a request that somebody else signed.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    pub fn sign(&self, text: &str) -> String {
        hex::encode(self.0.clone().chain_update(text).finalize().into_bytes())
    }

    /// Is `signature`, in hex of lower case, that of the text? The time it takes does not depend on where they differ.
    pub fn verifies(&self, text: &str, signature: &str) -> bool {
        let lower = signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match hex::decode(signature) {
            Ok(bytes) => lower && self.0.clone().chain_update(text).verify_slice(&bytes).is_ok(),
            Err(_) => false,
        }
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// `time` as in `x-amz-date`.
pub fn string_to_sign(time: &str, scope: &Scope<'_>, canonical: &[u8]) -> String {
    format!("{ALGORITHM}\n{time}\n{}\n{}", scope.text(), hex::encode(Sha256::digest(canonical)))
}

/// The request in its canonical form. `path` is encoded, `query` are decoded pairs in any order, `headers` those that
/// are signed, in the order of their names' list, with their values as sent.
pub fn canonical_request(
    method: &str,
    path: &str,
    query: &[(String, String)],
    headers: &[(String, Vec<&[u8]>)],
    payload: &str,
) -> Vec<u8> {
    let query = canonical_query(query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut out = format!("{method}\n{path}\n{query}\n").into_bytes();
    for (name, values) in headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        for (number, value) in values.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            single_blanks(value, &mut out);
        }
        out.push(b'\n');
    }
    out.push(b'\n');
    for (number, (name, _)) in headers.iter().enumerate() {
        if number > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b'\n');
    out.extend_from_slice(payload.as_bytes());
    out
}

/// Decoded pairs in any order, as they are signed.
pub fn canonical_query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<(String, String)> = pairs.map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Appends a value without blanks around it, and one where there are several.
fn single_blanks(value: &[u8], out: &mut Vec<u8>) {
    let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (number, word) in words.enumerate() {
        if number > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example "GET Object" of the S3 API reference, "Signature Calculations for the Authorization Header".
    #[test]
    fn the_reference_example_verifies_and_others_do_not() {
        let scope = Scope { day: "20130524", region: "us-east-1", service: "s3" };
        let time = "20130524T000000Z";
        let headers: Vec<(String, Vec<&[u8]>)> = [
            ("host", &b"examplebucket.s3.amazonaws.com"[..]),
            ("range", b"bytes=0-9"),
            ("x-amz-content-sha256", EMPTY_SHA256.as_bytes()),
            ("x-amz-date", time.as_bytes()),
        ]
        .map(|(name, value)| (name.to_owned(), vec![value]))
        .into();
        let canonical = canonical_request("GET", "/test.txt", &[], &headers, EMPTY_SHA256);
        let text = string_to_sign(time, &scope, &canonical);
        let key = scope.key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert_eq!(key.sign(&text), signature);
        assert!(key.verifies(&text, signature));
        for wrong in ["", "f0", &signature.to_uppercase(), &signature.replace('f', "e"), &format!("{signature}00")] {
            assert!(!key.verifies(&text, wrong), "{wrong}");
        }
        assert!(!key.verifies(&format!("{text}x"), signature));
    }

    #[test]
    fn values_are_trimmed_and_joined_and_pairs_are_sorted() {
        let headers = vec![("a".to_owned(), vec![&b" x   y "[..], b"z"])];
        let pairs = [("b", "2"), ("b", "1"), ("a b", "/")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let canonical = canonical_request("GET", "/", &pairs, &headers, "P");
        assert_eq!(String::from_utf8(canonical).unwrap(), "GET\n/\na%20b=%2F&b=1&b=2\na:x y,z\n\na\nP");
    }
}
