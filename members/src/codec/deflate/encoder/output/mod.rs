//! Writing blocks: symbols, their codes, the description of these, and the bits.

pub(crate) mod bits;
pub(crate) mod block;
pub(crate) mod expected;
pub(crate) mod form;
pub(crate) mod header;
pub(crate) mod symbols;
pub(crate) mod tables;
pub(crate) mod tree;
