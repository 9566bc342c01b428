//! Version 2 signatures, as old clients make them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::sigv4::{ACCESS_KEY, Request, SECRET_KEY, encode};

/// Query names that are part of what is signed.
const SIGNED: [&str; 26] = [
    "acl",
    "cors",
    "delete",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "website",
];

/// Signs into `Authorization`.
pub fn header(mut request: Request) -> Request {
    let date = "x-amz-date".to_owned();
    let now = time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc2822).unwrap();
    request.headers.push((date, now.into_bytes()));
    let signature = sign(&request, "");
    request.headers.push(("authorization".to_owned(), format!("AWS {ACCESS_KEY}:{signature}").into_bytes()));
    request
}

/// Signs into the query, good for `seconds`.
pub fn query(mut request: Request, seconds: i64) -> Request {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let expires = (now + seconds).to_string();
    let signature = sign(&request, &expires);
    let own = format!("AWSAccessKeyId={ACCESS_KEY}&Signature={}&Expires={expires}", encode(&signature));
    request.query = if request.query.is_empty() { own } else { format!("{}&{own}", request.query) };
    request
}

fn sign(request: &Request, date: &str) -> String {
    let header = |name: &str| {
        let found = request.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    let mut amz: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(value).trim().to_owned()))
        .filter(|(name, _)| name.starts_with("x-amz-"))
        .collect();
    amz.extend(request.query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.to_ascii_lowercase();
        name.starts_with("x-amz-").then(|| (name, decoded(value)))
    }));
    amz.sort();
    let amz: String = amz.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let mut signed: Vec<String> = request
        .query
        .split('&')
        .filter(|pair| SIGNED.contains(&pair.split('=').next().unwrap_or_default()))
        .map(|pair| pair.split_once('=').map_or(pair.to_owned(), |(name, value)| format!("{name}={}", decoded(value))))
        .collect();
    signed.sort();
    let resource = match signed.is_empty() {
        true => request.path.clone(),
        false => format!("{}?{}", request.path, signed.join("&")),
    };
    let text =
        format!("{}\n{}\n{}\n{date}\n{amz}{resource}", request.method, header("content-md5"), header("content-type"));
    let mut mac = Hmac::<Sha1>::new_from_slice(SECRET_KEY.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                bytes.extend(hex::decode([*high, *low]).unwrap());
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
