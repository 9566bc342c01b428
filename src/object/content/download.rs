//! Bodies out: fetched in order, reading ahead.

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

/// The bytes of a range of a recipe, in order, verified, reading ahead.
pub fn read_body(store: &Store, budget: &Budget, recipe: &Recipe, range: Range<u64>, pins: ReadPins) -> BodyReader {
    BodyReader {
        store: store.clone(),
        budget: budget.clone(),
        walk: Some(Walk::new(recipe, range)),
        _pins: pins,
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
            self.windows.push_back(Box::pin(fetch(self.store.clone(), self.budget.clone(), entry)));
        }
        Ok(())
    }
}

impl Stream for BodyReader {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(primed) = self.primed.take() {
            return Poll::Ready(Some(Ok(primed)));
        }
        if let Err(error) = self.fill(context) {
            self.walk = None;
            self.windows.clear();
            return Poll::Ready(Some(Err(error)));
        }
        match self.windows.poll_next_unpin(context) {
            Poll::Ready(None) if self.stepping.is_some() => Poll::Pending,
            other => other,
        }
    }
}

/// One window slice, counted against the budget until its last byte is dropped.
async fn fetch(store: Store, budget: Budget, entry: Entry) -> Result<Bytes, StoreError> {
    let permit = budget.window(entry.len).await;
    let bytes = match store.cached(&entry.hash) {
        Some(whole) => slice_of(&whole, &entry)?,
        None => {
            let inner = store.clone();
            run_read(&store, move |worker| inner.bytes_of(&entry, worker)).await??
        }
    };
    Ok(Bytes::from_owner(Counted { bytes, _permit: permit }))
}

struct Counted {
    bytes: Bytes,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
