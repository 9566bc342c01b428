//! Scans: each owns a share of the database that it reads, and lets go of it when that is about to be closed.

use std::sync::Arc;

use rocksdb::{DBRawIterator, ReadOptions};
use self_cell::self_cell;

use super::database::{Database, closed};
use crate::index::engine::{Pair, Scan};
use crate::index::error::IndexError;
use crate::index::family::{Family, VERSION_LEN};

self_cell!(
    struct Shared {
        owner: Arc<Database>,
        #[not_covariant]
        dependent: DBRawIterator,
    }
);

pub struct RocksScan {
    /// None once it has ended.
    shared: Option<Shared>,
    /// Why it could not begin.
    refused: Option<IndexError>,
    /// The pair under the iterator was returned already.
    advance: bool,
}

impl RocksScan {
    pub fn range(database: Result<Arc<Database>, IndexError>, family: Family, from: &[u8], to: Option<&[u8]>) -> Self {
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        if let Some(to) = to {
            options.set_iterate_upper_bound(to);
        }
        Self::new(database, family, options, from)
    }

    /// Pairs whose keys are `prefix` and a version.
    pub fn versions(database: Result<Arc<Database>, IndexError>, prefix: &[u8]) -> Self {
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(true);
        Self::new(database, Family::Objects, options, &[prefix, &[0; VERSION_LEN]].concat())
    }

    fn new(database: Result<Arc<Database>, IndexError>, family: Family, options: ReadOptions, from: &[u8]) -> Self {
        match database {
            Ok(database) if database.is_closing() => Self { shared: None, refused: Some(closed()), advance: false },
            Ok(database) => {
                let shared = Shared::new(database, |database| {
                    let mut raw = database.db().raw_iterator_cf_opt(database.handle(family), options);
                    raw.seek(from);
                    raw
                });
                Self { shared: Some(shared), refused: None, advance: false }
            }
            Err(error) => Self { shared: None, refused: Some(error), advance: false },
        }
    }
}

impl Iterator for RocksScan {
    type Item = Result<Pair, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(shared) = &mut self.shared else { return self.refused.take().map(Err) };
        if shared.borrow_owner().is_closing() {
            self.shared = None;
            return Some(Err(closed()));
        }
        let advance = std::mem::replace(&mut self.advance, true);
        let found = shared.with_dependent_mut(|database, raw| {
            if advance {
                raw.next();
            }
            match raw.item() {
                Some((key, value)) => Some(Ok((key.to_vec(), value.to_vec()))),
                None => raw.status().err().map(|error| Err(database.failed("scan")(error))),
            }
        });
        if !matches!(found, Some(Ok(_))) {
            self.shared = None;
        }
        found
    }
}

impl Scan for RocksScan {
    fn seek(&mut self, key: &[u8]) {
        if let Some(shared) = &mut self.shared {
            shared.with_dependent_mut(|_, raw| raw.seek(key));
            self.advance = false;
        }
    }
}
