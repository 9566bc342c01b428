//! A small SigV4 signer for raw HTTP tests.

use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

pub const ACCESS_KEY: &str = "test-root";
pub const SECRET_KEY: &str = "test-root-secret";
const REGION: &str = "us-east-1";
const SERVICE: &str = "s3";
const BLOCK: usize = 64;

/// A request to sign. `path` and `query` are sent as they are given, so they must be percent-encoded already.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Signed headers besides `host` and the ones that the signer adds.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Headers added after signing.
    pub unsigned: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// `x-amz-content-sha256`; the body's digest unless set.
    pub payload: Option<String>,
    /// The signer's clock, relative to now.
    pub skew_seconds: i64,
    /// Content-Length to send instead of the body's.
    pub length: Option<usize>,
    pub date: DateHeader,
    pub scope: Scope,
    /// Is `host` among the signed headers?
    pub signs_host: bool,
}

/// Which header tells the time of a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DateHeader {
    Amz,
    /// `Date`, as HTTP writes it.
    Http,
    /// `Date`, as `x-amz-date` writes it.
    Iso,
    None,
}

/// Region and service of a credential scope.
#[derive(Clone)]
pub struct Scope {
    pub region: String,
    pub service: String,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            unsigned: Vec::new(),
            body: Vec::new(),
            payload: None,
            skew_seconds: 0,
            length: None,
            date: DateHeader::Amz,
            scope: Scope { region: REGION.to_owned(), service: SERVICE.to_owned() },
            signs_host: true,
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    pub fn unsigned(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((name.to_owned(), value.as_bytes().to_vec()));
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
        let stamp = Stamp::now(self.skew_seconds, &self.scope);
        let payload = self.payload.clone().unwrap_or_else(|| hex::encode(Sha256::digest(&self.body)));
        let mut headers = self.headers.clone();
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.as_bytes().to_vec()));
        add("x-amz-content-sha256", &payload);
        match self.date {
            DateHeader::Amz => add("x-amz-date", &stamp.time),
            DateHeader::Http => add("date", &stamp.http),
            DateHeader::Iso => add("date", &stamp.time),
            DateHeader::None => {}
        }
        let (names, signature) = self.signature(&headers, host, &self.query, &payload, &stamp);
        let scope = stamp.scope();
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}");
        headers.push(("authorization".to_owned(), authorization.into_bytes()));
        let head = self.head(&self.target(&self.query), host, &headers);
        Signed { head, body: self.body.clone(), signature, stamp }
    }

    /// A presigned target, good for `seconds`.
    pub fn presign(&self, host: &str, seconds: u32) -> String {
        self.presigned(host, seconds).0
    }

    /// A presigned request, its headers signed too.
    pub fn sign_query(&self, host: &str, seconds: u32) -> Signed {
        let (target, signature, stamp) = self.presigned(host, seconds);
        Signed { head: self.head(&target, host, &self.headers), body: self.body.clone(), signature, stamp }
    }

    /// The request without a signature.
    pub fn anonymous(&self, host: &str) -> Signed {
        let stamp = Stamp::now(self.skew_seconds, &self.scope);
        let head = self.head(&self.target(&self.query), host, &self.headers);
        Signed { head, body: self.body.clone(), signature: String::new(), stamp }
    }

    fn presigned(&self, host: &str, seconds: u32) -> (String, String, Stamp) {
        let stamp = Stamp::now(self.skew_seconds, &self.scope);
        let credential = encode(&format!("{ACCESS_KEY}/{}", stamp.scope()));
        let names = encode(&self.signed_names(&self.headers));
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={}&X-Amz-Expires={seconds}\
             &X-Amz-SignedHeaders={names}",
            stamp.time
        );
        if !self.query.is_empty() {
            query.push_str(&format!("&{}", self.query));
        }
        let (_, signature) = self.signature(&self.headers, host, &query, "UNSIGNED-PAYLOAD", &stamp);
        (self.target(&format!("{query}&X-Amz-Signature={signature}")), signature, stamp)
    }

    /// The names of the signed headers, and the signature.
    fn signature(
        &self,
        headers: &[(String, Vec<u8>)],
        host: &str,
        query: &str,
        payload: &str,
        stamp: &Stamp,
    ) -> (String, String) {
        let names = self.signed_names(headers);
        let mut canonical = format!("{}\n{}\n{}\n", self.method, self.path, canonical_query(query)).into_bytes();
        for name in names.split(';').filter(|name| !name.is_empty()) {
            let values: Vec<Vec<u8>> = match name {
                "host" => vec![host.as_bytes().to_vec()],
                name => headers
                    .iter()
                    .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                    .map(|(_, value)| trimmed(value))
                    .collect(),
            };
            canonical.extend_from_slice(name.as_bytes());
            canonical.push(b':');
            canonical.extend_from_slice(&values.join(&b','));
            canonical.push(b'\n');
        }
        canonical.extend_from_slice(format!("\n{names}\n{payload}").as_bytes());
        let signature = stamp.sign(&stamp.string_to_sign(&canonical));
        (names, signature)
    }

    fn signed_names(&self, headers: &[(String, Vec<u8>)]) -> String {
        let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.extend(self.signs_host.then(|| "host".to_owned()));
        names.sort_unstable();
        names.dedup();
        names.join(";")
    }

    fn target(&self, query: &str) -> String {
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    fn head(&self, target: &str, host: &str, headers: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut head = format!("{} {target} HTTP/1.1\r\nhost: {host}\r\n", self.method).into_bytes();
        for (name, value) in headers.iter().chain(&self.unsigned) {
            head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if self.length.is_some() || !self.body.is_empty() || matches!(self.method.as_str(), "PUT" | "POST") {
            let length = self.length.unwrap_or(self.body.len());
            head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head
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
        self.chunks(&[data, &[]]).0
    }

    /// Each of `chunks` framed and signed, and the last one's signature.
    pub fn chunks<T: AsRef<[u8]>>(&self, chunks: &[T]) -> (Vec<u8>, String) {
        let mut out = Vec::new();
        let mut previous = self.signature.clone();
        for chunk in chunks.iter().map(AsRef::as_ref) {
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
        (out, previous)
    }
}

impl Signed {
    /// What comes after chunks whose last signature is `previous`, in place of the last line end: trailers,
    /// `NAME:VALUE`, and their signature.
    pub fn trailers(&self, lines: &[String], previous: &str) -> Vec<u8> {
        let canonical: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let digest = hex::encode(Sha256::digest(canonical));
        let (time, scope) = (&self.stamp.time, self.stamp.scope());
        let signature = self.stamp.sign(&format!("AWS4-HMAC-SHA256-TRAILER\n{time}\n{scope}\n{previous}\n{digest}"));
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!("{lines}x-amz-trailer-signature:{signature}\r\n\r\n").into_bytes()
    }
}

/// The time and scope of a signature.
pub struct Stamp {
    day: String,
    time: String,
    http: String,
    scope: Scope,
}

impl Stamp {
    fn now(skew_seconds: i64, scope: &Scope) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let at = time::OffsetDateTime::from_unix_timestamp(now as i64 + skew_seconds).unwrap();
        let day = format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
        let clock = format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second());
        let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
        let http = format!("{}, {:02} {} {:04} {clock} GMT", &weekday[..3], at.day(), &month[..3], at.year());
        let time = format!("{day}T{}Z", clock.replace(':', ""));
        Stamp { day, time, http, scope: scope.clone() }
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day, self.scope.region, self.scope.service)
    }

    fn string_to_sign(&self, canonical: &[u8]) -> String {
        let digest = hex::encode(Sha256::digest(canonical));
        format!("AWS4-HMAC-SHA256\n{}\n{}\n{digest}", self.time, self.scope())
    }

    fn sign(&self, text: &str) -> String {
        let day = hmac(format!("AWS4{SECRET_KEY}").as_bytes(), self.day.as_bytes());
        let region = hmac(&day, self.scope.region.as_bytes());
        let service = hmac(&region, self.scope.service.as_bytes());
        let key = hmac(&service, b"aws4_request");
        hex::encode(hmac(&key, text.as_bytes()))
    }
}

/// A header's value as it is signed: without blanks around it, and with one where there are several.
fn trimmed(value: &[u8]) -> Vec<u8> {
    let words = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
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
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
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
