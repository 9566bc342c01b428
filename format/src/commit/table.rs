//! The table of durable things: every kind that commits put and remove, in one place.
//!
//! A new kind is a file beside this one with its put and its [`Durable`], a line in [`each_kind!`](crate::each_kind),
//! and a file in the index that says where its rows lie. Everything else (applying, replay, rebuild, compaction,
//! counting) is written once, over these traits.

use super::change::Change;
use super::durable::Durable;
use crate::error::DecodeError;
use crate::ids::SegmentId;
use crate::wire::{Reader, Wire, Writer, public_codec};

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

/// What the table says of a kind.
pub trait Listed: Durable {
    const KIND: Kind;
    const PUT: u8;
    const REMOVE: u8;
    /// The format version that has it.
    const SINCE: u32;

    fn op(change: Change<Self>) -> Op;
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
                    $(Op::$kind(change) => change.write($put_byte, $remove_byte, out)),+
                }
            }

            pub(super) fn read_op(
                byte: u8,
                input: &mut Reader<'_>,
            ) -> Result<Self, DecodeError> {
                match byte {
                    $($put_byte => Change::read_put(input).map(Op::$kind),
                    $remove_byte => Change::read_removal(input).map(Op::$kind),)+
                    value => Err(DecodeError::Unknown { what: "operation kind", value: value.into() }),
                }
            }
        }
    };
}

each_kind!(table);

impl Op {
    /// A put; `prior` is empty for a first one.
    pub fn put<P: Listed>(put: P, prior: Vec<SegmentId>) -> Self {
        P::op(Change::Put { put, prior })
    }

    /// A removal of what may lie in `segments`.
    pub fn remove<P: Listed>(id: P::Id, segments: Vec<SegmentId>) -> Self {
        P::op(Change::Remove { id, segments })
    }
}

impl Wire for Op {
    const NAME: &'static str = "operation";

    fn write(&self, out: &mut Writer<'_>) {
        self.write_op(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let byte = input.u8(Self::NAME)?;
        Op::read_op(byte, input)
    }
}

public_codec!(Op);
