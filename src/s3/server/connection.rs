//! One connection, served or refused.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::debug;

use super::Phase;
use super::guarded_io::GuardedIo;
use super::stall::StallClock;
use crate::s3::request::Requests;
use crate::s3::settings::ServerSettings;

/// hyper's buffer per connection, which also bounds the request head that it answers itself with 431.
const BUFFER: usize = 128 << 10;
/// Header fields of a request, beyond which hyper answers it itself with 431. Those of all metadata that may be sent are fewer, so
/// that requests which are merely too large get an answer that S3's clients understand.
const MAX_HEADERS: usize = 1024;
/// What is read of a refused client's request, so that closing does not make the answer get lost.
const REFUSED_BYTES: usize = 64 << 10;
const REFUSED_TIME: Duration = Duration::from_secs(1);

/// Serves requests until the client goes, stalls, or the server closes.
pub async fn run(
    stream: TcpStream,
    requests: Arc<Requests>,
    settings: &ServerSettings,
    mut phase: watch::Receiver<Phase>,
) {
    let io = GuardedIo::new(stream, StallClock::new(settings.stall_timeout, settings.stall_quota()));
    let service = service_fn(move |request| {
        let requests = requests.clone();
        async move { requests.answer(request).await }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(BUFFER)
        .max_headers(MAX_HEADERS);
    let mut serving = pin!(http.serve_connection(TokioIo::new(io), service));

    let mut draining = false;
    let ended = loop {
        tokio::select! {
            ended = serving.as_mut() => break ended,
            changed = phase.changed() => match (changed, *phase.borrow_and_update()) {
                (Ok(()), Phase::Draining) if !draining => {
                    draining = true;
                    serving.as_mut().graceful_shutdown();
                }
                (Ok(()), Phase::Serving | Phase::Draining) => {}
                (Ok(()), Phase::Closing) | (Err(_), _) => return,
            },
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended early");
    }
}

/// Answers 503 and closes.
pub async fn refuse(mut stream: TcpStream, requests: &Requests) {
    let answer = async {
        stream.write_all(&requests.too_many_connections()).await?;
        stream.shutdown().await?;
        let mut buffer = [0; 4096];
        let mut read = 0;
        while read < REFUSED_BYTES {
            match stream.read(&mut buffer).await? {
                0 => break,
                bytes => read += bytes,
            }
        }
        std::io::Result::Ok(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(REFUSED_TIME, answer).await {
        debug!(%error, "refusing a connection failed");
    }
}
