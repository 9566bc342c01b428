//! The engines, one folder for each program.

pub(crate) mod go;
pub(crate) mod klauspost;
pub(crate) mod libdeflate;
pub(crate) mod miniz;
pub(crate) mod ng;
