//! A small SigV4 signer for raw HTTP tests.

use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

pub const ACCESS_KEY: &str = "test-root";
pub const SECRET_KEY: &str = "test-root-secret";
const REGION: &str = "us-east-1";
const BLOCK: usize = 64;

/// A request to sign. `path` and `query` are sent as they are given, so they must be percent-encoded already, and the
/// query's parameters in order.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub query: String,
    /// Signed headers besides `host` and the ones that the signer adds, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Headers added after signing.
    pub unsigned: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// `x-amz-content-sha256`; the body's digest unless set.
    pub payload: Option<String>,
    /// The signer's clock, relative to now.
    pub skew_seconds: i64,
    /// Content-Length to send instead of the body's.
    pub length: Option<usize>,
}

impl Request {
    pub fn new(method: &'static str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            unsigned: Vec::new(),
            body: Vec::new(),
            payload: None,
            skew_seconds: 0,
            length: None,
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn unsigned(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn payload(mut self, payload: &str) -> Self {
        self.payload = Some(payload.to_owned());
        self
    }

    pub fn skew(mut self, seconds: i64) -> Self {
        self.skew_seconds = seconds;
        self
    }

    pub fn length(mut self, length: usize) -> Self {
        self.length = Some(length);
        self
    }

    /// The request's bytes, and the signature that signed chunks go on from.
    pub fn sign(&self, host: &str) -> Signed {
        let stamp = Stamp::now(self.skew_seconds);
        let payload = self.payload.clone().unwrap_or_else(|| hex::encode(Sha256::digest(&self.body)));
        let mut headers = self.headers.clone();
        headers.push(("host".to_owned(), host.to_owned()));
        headers.push(("x-amz-content-sha256".to_owned(), payload.clone()));
        headers.push(("x-amz-date".to_owned(), stamp.time.clone()));
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let listed: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let canonical =
            format!("{}\n{}\n{}\n{listed}\n{names}\n{payload}", self.method, self.path, canonical_query(&self.query));
        let signature = stamp.sign(&stamp.string_to_sign(&canonical));
        let scope = stamp.scope();
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}");

        let target = if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let mut head = format!("{} {target} HTTP/1.1\r\n", self.method);
        for (name, value) in headers.iter().chain(&self.unsigned) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("authorization: {authorization}\r\n"));
        if !self.body.is_empty() || matches!(self.method, "PUT" | "POST") {
            head.push_str(&format!("content-length: {}\r\n", self.length.unwrap_or(self.body.len())));
        }
        head.push_str("\r\n");
        Signed { head: head.into_bytes(), body: self.body.clone(), signature, stamp }
    }

    /// A presigned target, good for `seconds`.
    pub fn presign(&self, host: &str, seconds: u32) -> String {
        let stamp = Stamp::now(self.skew_seconds);
        let credential = encode(&format!("{ACCESS_KEY}/{}", stamp.scope()));
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={}&X-Amz-Expires={seconds}\
             &X-Amz-SignedHeaders=host",
            stamp.time
        );
        if !self.query.is_empty() {
            query.push_str(&format!("&{}", self.query));
        }
        let canonical = format!(
            "{}\n{}\n{}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD",
            self.method,
            self.path,
            canonical_query(&query)
        );
        let signature = stamp.sign(&stamp.string_to_sign(&canonical));
        format!("{}?{query}&X-Amz-Signature={signature}", self.path)
    }
}

/// A signed request in bytes.
pub struct Signed {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    pub signature: String,
    pub stamp: Stamp,
}

impl Signed {
    /// Head and body.
    pub fn bytes(self) -> Vec<u8> {
        [self.head, self.body].concat()
    }

    /// The body cut into one signed chunk and the closing one.
    pub fn signed_chunks(&self, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut previous = self.signature.clone();
        for chunk in [data, &[]] {
            let text = format!(
                "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{previous}\n{}\n{}",
                self.stamp.time,
                self.stamp.scope(),
                hex::encode(Sha256::digest(b"")),
                hex::encode(Sha256::digest(chunk)),
            );
            previous = self.stamp.sign(&text);
            out.extend_from_slice(format!("{:x};chunk-signature={previous}\r\n", chunk.len()).as_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        out
    }
}

/// The time of a signature.
pub struct Stamp {
    day: String,
    time: String,
}

impl Stamp {
    fn now(skew_seconds: i64) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let at = time::OffsetDateTime::from_unix_timestamp(now as i64 + skew_seconds).unwrap();
        let day = format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
        let time = format!("{day}T{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second());
        Stamp { day, time }
    }

    fn scope(&self) -> String {
        format!("{}/{REGION}/s3/aws4_request", self.day)
    }

    fn string_to_sign(&self, canonical: &str) -> String {
        let digest = hex::encode(Sha256::digest(canonical));
        format!("AWS4-HMAC-SHA256\n{}\n{}\n{digest}", self.time, self.scope())
    }

    fn sign(&self, text: &str) -> String {
        let day = hmac(format!("AWS4{SECRET_KEY}").as_bytes(), self.day.as_bytes());
        let region = hmac(&day, REGION.as_bytes());
        let service = hmac(&region, b"s3");
        let key = hmac(&service, b"aws4_request");
        hex::encode(hmac(&key, text.as_bytes()))
    }
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
        .collect();
    pairs.sort();
    pairs.join("&")
}

/// Percent-encoding of everything but unreserved characters.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
