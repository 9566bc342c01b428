//! The table of durable things: every kind that commits put and remove, in one place.
//!
//! A new kind is a file beside this one with its put and its [`Durable`], a line in [`each_kind!`](crate::each_kind),
//! and a file in the index that says where its rows lie. Everything else (applying, replay, rebuild, compaction,
//! counting) is written once, over these traits.

use std::fmt::Debug;

use super::op::Change;
use crate::ids::SegmentId;
use crate::recipe::Recipe;
use crate::wire::{Wire, Writer};

/// Hands all kinds to a macro: the kind's name and type, the operation bytes of its put and its removal, and the format
/// version that has it. Bytes are never used twice.
#[macro_export]
macro_rules! each_kind {
    ($callback:ident) => {
        $callback! {
            Bucket($crate::commit::BucketPut) 1 2 since 1,
            Version($crate::commit::VersionPut) 3 4 since 1,
            Upload($crate::commit::UploadPut) 5 6 since 1,
            Part($crate::commit::PartPut) 7 8 since 1,
            Document($crate::commit::DocumentPut) 9 10 since 8,
        }
    };
}

/// A kind of durable thing: what a put of it holds.
pub trait Durable: Listed + Wire + Clone + Eq + Debug {
    /// Names one of the kind; what a removal holds. Nothing else ever has the same.
    type Id: Wire + Clone + Eq + Debug;

    fn id(&self) -> Self::Id;

    /// The sequence within an id.
    fn sequence(id: &Self::Id) -> u64;

    /// What it is made of, where it is made of windows: each entry of it is a link.
    fn recipe(&self) -> Option<&Recipe> {
        None
    }

    /// Appends its encoding.
    fn encode_put(&self, out: &mut Vec<u8>) {
        self.write(&mut Writer::new(out));
    }

    /// Decodes exactly `bytes`.
    ///
    /// # Errors
    /// What the format does not allow.
    fn decode_put(bytes: &[u8]) -> Result<Self, crate::DecodeError> {
        let mut input = crate::wire::Reader::new(bytes);
        let put = Self::read(&mut input)?;
        input.finish(Self::NAME)?;
        Ok(put)
    }
}

/// What the table says of a kind.
pub trait Listed: Sized {
    const KIND: Kind;
    const PUT: u8;
    const REMOVE: u8;
    /// The format version that has it.
    const SINCE: u32;

    fn op(change: Change<Self>) -> Op
    where
        Self: Durable;
}

macro_rules! table {
    ($($kind:ident($put:ty) $put_byte:literal $remove_byte:literal since $since:literal),+ $(,)?) => {
        /// The kinds of durable things.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($kind),+
        }

        /// One change.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Op {
            $($kind(Change<$put>)),+
        }

        $(impl Listed for $put {
            const KIND: Kind = Kind::$kind;
            const PUT: u8 = $put_byte;
            const REMOVE: u8 = $remove_byte;
            const SINCE: u32 = $since;

            fn op(change: Change<Self>) -> Op {
                Op::$kind(change)
            }
        })+

        impl Op {
            pub fn kind(&self) -> Kind {
                match self {
                    $(Op::$kind(_) => Kind::$kind),+
                }
            }

            pub fn is_removal(&self) -> bool {
                match self {
                    $(Op::$kind(change) => matches!(change, Change::Remove { .. })),+
                }
            }

            /// The sequence of what it puts or removes.
            pub fn sequence(&self) -> u64 {
                match self {
                    $(Op::$kind(change) => change.sequence()),+
                }
            }

            /// The format version that has it.
            pub fn since(&self) -> u32 {
                match self {
                    $(Op::$kind(_) => <$put as Listed>::SINCE),+
                }
            }

            pub(super) fn write_op(&self, out: &mut Writer<'_>) {
                match self {
                    $(Op::$kind(change) => change.write(out)),+
                }
            }

            pub(super) fn read_op(
                byte: u8,
                input: &mut crate::wire::Reader<'_>,
            ) -> Result<Self, crate::DecodeError> {
                match byte {
                    $($put_byte => Change::read_put(input).map(Op::$kind),
                    $remove_byte => Change::read_removal(input).map(Op::$kind),)+
                    value => Err(crate::DecodeError::Unknown { what: "operation kind", value: value.into() }),
                }
            }
        }
    };
}

each_kind!(table);

impl Op {
    /// A put; `prior` is empty for a first one.
    pub fn put<P: Durable>(put: P, prior: Vec<SegmentId>) -> Self {
        P::op(Change::Put { put, prior })
    }

    /// A removal of what may lie in `segments`.
    pub fn remove<P: Durable>(id: P::Id, segments: Vec<SegmentId>) -> Self {
        P::op(Change::Remove { id, segments })
    }
}
