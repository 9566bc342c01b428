//! One connection that is served.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::debug;

use super::guarded_io::GuardedIo;
use super::phase::Phase;
use crate::s3::peers::pressure::{Direction, Peer};
use crate::s3::service::Service;
use crate::s3::settings::ServerSettings;

/// hyper's buffer per connection, which also bounds the request head that it answers itself with 431.
const MAX_HEAD: usize = 128 << 10;
/// Header fields of a request, beyond which hyper answers it itself with 431. Those of all metadata that may be sent
/// are fewer, so that requests which are merely too large get an answer that S3's clients understand.
const MAX_HEADERS: usize = 1024;
/// What a connection that has to make way for others is given to answer the request under way.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(500);

/// Serves requests until the client goes, stalls, has to make way for others, or the server closes.
pub async fn run(
    stream: TcpStream,
    peer: Peer,
    s3: Arc<Service>,
    settings: &ServerSettings,
    mut phase: watch::Receiver<Phase>,
) {
    let io = GuardedIo::new(stream, peer.watch(Direction::Download), peer.interim.clone());
    let slot = peer.slot.clone();
    let service = service_fn(move |request| {
        let (s3, peer) = (s3.clone(), peer.clone());
        async move { s3.answer(request, &peer).await }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    let mut serving = pin!(http.serve_connection(TokioIo::new(io), service));

    let mut draining = false;
    // Until the first request; later, until a connection that has to go is closed.
    let mut deadline = pin!(tokio::time::sleep(settings.first_request_timeout));
    let (mut timed, mut leaving) = (true, false);
    let ended = loop {
        tokio::select! {
            ended = serving.as_mut() => break ended,
            () = slot.evicted() => {
                if slot.is_blocked() {
                    debug!("a reader that takes nothing makes way for others");
                    return;
                }
                (timed, leaving) = (true, true);
                deadline.as_mut().reset(Instant::now() + LEAVE_TIMEOUT);
                serving.as_mut().graceful_shutdown();
            }
            () = deadline.as_mut(), if timed => {
                timed = false;
                if leaving || slot.requests() == 0 {
                    debug!(leaving, "a connection without a request that goes on is closed");
                    return;
                }
            }
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
