//! The HTTP server: accepting, bounding and draining connections.

mod connection;
mod guarded_io;
pub(super) mod stall;

use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tracing::{debug, info, warn};

use super::request::Requests;
use super::settings::{Credentials, ServerSettings};
use crate::object::Objects;

/// Connections over the limit that are answered at a time; the rest are closed without an answer.
const MAX_REFUSALS: usize = 64;
/// Pause after a failed accept, for example when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What connections are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Finish the request under way, then close.
    Draining,
    /// Close now.
    Closing,
}

/// Serves S3 on all `listeners` until `shutdown` is ready, then stops accepting, lets requests under way finish for
/// `settings.drain_timeout` and closes what is left. Closing the store is the caller's.
///
/// # Errors
/// A domain in `settings` that is not one, or a region that is not one.
pub async fn serve(
    listeners: Vec<TcpListener>,
    objects: Objects,
    credentials: Credentials,
    settings: ServerSettings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let requests = Arc::new(Requests::new(objects, credentials, &settings)?);
    let connections = Arc::new(Semaphore::new(settings.max_connections));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    let (phase, watched) = watch::channel(Phase::Serving);

    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listeners) => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        start(stream, &requests, &settings, &connections, &refusals, &watched);
    }
    drop(listeners);

    info!("shutting down: waiting for requests under way");
    let all = u32::try_from(settings.max_connections).unwrap_or(u32::MAX);
    // Receivers live in the connections' tasks; with none left there is nobody to tell.
    let _ = phase.send(Phase::Draining);
    if tokio::time::timeout(settings.drain_timeout, connections.acquire_many(all)).await.is_err() {
        let left = settings.max_connections - connections.available_permits();
        warn!(connections = left, "requests did not finish in time: closing their connections");
        let _ = phase.send(Phase::Closing);
        let _ = connections.acquire_many(all).await;
    }
    Ok(())
}

/// The next connection to any of them.
async fn accept(listeners: &[TcpListener]) -> io::Result<TcpStream> {
    poll_fn(|cx| {
        let mut accepted = listeners.iter().map(|listener| listener.poll_accept(cx));
        match accepted.find(Poll::is_ready) {
            Some(accepted) => accepted.map_ok(|(stream, _)| stream),
            None => Poll::Pending,
        }
    })
    .await
}

fn start(
    stream: TcpStream,
    requests: &Arc<Requests>,
    settings: &ServerSettings,
    connections: &Arc<Semaphore>,
    refusals: &Arc<Semaphore>,
    phase: &watch::Receiver<Phase>,
) {
    // Answers are written whole; waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "setting TCP_NODELAY failed");
    }
    if let Ok(permit) = connections.clone().try_acquire_owned() {
        let (requests, settings, phase) = (requests.clone(), settings.clone(), phase.clone());
        tokio::spawn(async move {
            connection::run(stream, requests, &settings, phase).await;
            drop(permit);
        });
    } else if let Ok(permit) = refusals.clone().try_acquire_owned() {
        let requests = requests.clone();
        tokio::spawn(async move {
            connection::refuse(stream, &requests).await;
            drop(permit);
        });
    }
}
