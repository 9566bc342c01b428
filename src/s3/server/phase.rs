//! What connections are told about the server's end.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Serving,
    /// Finish the request under way, then close.
    Draining,
    /// Close now.
    Closing,
}
