//! Which thread computes, and which are carried along.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use crate::message::{BLOCK, Message, Pair};

/// Blocks between two looks at who waits.
const STEP: usize = (64 << 10) / BLOCK;

/// What the threads of a process share.
pub(crate) struct Shared {
    /// Compresses blocks of two messages.
    pair: Pair,
    /// Threads that may compute at a time.
    most: usize,
    turns: Mutex<Turns>,
}

#[derive(Default)]
struct Turns {
    /// Threads that compute.
    computing: usize,
    /// Those of them that carry another's message.
    carrying: usize,
    waiting: VecDeque<(Message, Arc<Answer>)>,
}

/// What becomes of a message whose thread waits.
#[derive(Default)]
struct Answer {
    given: Mutex<Option<Given>>,
    ready: Condvar,
}

enum Given {
    Digest([u8; 32]),
    /// The thread goes on with it, in the place of the one that carried it.
    Back(Message),
}

impl Turns {
    /// A thread that computes one message alone takes a second one along for half as much time again, which is less
    /// than another core would spend on it: who comes then waits.
    fn one_is_alone(&self) -> bool {
        self.computing > self.carrying + self.waiting.len()
    }

    fn take(&mut self) -> Option<(Message, Arc<Answer>)> {
        let next = self.waiting.pop_front();
        self.carrying += usize::from(next.is_some());
        next
    }
}

impl Answer {
    fn give(&self, given: Given) {
        *self.given.lock() = Some(given);
        self.ready.notify_one();
    }

    fn wait(&self) -> Given {
        let mut given = self.given.lock();
        loop {
            match given.take() {
                Some(given) => return given,
                None => self.ready.wait(&mut given),
            }
        }
    }
}

impl Shared {
    pub(crate) fn new(pair: Pair, most: usize) -> Self {
        Self { pair, most, turns: Mutex::default() }
    }

    /// None where two messages take as long as one after the other.
    pub(crate) fn of_process() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Shared>> = OnceLock::new();
        SHARED
            .get_or_init(|| Some(Self::new(pair()?, std::thread::available_parallelism().map_or(1, Into::into))))
            .as_ref()
    }

    pub(crate) fn digest(&self, bytes: &Bytes) -> [u8; 32] {
        let own = Message::new(bytes);
        let own = {
            let mut turns = self.turns.lock();
            if turns.computing < self.most && !turns.one_is_alone() {
                turns.computing += 1;
                own
            } else {
                let answer = Arc::new(Answer::default());
                turns.waiting.push_back((own, Arc::clone(&answer)));
                drop(turns);
                match answer.wait() {
                    Given::Digest(digest) => return digest,
                    Given::Back(own) => own,
                }
            }
        };
        self.compute(own)
    }

    /// Computes a digest and carries others along, until this one is done.
    fn compute(&self, mut own: Message) -> [u8; 32] {
        let mut carried: Option<(Message, Arc<Answer>)> = None;
        while !own.blocks().is_empty() {
            carried = carried.or_else(|| self.turns.lock().take());
            let Some((other, _)) = &mut carried else {
                own.compress(own.blocks().len().min(STEP));
                continue;
            };
            let blocks = own.blocks().len().min(other.blocks().len()).min(STEP);
            let mut states = [own.state, other.state];
            (self.pair)(&mut states, &own.blocks()[..blocks], &other.blocks()[..blocks]);
            [own.state, other.state] = states;
            own.advance(blocks);
            other.advance(blocks);
            if other.blocks().is_empty()
                && let Some((other, answer)) = carried.take()
            {
                self.turns.lock().carrying -= 1;
                answer.give(Given::Digest(other.finish()));
            }
        }
        self.pass_on(carried);
        own.finish()
    }

    /// Lets the thread whose message was carried, or one that waits, compute in the place of this one.
    fn pass_on(&self, carried: Option<(Message, Arc<Answer>)>) {
        let next = {
            let mut turns = self.turns.lock();
            turns.carrying -= usize::from(carried.is_some());
            let next = carried.or_else(|| turns.waiting.pop_front());
            turns.computing -= usize::from(next.is_none());
            next
        };
        if let Some((message, answer)) = next {
            answer.give(Given::Back(message));
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn pair() -> Option<Pair> {
    crate::x86::pair()
}

#[cfg(not(target_arch = "x86_64"))]
fn pair() -> Option<Pair> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::block_api::compress256;
    use sha2::{Digest, Sha256};

    /// For machines without the instructions.
    fn one_after_the_other(states: &mut [[u32; 8]; 2], a: &[[u8; BLOCK]], b: &[[u8; BLOCK]]) {
        compress256(&mut states[0], a);
        compress256(&mut states[1], b);
    }

    fn message(len: usize, seed: usize) -> Bytes {
        (0..len).map(|at| ((at * at + seed) >> 5) as u8).collect()
    }

    #[test]
    fn pairs_are_compressed_as_one_after_the_other() {
        let Some(pair) = pair() else { return };
        for (blocks, seed) in [(0, 1), (1, 2), (2, 3), (17, 4), (300, 5)] {
            let (a, b) = (message(blocks * BLOCK, seed), message(blocks * BLOCK, seed + 1000));
            let states = [Message::new(&a).state, Message::new(&a).state.map(|word| word.rotate_left(7))];
            let (mut expected, mut found) = (states, states);
            one_after_the_other(&mut expected, a.as_chunks().0, b.as_chunks().0);
            pair(&mut found, a.as_chunks().0, b.as_chunks().0);
            assert_eq!(found, expected, "{blocks} blocks");
        }
    }

    #[test]
    fn many_threads_get_their_own_digests_whatever_is_carried() {
        let pair = pair().unwrap_or(one_after_the_other);
        for most in [1, 2, 3] {
            let shared = Shared::new(pair, most);
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let shared = &shared;
                    scope.spawn(move || {
                        for round in 0..60 {
                            let len = (thread * 7919 + round * 104_729) % 400_000;
                            let bytes = message(len, thread * 1000 + round);
                            let expected: [u8; 32] = Sha256::digest(&bytes).into();
                            assert_eq!(shared.digest(&bytes), expected, "thread {thread}, {len} bytes");
                        }
                    });
                }
            });
            let turns = shared.turns.lock();
            assert!(turns.computing + turns.carrying == 0 && turns.waiting.is_empty(), "nobody is left behind");
        }
    }
}
