//! Stand-in for bindgen 0.52, for the build script of the crate `xdelta3` 0.1.5 and nothing else.
//!
//! That crate asks for bindgen 0.52, whose clang-sys 0.28 claims the same native library (`links = "clang"`)
//! as the newer bindgen that RocksDB needs, so cargo cannot resolve both. The root manifest patches bindgen 0.52
//! with this package. It has the few functions the build script calls and writes the two declarations
//! the crate uses by hand; the arguments (C defines, header) change nothing in them.
//!
//! Types: `usize_t` of xdelta3.h is `uint32_t` whatever the defines say; `flags` and the result are `int`.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::Path;

const DECLARATIONS: &str = r#"
extern "C" {
    pub fn xd3_encode_memory(
        input: *const u8, input_size: u32, source: *const u8, source_size: u32,
        output_buffer: *mut u8, output_size: *mut u32, avail_output: u32, flags: ::std::os::raw::c_int,
    ) -> ::std::os::raw::c_int;
    pub fn xd3_decode_memory(
        input: *const u8, input_size: u32, source: *const u8, source_size: u32,
        output_buf: *mut u8, output_size: *mut u32, avail_output: u32, flags: ::std::os::raw::c_int,
    ) -> ::std::os::raw::c_int;
}
"#;

/// The callback object that bindgen would tell about included headers.
#[derive(Debug)]
pub struct CargoCallbacks;

/// Takes bindgen's settings and drops them.
#[derive(Debug, Default)]
pub struct Builder;

/// The fixed declarations.
#[derive(Debug)]
pub struct Bindings;

impl Builder {
    /// Ignored.
    pub fn clang_arg(self, _argument: impl Into<String>) -> Self {
        self
    }

    /// Ignored.
    pub fn header(self, _path: impl Into<String>) -> Self {
        self
    }

    /// Ignored.
    pub fn parse_callbacks<C>(self, _callbacks: C) -> Self {
        self
    }

    /// Ignored.
    pub fn whitelist_function(self, _pattern: impl AsRef<str>) -> Self {
        self
    }

    /// Never fails.
    pub fn generate(self) -> Result<Bindings, Infallible> {
        Ok(Bindings)
    }
}

impl Bindings {
    /// Writes the declarations to `path`.
    pub fn write_to_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        fs::write(path, DECLARATIONS)
    }
}
