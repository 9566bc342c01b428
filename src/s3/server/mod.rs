//! The HTTP server: accepting, bounding and draining connections.

mod connection;
mod guarded_io;
pub(super) mod pressure;
pub(super) mod refusal;
pub(super) mod slots;
mod stall;

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{debug, info, warn};

use self::pressure::{Peer, Pressure};
use self::refusal::Refusals;
use self::slots::Slots;
use super::request::Requests;
use super::settings::{Credentials, ServerSettings};
use crate::object::Objects;

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
    let slots = Slots::new(settings.max_connections, settings.max_connections_per_peer);
    let pressure = Pressure::new(slots.clone(), objects.clone(), &settings);
    let requests = Arc::new(Requests::new(objects, credentials, &settings)?);
    let (phase, watched) = watch::channel(Phase::Serving);
    let serving = Serving { requests, settings, slots, refusals: Refusals::new(), pressure, phase: watched };

    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listeners) => accepted,
        };
        match accepted {
            Ok((stream, from)) => serving.start(stream, from),
            Err(error) => {
                warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listeners);

    info!("shutting down: waiting for requests under way");
    // Receivers live in the connections' tasks; with none left there is nobody to tell.
    let _ = phase.send(Phase::Draining);
    if tokio::time::timeout(serving.settings.drain_timeout, serving.slots.emptied()).await.is_err() {
        warn!(connections = serving.slots.len(), "requests did not finish in time: closing their connections");
        let _ = phase.send(Phase::Closing);
        serving.slots.emptied().await;
    }
    Ok(())
}

/// The next connection to any of them.
async fn accept(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|cx| {
        let mut accepted = listeners.iter().map(|listener| listener.poll_accept(cx));
        match accepted.find(Poll::is_ready) {
            Some(accepted) => accepted,
            None => Poll::Pending,
        }
    })
    .await
}

/// What every connection needs.
struct Serving {
    requests: Arc<Requests>,
    settings: ServerSettings,
    slots: Arc<Slots>,
    refusals: Arc<Refusals>,
    pressure: Arc<Pressure>,
    phase: watch::Receiver<Phase>,
}

impl Serving {
    fn start(&self, stream: TcpStream, from: SocketAddr) {
        // Answers are written whole; waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "setting TCP_NODELAY failed");
        }
        let admitted = match self.slots.admit(from.ip().to_canonical()) {
            Ok(admitted) => admitted,
            Err(why) => return self.refusals.refuse(stream, why, &self.requests),
        };
        let peer = Peer::new(admitted.slot.clone(), self.pressure.clone());
        let (requests, settings, phase) = (self.requests.clone(), self.settings.clone(), self.phase.clone());
        tokio::spawn(async move {
            connection::run(stream, peer, requests, &settings, phase).await;
            drop(admitted);
        });
    }
}
