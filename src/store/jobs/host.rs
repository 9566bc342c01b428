//! What the runner needs of what jobs work on.

/// What jobs work on: the store.
pub trait Host: Sized + 'static {
    /// A handle that does not keep it open.
    type Lent: Send + 'static;

    fn lent(&self) -> Self::Lent;

    /// It, unless it is closed.
    fn borrowed(lent: &Self::Lent) -> Option<Self>;

    /// What its clock says, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// Whether nothing is under way for clients.
    fn is_idle(&self) -> bool;
}
