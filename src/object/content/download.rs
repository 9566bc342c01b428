//! Bodies out: fetched in order, reading ahead while there is memory for it.

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use deltastore_format::{Entry, Recipe};
use futures::stream::{FuturesOrdered, Stream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;

use super::{Budget, run_read};
use crate::store::{ReadPins, Store, StoreError, Walk, slice_of};

/// Windows of one download that are read ahead.
const READ_AHEAD: usize = 3;
/// Bytes of a window that go out at a time where there is no memory for all of it. They are copied, so that the window
/// is not held until a slow client has taken them.
const PIECE: u64 = 32 << 10;

/// The bytes of a range of a recipe, in order, verified, reading ahead.
pub fn read_body(store: &Store, budget: &Budget, recipe: &Recipe, range: Range<u64>, pins: ReadPins) -> BodyReader {
    BodyReader {
        store: store.clone(),
        budget: budget.clone(),
        walk: Some(Walk::new(recipe, range)),
        _pins: pins,
        rest: None,
        stepping: None,
        windows: FuturesOrdered::new(),
        primed: None,
    }
}

type Step = (Walk, Result<Option<Entry>, StoreError>);
type Stepping = Pin<Box<dyn Future<Output = Result<Step, StoreError>> + Send>>;
type Fetch = Pin<Box<dyn Future<Output = Result<Bytes, StoreError>> + Send>>;

/// A stream of verified bytes.
pub struct BodyReader {
    store: Store,
    budget: Budget,
    walk: Option<Walk>,
    /// Taken from the walk and not fetched yet.
    rest: Option<Entry>,
    stepping: Option<Stepping>,
    windows: FuturesOrdered<Fetch>,
    primed: Option<Bytes>,
    /// An object may be deleted or stored otherwise while it is read.
    _pins: ReadPins,
}

impl BodyReader {
    /// Waits for the first bytes, so that an error can still become a status.
    ///
    /// # Errors
    /// The first window's.
    pub async fn prime(mut self) -> Result<Self, StoreError> {
        if let Some(first) = self.next().await {
            self.primed = Some(first?);
        }
        Ok(self)
    }

    /// Starts fetching the next windows until enough are under way.
    fn fill(&mut self, context: &mut Context<'_>) -> Result<(), StoreError> {
        while self.windows.len() < READ_AHEAD {
            if let Some(entry) = self.rest.take() {
                if self.fetch(entry) {
                    continue;
                }
                return Ok(());
            }
            let (walk, step) = match (self.stepping.take(), self.walk.take()) {
                (Some(mut stepping), _) => match stepping.as_mut().poll(context) {
                    Poll::Pending => {
                        self.stepping = Some(stepping);
                        return Ok(());
                    }
                    Poll::Ready(step) => step?,
                },
                (None, Some(mut walk)) => match walk.take_window() {
                    Some(entry) => (walk, Ok(Some(entry))),
                    None if walk.is_done() => return Ok(()),
                    None => {
                        let store = self.store.clone();
                        let pool = self.store.clone();
                        self.stepping = Some(Box::pin(async move {
                            run_read(&pool, move |_| {
                                let step = store.step(&mut walk);
                                (walk, step)
                            })
                            .await
                        }));
                        continue;
                    }
                },
                (None, None) => return Ok(()),
            };
            let Some(entry) = step? else { return Ok(()) };
            self.walk = Some(walk);
            self.rest = Some(entry);
        }
        Ok(())
    }

    /// Starts fetching an entry, or as much of it as there is memory for; false if the rest has to wait until what is
    /// under way is out.
    fn fetch(&mut self, mut entry: Entry) -> bool {
        let ahead = !self.windows.is_empty();
        let permit = self.budget.window(entry.len, ahead);
        let whole = permit.is_some();
        if !whole {
            if ahead {
                self.rest = Some(entry);
                return false;
            }
            let piece = entry.len.min(PIECE);
            if piece < entry.len {
                self.rest = Some(Entry { skip: entry.skip + piece, len: entry.len - piece, ..entry });
            }
            entry.len = piece;
        }
        self.windows.push_back(Box::pin(fetch(self.store.clone(), permit, entry)));
        whole
    }
}

impl Stream for BodyReader {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(primed) = self.primed.take() {
            return Poll::Ready(Some(Ok(primed)));
        }
        if let Err(error) = self.fill(context) {
            (self.walk, self.rest) = (None, None);
            self.windows.clear();
            return Poll::Ready(Some(Err(error)));
        }
        match self.windows.poll_next_unpin(context) {
            Poll::Ready(None) if self.stepping.is_some() => Poll::Pending,
            other => other,
        }
    }
}

/// One window slice, counted against the budget until its last byte is dropped; without memory for that, a copy.
async fn fetch(store: Store, permit: Option<OwnedSemaphorePermit>, entry: Entry) -> Result<Bytes, StoreError> {
    let bytes = match store.cached(&entry.hash) {
        Some(whole) => slice_of(&whole, &entry)?,
        None => {
            let inner = store.clone();
            run_read(&store, move |worker| inner.bytes_of(&entry, worker)).await??
        }
    };
    Ok(match permit {
        Some(permit) => Bytes::from_owner(Counted { bytes, _permit: permit }),
        None => {
            // The socket has its turn before the next piece is asked for: else many would be on their way at once.
            tokio::task::yield_now().await;
            Bytes::copy_from_slice(&bytes)
        }
    })
}

struct Counted {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
