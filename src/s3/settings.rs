//! What the server can be told.

use std::time::Duration;

/// Connections served at a time where the system has descriptors enough.
pub const MAX_CONNECTIONS: usize = 2048;

/// Limits and names of the server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Connections served at a time. Beyond it the idlest are closed; if none is idle, the new one is answered 503
    /// SlowDown.
    pub max_connections: usize,
    /// Of those, the ones of one address.
    pub max_connections_per_peer: usize,
    /// Time until the first request on a connection.
    pub first_request_timeout: Duration,
    /// Time for a request's headers to arrive, which is also how long an idle connection is kept. Longer than the
    /// 60 seconds after which common reverse proxies drop theirs, so that they never reuse one that is being closed.
    pub header_timeout: Duration,
    /// Waiting time in which a peer must take or send at least `min_bytes_per_second`.
    pub stall_timeout: Duration,
    /// The same while others wait for memory or a connection that the peer holds: waiting time in which it must take or
    /// send at least `pressed_bytes_per_second`.
    pub pressed_timeout: Duration,
    /// Slowest peer that is put up with while others wait.
    pub pressed_bytes_per_second: u64,
    /// Slowest peer that is put up with, averaged over `stall_timeout`; time the server is not waiting does not count.
    pub min_bytes_per_second: u64,
    /// Most bytes of a request's header fields.
    pub max_header_bytes: usize,
    /// Most bytes of an XML request body; DeleteObjects and CompleteMultipartUpload at their limits need 1.5 MiB.
    pub max_xml_bytes: usize,
    /// How long requests may go on after a shutdown was asked for.
    pub drain_timeout: Duration,
    /// Domains under which buckets are host names; empty: path style only.
    pub domains: Vec<String>,
    /// Region that signatures must name; `None`: any, and `us-east-1` is what is told.
    pub region: Option<String>,
    /// Accept presigned GET, HEAD and PUT of signature version 2.
    pub v2_presigned: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        ServerSettings {
            max_connections: MAX_CONNECTIONS,
            max_connections_per_peer: MAX_CONNECTIONS / 2,
            first_request_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(75),
            stall_timeout: Duration::from_secs(30),
            pressed_timeout: Duration::from_secs(5),
            pressed_bytes_per_second: 64 << 10,
            min_bytes_per_second: 1 << 10,
            max_header_bytes: 16 << 10,
            max_xml_bytes: 2 << 20,
            drain_timeout: Duration::from_secs(5),
            domains: Vec::new(),
            region: None,
            v2_presigned: false,
        }
    }
}

impl ServerSettings {
    /// Bytes that must pass in each `stall_timeout` of waiting.
    pub(super) fn stall_quota(&self) -> u64 {
        quota(self.min_bytes_per_second, self.stall_timeout)
    }

    /// Bytes that must pass in each `pressed_timeout` of waiting while others wait.
    pub(super) fn pressed_quota(&self) -> u64 {
        quota(self.pressed_bytes_per_second, self.pressed_timeout)
    }
}

fn quota(bytes_per_second: u64, time: Duration) -> u64 {
    (bytes_per_second.saturating_mul(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)) / 1000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_is_the_rate_times_the_time_and_never_zero() {
        let mut settings = ServerSettings::default();
        assert_eq!(settings.stall_quota(), 1024 * 30);
        settings.min_bytes_per_second = 0;
        assert_eq!(settings.stall_quota(), 1);
    }
}
