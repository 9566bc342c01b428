//! Compressed members inside files: expanding them and re-creating them bit for bit. Bytes in, bytes out; no I/O.
#![deny(clippy::unwrap_used)]

/// Why a member cannot be re-created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecreateError(&'static str);

/// Placeholder until the crate is merged.
pub fn recreate(_program: &[u8], _view: &[u8], _len: usize) -> Result<Vec<u8>, RecreateError> {
    Err(RecreateError("no programs are known"))
}

/// Placeholder.
#[derive(Default)]
pub struct Expander {
    end: u64,
}

/// Placeholder.
#[derive(Debug, Default)]
pub struct Expansion {
    pub view: Vec<u8>,
    pub units: Vec<Unit>,
}

/// Placeholder.
#[derive(Debug)]
pub struct Unit {
    pub view: std::ops::Range<u64>,
    pub program: Vec<u8>,
    pub len: u64,
    pub digest: [u8; 32],
}

impl Expander {
    /// Placeholder.
    pub fn push(&mut self, bytes: &[u8], out: &mut Expansion) {
        out.view.extend_from_slice(bytes);
        let start = self.end;
        self.end += bytes.len() as u64;
        out.units.push(Unit { view: start..self.end, program: Vec::new(), len: bytes.len() as u64, digest: [0; 32] });
    }

    /// Placeholder.
    pub fn finish(&mut self, _out: &mut Expansion) {}
}
