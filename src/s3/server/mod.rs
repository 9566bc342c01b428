//! The HTTP server: accepting, bounding and draining connections.

mod connection;
mod guarded_io;
mod phase;
pub(super) mod refusal;

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use self::phase::Phase;
use self::refusal::Refusals;
use super::peers::pressure::{Peer, Pressure};
use super::peers::slots::Slots;
use super::service::Service;
use super::settings::ServerSettings;
use crate::object::Objects;
use deltastore_iam::Credentials;

/// Pause after a failed accept, for example when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What connections have to close that are told to.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// What a run of the optimizer has to end that is told to, from the beginning of the shutdown.
const RUN_TIMEOUT: Duration = Duration::from_secs(1);

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
    let service = Arc::new(Service::new(objects, credentials, &settings)?);
    let (phase, watched) = watch::channel(Phase::Serving);
    let serving = Serving { service, settings, slots, refusals: Refusals::new(), pressure, phase: watched };

    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listeners) => accepted,
        };
        match accepted {
            Ok((stream, from)) => serving.start(stream, from).await,
            Err(error) => {
                warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listeners);

    info!("shutting down: waiting for requests under way");
    let begun = Instant::now();
    // Receivers live in the connections' tasks; with none left there is nobody to tell.
    let _ = phase.send(Phase::Draining);
    if tokio::time::timeout(serving.settings.drain_timeout, serving.slots.emptied()).await.is_err() {
        warn!(connections = serving.slots.len(), "requests did not finish in time: closing their connections");
        let _ = phase.send(Phase::Closing);
        // Their tasks end at once, but for what they are computing.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, serving.slots.emptied()).await;
    }
    // It was told to stop when the shutdown began.
    serving.service.finish_runs(RUN_TIMEOUT.saturating_sub(begun.elapsed())).await;
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

/// What counts as one address: of IPv6 the network of 64 bits that one host has all addresses of.
fn address_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

/// What every connection needs.
struct Serving {
    service: Arc<Service>,
    settings: ServerSettings,
    slots: Arc<Slots>,
    refusals: Arc<Refusals>,
    pressure: Arc<Pressure>,
    phase: watch::Receiver<Phase>,
}

impl Serving {
    async fn start(&self, stream: TcpStream, from: SocketAddr) {
        // Answers are written whole; waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "setting TCP_NODELAY failed");
        }
        let admitted = match self.slots.admit(address_of(from.ip())) {
            Ok(admitted) => admitted,
            Err(why) => return self.refusals.refuse(stream, why, &self.service).await,
        };
        let peer = Peer::new(admitted.slot.clone(), self.pressure.clone());
        let (service, settings, phase) = (self.service.clone(), self.settings.clone(), self.phase.clone());
        tokio::spawn(async move {
            connection::run(stream, peer, service, &settings, phase).await;
            drop(admitted);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_host_count_as_one() {
        let address = |text: &str| address_of(text.parse().expect("an address"));
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
        assert_ne!(address("10.0.0.1"), address("10.0.0.2"));
        assert_eq!(address("2001:db8:0:1::1"), address("2001:db8:0:1:ffff::2"));
        assert_ne!(address("2001:db8:0:1::1"), address("2001:db8:0:2::1"));
    }
}
