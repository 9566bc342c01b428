//! A case's request in bytes, and its answer.

use std::io::Write as _;
use std::net::Shutdown;

use crate::case::{Date, Signing, Step};
use crate::server::{Answer, Connection, Server};
use crate::sigv2;
use crate::sigv4::{DateHeader, Request, Signed};
use crate::variables::Variables;

/// How long a presigned request is good, in seconds, unless the case says otherwise.
const EXPIRES: i64 = 600;
/// Bytes that frame a signed chunk besides its length in hex: the signature and two line ends.
const CHUNK_SIGNATURE_LINE: usize = ";chunk-signature=".len() + 64 + 4;

/// Sends a case's requests.
pub struct Sender<'a> {
    server: &'a Server,
    connection: Option<Connection>,
}

impl<'a> Sender<'a> {
    pub fn new(server: &'a Server) -> Self {
        Sender { server, connection: None }
    }

    pub fn send(&mut self, step: &Step, variables: &Variables) -> Result<Answer, String> {
        let (head, body) = bytes(step, variables, &self.server.host)?;
        let mut connection = match self.connection.take() {
            Some(kept) if step.same_connection => kept,
            _ => self.server.connect(),
        };
        // The server may answer and close before it has read everything.
        let mut early = None;
        if step.wait_for_continue {
            let _ = connection.stream.write_all(&head);
            let answer = connection.answer();
            if answer.status == 100 {
                let _ = connection.stream.write_all(&body);
            } else if step.continues {
                return Err(format!("no 100 Continue came, but {}", answer.status));
            } else {
                early = Some(answer);
            }
        } else {
            let _ = connection.stream.write_all(&[head.as_slice(), &body].concat());
        }
        if step.half_close {
            let _ = connection.stream.shutdown(Shutdown::Write);
        }
        let answer = match early {
            Some(answer) => answer,
            None if head.starts_with(b"HEAD ") => connection.head_answer(),
            None => loop {
                let answer = connection.answer();
                if answer.status != 100 {
                    break answer;
                }
            },
        };
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Has the server closed the connection of the last request?
    pub fn is_closed(&mut self) -> bool {
        self.connection.as_mut().is_none_or(Connection::is_closed)
    }
}

/// Head and body of a request.
fn bytes(step: &Step, variables: &Variables, host: &str) -> Result<(Vec<u8>, Vec<u8>), String> {
    if let Some(raw) = &step.raw {
        return Ok((variables.bytes(raw)?, Vec::new()));
    }
    let line = variables.text(step.send.as_deref().unwrap_or_default())?;
    let (method, target) = line.split_once(' ').ok_or_else(|| format!("{line:?} is not METHOD TARGET"))?;
    let mut request = Request::new(method, target);
    request.headers = headers(&step.headers, variables)?;
    request.unsigned = headers(&step.unsigned, variables)?;
    request.body = variables.bytes(&step.body)?;
    request.payload = step.payload.as_deref().map(|payload| variables.text(payload)).transpose()?;
    request.length = step.length;
    request.skew_seconds = step.skew;
    request.signs_host = !step.unsigned_host;
    request.date = match step.date {
        Date::Amz => DateHeader::Amz,
        Date::Http => DateHeader::Http,
        Date::Iso => DateHeader::Iso,
        Date::None => DateHeader::None,
    };
    if let Some(region) = &step.region {
        request.scope.region = variables.text(region)?;
    }
    if let Some(service) = &step.service {
        request.scope.service = variables.text(service)?;
    }
    let chunks = step
        .signed_chunks
        .as_ref()
        .map(|chunks| chunks.iter().map(|chunk| variables.bytes(chunk)).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    let after = variables.bytes(&step.after_chunks)?;
    let trailers: Vec<String> =
        step.signed_trailers.iter().map(|line| variables.text(line)).collect::<Result<_, _>>()?;
    if let Some(chunks) = &chunks {
        announce(&mut request, chunks, after.len() + trailers_len(&trailers), step.length);
        if !trailers.is_empty() {
            request.payload.get_or_insert_with(|| "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER".to_owned());
        }
        request.payload.get_or_insert_with(|| "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned());
    }
    let expires = step.expires.unwrap_or(EXPIRES);
    let signed = match step.sign {
        Signing::Header => request.sign(host),
        Signing::Query => request.sign_query(host, u32::try_from(expires).map_err(|_| "`expires` is negative")?),
        Signing::None => request.anonymous(host),
        Signing::HeaderV2 => sigv2::header(request).anonymous(host),
        Signing::QueryV2 => sigv2::query(request, expires).anonymous(host),
    };
    let body = match &chunks {
        Some(chunks) if trailers.is_empty() => [signed.chunks(chunks).0, after].concat(),
        Some(chunks) => {
            let (mut framed, last) = signed.chunks(chunks);
            framed.truncate(framed.len() - 2);
            [framed, signed.trailers(&trailers, &last), after].concat()
        }
        None => signed.body.clone(),
    };
    Ok((replaced(&signed, &step.replace, variables)?, body))
}

/// Lets the head of a request tell the lengths of its signed chunks.
fn announce(request: &mut Request, chunks: &[Vec<u8>], after: usize, length: Option<usize>) {
    let framed: usize = chunks.iter().map(|chunk| format!("{:x}", chunk.len()).len() + chunk.len()).sum();
    request.length = length.or(Some(framed + chunks.len() * CHUNK_SIGNATURE_LINE + after));
    let decoded: usize = chunks.iter().map(Vec::len).sum();
    if !request.headers.iter().any(|(name, _)| name == "x-amz-decoded-content-length") {
        request.headers.push(("x-amz-decoded-content-length".to_owned(), decoded.to_string().into_bytes()));
    }
}

/// By how much signed trailers make a body longer: they take the place of its last line end.
fn trailers_len(lines: &[String]) -> usize {
    if lines.is_empty() {
        return 0;
    }
    lines.iter().map(|line| line.len() + 2).sum::<usize>() + "x-amz-trailer-signature:".len() + 64 + 2
}

/// The head with texts put in place of others.
fn replaced(signed: &Signed, pairs: &[(String, String)], variables: &Variables) -> Result<Vec<u8>, String> {
    let mut head = signed.head.clone();
    for (from, to) in pairs {
        let (from, to) = (variables.bytes(from)?, variables.bytes(to)?);
        let at = head.windows(from.len().max(1)).position(|window| window == from);
        let at = at.ok_or_else(|| format!("{:?} is not in the request's head", String::from_utf8_lossy(&from)))?;
        head.splice(at..at + from.len(), to);
    }
    Ok(head)
}

/// Header lines, `NAME: VALUE`.
fn headers(lines: &[String], variables: &Variables) -> Result<Vec<(String, Vec<u8>)>, String> {
    lines
        .iter()
        .map(|line| {
            let line = variables.bytes(line)?;
            let at = line.iter().position(|byte| *byte == b':');
            let at = at.ok_or_else(|| format!("{:?} is not NAME: VALUE", String::from_utf8_lossy(&line)))?;
            let value = &line[at + 1..];
            let name = String::from_utf8(line[..at].to_vec()).map_err(|_| "a header's name is not UTF-8")?;
            Ok((name, value.strip_prefix(b" ").unwrap_or(value).to_vec()))
        })
        .collect()
}
