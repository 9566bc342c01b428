//! Members: bytes that are re-created from windows by a program.
//!
//! A member stands for a stretch of an object whose stored view is not its bytes but what they were expanded to. Its
//! record is a node record with a payload version of its own; its identity is the SHA-256 of that payload.

use crate::error::DecodeError;
use crate::ids::Hash;
use crate::recipe::{Entry, EntryKind, Node};
use crate::wire::{Reader, Wire, Writer, public_codec, within};

/// Most bytes one member yields.
pub const MAX_MEMBER_LEN: u32 = 16 << 20;
/// Most bytes of a member's program.
pub const MAX_PROGRAM_LEN: u64 = 64 << 10;
/// Most bytes of a member's view.
pub const MAX_VIEW_LEN: u64 = 64 << 20;
/// Most entries of a program, and of a view.
pub const MAX_MEMBER_ENTRIES: usize = 1024;

/// The payload of a node record that names a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Bytes it yields, at least 1.
    pub len: u32,
    /// SHA-256 of them.
    pub digest: Hash,
    /// Slices of windows that make the program; its form is the business of whoever re-creates members.
    pub program: Vec<Entry>,
    /// Slices of windows, and of members that have none themselves, that make what the program works on.
    pub view: Vec<Entry>,
}

/// Either payload of a node record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodePayload {
    List(Node),
    Member(Member),
}

/// First byte of a member's payload; a list's is 1.
const MEMBER_VERSION: u8 = 2;
/// That of one whose view has members in it.
const NESTED_VERSION: u8 = 3;
const ENTRY_LEN: usize = 49;

impl NodePayload {
    /// Decodes a node record's payload.
    ///
    /// # Errors
    /// Whatever `SPEC.md` does not allow.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        match payload.first() {
            Some(&MEMBER_VERSION | &NESTED_VERSION) => Member::decode(payload).map(Self::Member),
            _ => Node::decode(payload).map(Self::List),
        }
    }

    /// The windows and nodes it needs, one for each entry.
    pub fn links(&self) -> impl Iterator<Item = Hash> {
        let (first, second): (&[Entry], &[Entry]) = match self {
            Self::List(node) => (&node.entries, &[]),
            Self::Member(member) => (&member.program, &member.view),
        };
        first.iter().chain(second).map(|entry| entry.hash)
    }
}

impl Member {
    /// Whether its view has members in it.
    #[must_use]
    pub fn is_nested(&self) -> bool {
        self.view.iter().any(|entry| entry.kind == EntryKind::Member)
    }
}

fn read_slices(
    input: &mut Reader<'_>,
    what: &'static str,
    limit: u64,
    kinds: &[EntryKind],
) -> Result<Vec<Entry>, DecodeError> {
    let entries = input.list(what, MAX_MEMBER_ENTRIES, ENTRY_LEN, Entry::read)?;
    if entries.iter().any(|entry| !kinds.contains(&entry.kind)) {
        return Err(DecodeError::Inconsistent { what, with: "the kinds of its entries" });
    }
    let len = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.len));
    within(what, len, limit)?;
    Ok(entries)
}

impl Wire for Member {
    const NAME: &'static str = "member";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(if self.is_nested() { NESTED_VERSION } else { MEMBER_VERSION });
        out.zeros(3);
        out.u32(self.len);
        out.bytes(&self.digest.0);
        out.list(&self.program, |out, entry| entry.write(out));
        out.list(&self.view, |out, entry| entry.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kinds: &[EntryKind] = match input.u8(Self::NAME)? {
            MEMBER_VERSION => &[EntryKind::Window],
            NESTED_VERSION => &[EntryKind::Window, EntryKind::Member],
            value => return Err(DecodeError::Unknown { what: "member version", value: value.into() }),
        };
        input.zeros(Self::NAME, 3)?;
        let len = input.u32(Self::NAME)?;
        within("member length", len.into(), MAX_MEMBER_LEN.into())?;
        if len == 0 {
            return Err(DecodeError::Empty { what: "member length" });
        }
        let digest = Hash(input.array(Self::NAME)?);
        let program = read_slices(input, "member program", MAX_PROGRAM_LEN, &kinds[..1])?;
        if program.is_empty() {
            return Err(DecodeError::Empty { what: "member program" });
        }
        let view = read_slices(input, "member view", MAX_VIEW_LEN, kinds)?;
        let member = Member { len, digest, program, view };
        if member.is_nested() != (kinds.len() > 1) {
            return Err(DecodeError::Inconsistent { what: "member version", with: "its view" });
        }
        Ok(member)
    }
}

public_codec!(Member);
