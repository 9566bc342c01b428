//! Standard output, which may be a pipe whose reader has gone or a file on a full disk.

use std::io::{Error, ErrorKind, Write};

use serde::Serialize;

/// Prints `text`. A pipe that its reader closed is no error.
///
/// # Errors
/// I/O errors other than a closed pipe.
pub fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::new(error.kind(), format!("standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// As JSON on one line.
///
/// # Errors
/// When a value has no JSON form.
pub fn json_line(report: &impl Serialize) -> std::io::Result<String> {
    Ok(serde_json::to_string(report).map_err(Error::other)? + "\n")
}

/// A value as indented JSON.
///
/// # Errors
/// When a value has no JSON form.
pub fn json(report: &impl Serialize) -> std::io::Result<String> {
    Ok(serde_json::to_string_pretty(report).map_err(Error::other)? + "\n")
}
