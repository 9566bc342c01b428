//! Rows of durable things: every kind that commits put and remove has a [`Table`], and all else is written over it.
//!
//! A new kind implements [`Table`] in a file of its own; the list of kinds is the format's
//! ([`each_kind!`](deltastore_format::each_kind)).

use deltastore_format::{Change, DecodeError, Listed, Op, Position, SegmentId};

use super::Index;
use super::engine::Batch;
use super::error::IndexError;
use super::family::Family;
use super::keys::above;
use super::rows::Rows;
use super::wire::{Reader, push_position, push_segments};

const WHAT: &str = "row";

/// Where the rows of a kind lie.
pub trait Table: Listed {
    /// Kinds of few rows share [`Family::Small`], where the byte of the put begins their keys.
    const FAMILY: Family = Family::Small;
    /// What the keys of the rows begin with, in a family that holds other keys too.
    const PREFIX: &'static [u8] = &[];
    /// Bytes of [`Table::head`].
    const HEAD: usize = 0;

    /// The key of the row.
    fn key(&self) -> Vec<u8>;

    /// Where an id is looked up.
    fn find(id: &Self::Id) -> Find;

    /// What the row's value begins with, for listings that pass over rows without decoding them.
    fn head(&self) -> &'static [u8] {
        &[]
    }

    /// What goes when this one is removed, without an operation of its own.
    fn contents(_index: &Index, _id: &Self::Id) -> Result<Vec<Op>, IndexError> {
        Ok(Vec::new())
    }
}

/// Where an id leads.
pub enum Find {
    /// To the row with this key. Another put of the same name may lie there.
    Row(Vec<u8>),
    /// To an entry with this key, whose value is the key of the row.
    Entry(Vec<u8>),
}

/// A durable thing that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<P> {
    pub put: P,
    /// The commit record that holds the put.
    pub record: Position,
    /// Its share of that record's bytes, as counted for the segment's live bytes.
    pub record_len: u64,
    /// Older segments that may still hold a copy of the put.
    pub prior: Vec<SegmentId>,
}

impl<P: Table> Row<P> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut value = self.put.head().to_vec();
        push_position(&mut value, self.record);
        value.extend_from_slice(&self.record_len.to_le_bytes());
        push_segments(&mut value, &self.prior);
        self.put.encode_put(&mut value);
        value
    }

    pub(super) fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let (head, rest) = value.split_at_checked(P::HEAD).ok_or(DecodeError::Truncated {
            what: WHAT,
            needed: P::HEAD as u64,
            left: value.len() as u64,
        })?;
        let mut reader = Reader::new(WHAT, rest);
        let (record, record_len, prior) = (reader.position()?, reader.u64()?, reader.segments()?);
        let put = P::decode_put(reader.rest())?;
        if put.head() != head {
            return Err(DecodeError::Inconsistent { what: WHAT, with: "its put" });
        }
        Ok(Row { put, record, record_len, prior })
    }

    /// Segments that may hold the put: its removal must name them, and so must a put in its place.
    pub fn holders(&self) -> Vec<SegmentId> {
        let mut segments = self.prior.clone();
        segments.push(self.record.segment);
        segments.sort_unstable();
        segments.dedup();
        segments
    }

    /// The operation that removes it.
    pub fn removal(&self) -> Op {
        Op::remove::<P>(self.put.id(), self.holders())
    }
}

impl Index {
    /// The row of an id; none when it was removed, or another put of its name has taken its place.
    pub fn row<P: Table>(&self, id: &P::Id) -> Result<Option<Row<P>>, IndexError> {
        let key = match P::find(id) {
            Find::Row(key) => key,
            Find::Entry(key) => match self.engine.get(P::FAMILY, &key)? {
                Some(key) => key,
                None => return Ok(None),
            },
        };
        // Between two reads the key may have gone to another put.
        Ok(self.row_at::<P>(&key)?.filter(|row| row.put.id() == *id))
    }

    /// The row with this key, whichever put it is of.
    pub fn row_at<P: Table>(&self, key: &[u8]) -> Result<Option<Row<P>>, IndexError> {
        self.read(P::FAMILY, key, Row::decode)
    }

    /// Every row of a kind, in the order of its keys.
    pub fn all_rows<P: Table>(&self) -> Rows<'_, Row<P>> {
        self.rows_under(P::PREFIX)
    }

    /// The rows of a kind whose keys begin with `prefix`.
    pub(super) fn rows_under<P: Table>(&self, prefix: &[u8]) -> Rows<'_, Row<P>> {
        self.rows(P::FAMILY, prefix, above(prefix).as_deref(), |_, value| Row::decode(value))
    }

    pub fn stage_row<P: Table>(&self, batch: &mut Batch, row: &Row<P>) {
        let key = row.put.key();
        if let Find::Entry(entry) = P::find(&row.put.id()) {
            batch.put(P::FAMILY, entry, key.clone());
        }
        batch.put(P::FAMILY, key, row.encode());
    }

    pub fn stage_remove_row<P: Table>(&self, batch: &mut Batch, put: &P) {
        if let Find::Entry(entry) = P::find(&put.id()) {
            batch.delete(P::FAMILY, entry);
        }
        batch.delete(P::FAMILY, put.key());
    }
}

/// Something that is done to one operation, whatever its kind.
pub trait Visit: Sized {
    type Output;

    fn change<P: Table>(self, change: Change<P>) -> Self::Output;
}

/// Something that is done with each kind.
pub trait EachKind {
    type Error;

    fn kind<P: Table>(&mut self) -> Result<(), Self::Error>;
}

macro_rules! dispatch {
    ($($kind:ident($put:ty) $put_byte:literal $remove_byte:literal since $since:literal),+ $(,)?) => {
        /// Hands an operation on as what it is.
        pub fn visit<V: Visit>(op: Op, visit: V) -> V::Output {
            match op {
                $(Op::$kind(change) => visit.change(change)),+
            }
        }

        /// Goes through all kinds.
        ///
        /// # Errors
        /// The first one of `each`.
        pub fn each_kind<E: EachKind>(each: &mut E) -> Result<(), E::Error> {
            $(each.kind::<$put>()?;)+
            Ok(())
        }
    };
}

deltastore_format::each_kind!(dispatch);

/// The key of a row in [`Family::Small`], which `name` follows.
pub fn small_key<P: Listed>(name: &[u8]) -> Vec<u8> {
    [&[P::PUT], name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::bucket_row;

    #[test]
    fn a_removal_names_each_segment_once() {
        let record = Position { segment: SegmentId(3), offset: 64 };
        let row = Row { record, prior: [5, 3, 1].map(SegmentId).to_vec(), ..bucket_row(1, "a") };
        assert_eq!(row.holders(), [1, 3, 5].map(SegmentId));
    }
}
