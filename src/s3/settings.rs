//! What the server can be told.

use std::fmt;
use std::time::Duration;

/// The root user's keys.
#[derive(Clone)]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Limits and names of the server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Connections served at a time; further ones are answered 503 SlowDown and closed.
    pub max_connections: usize,
    /// Time for a request's headers to arrive, which is also how long an idle connection is kept. Longer than the
    /// 60 seconds after which common reverse proxies drop theirs, so that they never reuse one that is being closed.
    pub header_timeout: Duration,
    /// Waiting time in which a peer must take or send at least `min_bytes_per_second`.
    pub stall_timeout: Duration,
    /// Longest time in which an upload may send nothing while others wait for the memory that it holds.
    pub pressed_timeout: Duration,
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
            max_connections: 1024,
            header_timeout: Duration::from_secs(75),
            stall_timeout: Duration::from_secs(30),
            pressed_timeout: Duration::from_secs(5),
            min_bytes_per_second: 256,
            max_header_bytes: 16 << 10,
            max_xml_bytes: 2 << 20,
            drain_timeout: Duration::from_secs(30),
            domains: Vec::new(),
            region: None,
            v2_presigned: false,
        }
    }
}

impl ServerSettings {
    /// Bytes that must pass in each `stall_timeout` of waiting.
    pub(super) fn stall_quota(&self) -> u64 {
        (self.min_bytes_per_second.saturating_mul(self.stall_timeout.as_millis() as u64) / 1000).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let credentials = Credentials { access_key: "ak".into(), secret_key: "hidden".into() };
        assert!(!format!("{credentials:?}").contains("hidden"));
    }

    #[test]
    fn the_quota_is_the_rate_times_the_time_and_never_zero() {
        let mut settings = ServerSettings::default();
        assert_eq!(settings.stall_quota(), 256 * 30);
        settings.min_bytes_per_second = 0;
        assert_eq!(settings.stall_quota(), 1);
    }
}
