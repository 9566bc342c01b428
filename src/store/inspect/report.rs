//! What an inspection tells.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What became of an object. All sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The object.
    pub size: u64,
    /// The object with its compressed members expanded, but for members within them.
    pub view_bytes: u64,
    /// Programs that re-create members.
    pub program_bytes: u64,
    /// Records of its windows, members and recipe nodes, whoever else uses them; without the commit's record.
    pub stored_bytes: u64,
    /// Part of `stored_bytes` that others use too: other objects, parts, or windows encoded against them.
    pub shared_bytes: u64,
    /// Recipe nodes and members, part of `stored_bytes`.
    pub nodes: u64,
    pub node_bytes: u64,
    /// Windows that are not its own but needed to decode it, directly or not; not part of `stored_bytes`.
    pub references: u64,
    pub reference_bytes: u64,
    /// Its windows by how they are stored.
    pub codecs: Vec<CodecSum>,
    /// Bytes of the object by what makes them.
    pub recreations: Vec<Recreation>,
    /// Bytes within members, of containers in them, by what makes them; no part of the object's own bytes.
    pub nested: Vec<Recreation>,
    /// Each once, in order of their first use.
    pub windows: Vec<WindowUse>,
}

/// Windows that are stored the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodecSum {
    pub codec: Cow<'static, str>,
    pub depth: u8,
    pub cold: bool,
    pub windows: u64,
    pub plain_bytes: u64,
    pub stored_bytes: u64,
}

/// Bytes that come about the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recreation {
    /// `as it is`, `tokens`, an exact encoder with its settings, or several of them where units mix them.
    pub by: String,
    /// Pieces that are re-created one by one.
    pub units: u64,
    /// Bytes that they make.
    pub bytes: u64,
    /// Of those, bytes between compressed streams that units hold as they are.
    pub copied_bytes: u64,
    /// What units are made of; bytes that two of them use count twice.
    pub view_bytes: u64,
}

/// What of an object a window makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Its bytes, as they are.
    Bytes,
    /// What members are re-created from.
    View,
    /// Both.
    Mixed,
    /// Programs that re-create members.
    Programs,
}

/// One window of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowUse {
    pub hash: String,
    /// The stretch of the object that it helps to make, at its first use.
    pub start: u64,
    pub end: u64,
    #[serde(rename = "use")]
    pub used: Use,
    /// Further places of the object that use it.
    pub repeats: u64,
    pub plain_bytes: u64,
    /// Its record; 0 when it is missing.
    pub stored_bytes: u64,
    pub codec: Cow<'static, str>,
    pub depth: u8,
    pub cold: bool,
    /// Hashes of the windows it is encoded against.
    pub references: Vec<String>,
    /// Others use it too.
    pub shared: bool,
}
