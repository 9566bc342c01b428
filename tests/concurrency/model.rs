//! What one key may do: a register that can be empty, with compare-and-swap. A value is known by its ETag.

use porcupine_rs::{Model, Operation};

pub type Value = u64;

/// What a client asked and was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// GET, HEAD, an entry of a list or its absence, the source of a copy, `NoSuchKey` of a condition.
    Read(Option<Value>),
    Put(Value),
    /// `If-None-Match: *` that went through.
    PutNew(Value),
    /// `If-Match` that went through.
    Swap {
        old: Value,
        new: Value,
    },
    /// `If-None-Match: *` that was refused.
    Exists,
    /// `If-Match` that was refused.
    Differs(Value),
    Delete,
}

#[derive(Clone, Debug)]
pub struct Key;

impl Model for Key {
    type State = Option<Value>;
    type Op = Op;
    type Metadata = ();

    fn init() -> Self::State {
        None
    }

    fn step(state: &Self::State, op: &Op) -> (bool, Self::State) {
        match op {
            Op::Read(value) => (state == value, *state),
            Op::Put(value) => (true, Some(*value)),
            Op::PutNew(value) => (state.is_none(), Some(*value)),
            Op::Swap { old, new } => (*state == Some(*old), Some(*new)),
            Op::Exists => (state.is_some(), *state),
            Op::Differs(value) => (state.is_some_and(|found| found != *value), *state),
            Op::Delete => (true, None),
        }
    }
}

pub type History = Vec<Operation<Key>>;
