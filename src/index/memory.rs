//! The in-memory twin of the real engine, for tests that crash.
//!
//! A flush records the state; [`MemEngine::crash`] goes back to a recorded one. Families are maps behind
//! an `Arc` that are copied at the first write after a flush or under a scan: cheap while states are small.

use super::engine::{Batch, Engine, Mutation, Pair, Scan};
use super::error::IndexError;
use super::family::Family;
use super::keys::above;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

type Map = BTreeMap<Arc<[u8]>, Arc<[u8]>>;

#[derive(Clone, Default)]
struct State {
    families: [Arc<Map>; Family::ALL.len()],
}

#[derive(Default)]
struct Shared {
    now: State,
    /// State after each flush; the first is the one it was opened with.
    flushed: Vec<State>,
    /// Index in `flushed` that the last [`Engine::flush`] promised to keep.
    promised: usize,
    /// Flushes record nothing.
    volatile: bool,
}

/// A handle; clones share the state.
#[derive(Clone)]
pub struct MemEngine {
    shared: Arc<RwLock<Shared>>,
}

impl Default for MemEngine {
    fn default() -> Self {
        MemEngine::with_state(State::default())
    }
}

impl MemEngine {
    pub fn new() -> Self {
        MemEngine::default()
    }

    /// An engine whose flushes do nothing, for a state that grows large and is never to survive a crash.
    pub fn volatile() -> Self {
        let engine = MemEngine::new();
        engine.shared.write().volatile = true;
        engine
    }

    fn with_state(state: State) -> Self {
        let shared = Shared { now: state.clone(), flushed: vec![state], promised: 0, volatile: false };
        MemEngine { shared: Arc::new(RwLock::new(shared)) }
    }

    /// Flushes so far, those by [`MemEngine::background_flush`] included.
    pub fn flushes(&self) -> usize {
        self.shared.read().flushed.len() - 1
    }

    /// The flush that the last [`Engine::flush`] made: a crash keeps at least this one.
    pub fn promised(&self) -> usize {
        self.shared.read().promised
    }

    /// A flush nobody asked for, as a real engine makes when its memory is full: a crash may keep it or not.
    pub fn background_flush(&self) {
        let mut shared = self.shared.write();
        let state = shared.now.clone();
        shared.flushed.push(state);
    }

    /// A new engine with the state as of so many flushes, at most [`MemEngine::flushes`]; 0 is the state it
    /// was opened with. Real crashes lie between [`MemEngine::promised`] and [`MemEngine::flushes`].
    /// This engine and its clones are not changed.
    pub fn crash(&self, flushes: usize) -> MemEngine {
        let shared = self.shared.read();
        let state = shared.flushed.get(flushes).unwrap_or(&shared.now).clone();
        drop(shared);
        MemEngine::with_state(state)
    }

    fn family(&self, family: Family) -> Arc<Map> {
        self.shared.read().now.families[family as usize].clone()
    }
}

impl State {
    fn apply(&mut self, mutation: &Mutation) -> Result<(), IndexError> {
        match mutation {
            Mutation::Put { family, key, value } => {
                self.map(*family).insert(key.as_slice().into(), value.as_slice().into());
            }
            Mutation::Delete { family, key } => {
                self.map(*family).remove(key.as_slice());
            }
            Mutation::DeleteRange { family, from, to } => {
                self.map(*family).retain(|key, _| **key < **from || **key >= **to);
            }
            Mutation::MergeAdd { counter, key, delta } => {
                let map = self.map(counter.family());
                let sum = match map.get(key.as_slice()) {
                    None => *delta,
                    Some(value) => {
                        let found = <[u8; 8]>::try_from(&**value).map_err(|_| IndexError::Damaged {
                            action: "merge",
                            message: format!("{} bytes where a counter was expected", value.len()),
                        })?;
                        i64::from_le_bytes(found).wrapping_add(*delta)
                    }
                };
                map.insert(key.as_slice().into(), sum.to_le_bytes().as_slice().into());
            }
        }
        Ok(())
    }

    fn map(&mut self, family: Family) -> &mut Map {
        Arc::make_mut(&mut self.families[family as usize])
    }
}

impl Engine for MemEngine {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        Ok(self.shared.read().now.families[family as usize].get(key).map(|value| value.to_vec()))
    }

    fn multi_get(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, IndexError> {
        let shared = self.shared.read();
        let map = &shared.now.families[family as usize];
        Ok(keys.iter().map(|key| map.get(*key).map(|value| value.to_vec())).collect())
    }

    fn scan<'a>(&'a self, family: Family, from: &[u8], to: Option<&[u8]>) -> Box<dyn Scan + 'a> {
        Box::new(MemScan { map: self.family(family), from: Bound::Included(from.to_vec()), to: to.map(<[u8]>::to_vec) })
    }

    fn scan_versions<'a>(&'a self, prefix: &[u8]) -> Box<dyn Scan + 'a> {
        self.scan(Family::Objects, prefix, above(prefix).as_deref())
    }

    fn write(&self, batch: Batch) -> Result<(), IndexError> {
        let mut shared = self.shared.write();
        batch.mutations().iter().try_for_each(|mutation| shared.now.apply(mutation))
    }

    fn flush(&self) -> Result<(), IndexError> {
        let mut shared = self.shared.write();
        if shared.volatile {
            return Ok(());
        }
        let state = shared.now.clone();
        shared.flushed.push(state);
        shared.promised = shared.flushed.len() - 1;
        Ok(())
    }
}

struct MemScan {
    map: Arc<Map>,
    from: Bound<Vec<u8>>,
    to: Option<Vec<u8>>,
}

impl Iterator for MemScan {
    type Item = Result<Pair, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.from.as_ref().map(Vec::as_slice);
        let (key, value) = self.map.range::<[u8], _>((from, Bound::Unbounded)).next()?;
        if self.to.as_deref().is_some_and(|to| **key >= *to) {
            return None;
        }
        let pair = (key.to_vec(), value.to_vec());
        self.from = Bound::Excluded(pair.0.clone());
        Some(Ok(pair))
    }
}

impl Scan for MemScan {
    fn seek(&mut self, key: &[u8]) {
        self.from = Bound::Included(key.to_vec());
    }
}
