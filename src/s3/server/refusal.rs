//! Connections for which there is no room: they are told so, and health is answered all the same.
//!
//! An orchestrator that gets no answer from a server which is merely busy would restart it. So a connection over the
//! limit is listened to for a moment: if it asks for health, it is answered; else it gets 503. The number of those is
//! bounded, the newest is listened to first, and one that has to make way gets its 503 at once.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Method, Response};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tracing::debug;

use crate::s3::peers::slots::Refused;
use crate::s3::service::Service;

/// Connections over the limit that are open at a time; the rest wait to be accepted, which takes a moment.
pub const MAX_REFUSALS: usize = 96;
/// Of those, the ones that are listened to.
const MAX_LISTENING: usize = 64;
/// Bytes of a request that are looked at.
const MAX_HEAD: usize = 4 << 10;
/// What is read of a refused client's request, so that closing does not make the answer get lost.
const MAX_REFUSED_BYTES: usize = 64 << 10;
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Those that are being refused.
pub struct Refusals {
    open: Arc<Semaphore>,
    listening: Mutex<VecDeque<Arc<Notify>>>,
}

impl Refusals {
    pub fn new() -> Arc<Self> {
        Arc::new(Refusals { open: Arc::new(Semaphore::new(MAX_REFUSALS)), listening: Mutex::default() })
    }

    /// Refuses a connection, in a task of its own.
    pub async fn refuse(self: &Arc<Self>, stream: TcpStream, why: Refused, service: &Arc<Service>) {
        // Those that are not listened to any more end at once. The semaphore is never closed.
        let Ok(permit) = self.open.clone().acquire_owned().await else { return };
        let (service, hurry) = (service.clone(), Arc::new(Notify::new()));
        let mut listening = self.listening.lock();
        listening.push_back(hurry.clone());
        if listening.len() > MAX_LISTENING
            && let Some(oldest) = listening.pop_front()
        {
            oldest.notify_one();
        }
        drop(listening);
        let refusals = self.clone();
        tokio::spawn(async move {
            if let Ok(Err(error)) = tokio::time::timeout(REFUSAL_TIMEOUT, answer(stream, why, &service, &hurry)).await {
                debug!(%error, "refusing a connection failed");
            }
            refusals.listening.lock().retain(|other| !Arc::ptr_eq(other, &hurry));
            drop(permit);
        });
    }
}

async fn answer(mut stream: TcpStream, why: Refused, service: &Service, hurry: &Notify) -> io::Result<()> {
    let (head, hurried) = tokio::select! {
        head = read_head(&mut stream) => (head?, false),
        () = hurry.notified() => (Vec::new(), true),
    };
    let answer = match health(&head, service) {
        Some(health) => health,
        None => service.too_many_connections(why),
    };
    stream.write_all(&answer).await?;
    stream.shutdown().await?;
    let mut buffer = [0; 4096];
    let mut read = 0;
    while read < MAX_REFUSED_BYTES && !hurried {
        tokio::select! {
            bytes = stream.read(&mut buffer) => match bytes? {
                0 => break,
                bytes => read += bytes,
            },
            () = hurry.notified() => break,
        }
    }
    Ok(())
}

/// The head of a request, as far as it is looked at; a little less than all of [`REFUSAL_TIMEOUT`] is left for it.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(512);
    let reading = async {
        while head.len() < MAX_HEAD && !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    match tokio::time::timeout(REFUSAL_TIMEOUT / 2, reading).await {
        Ok(read) => read.map(|()| head),
        Err(_) => Ok(head),
    }
}

/// The whole answer to a request for health that is not signed, which would mean a bucket of that name.
fn health(head: &[u8], service: &Service) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let method = Method::from_bytes(words.next()?.as_bytes()).ok()?;
    let target: hyper::Uri = words.next()?.parse().ok()?;
    let signed = lines.any(|line| line.get(..14).is_some_and(|name| name.eq_ignore_ascii_case("authorization:")));
    if signed || target.query().is_some() {
        return None;
    }
    service.health(&method, target.path()).map(written)
}

fn written(answer: Response<bytes::Bytes>) -> Vec<u8> {
    let status = answer.status();
    let mut text = format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or_default());
    for (name, value) in answer.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    text.push_str("connection: close\r\n\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(answer.body());
    bytes
}
