//! The memory allocator of the binary: mimalloc, which returns freed pages to the system after a tenth of a second.
//!
//! By default mimalloc 3 keeps freed pages for a second. Buffers of uploads and downloads are large and short-lived, so
//! within that second the server would hold a quarter more memory than with this delay (`make bench`, row `memory`).
//! Returning pages at once would cost a quarter of the speed of large transfers: their buffers would be faulted in
//! anew each time. `docs/decisions/0008-mimalloc-without-huge-pages.md` has the figures.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The environment variable by which an operator sets the delay, in milliseconds. mimalloc reads it at start.
const VARIABLE: &str = "MIMALLOC_PURGE_DELAY";

/// `mi_option_purge_delay` of `mimalloc.h`, in versions 2 and 3. The crate names only the stable options.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// How long freed pages are kept, in milliseconds.
const DELAY: std::ffi::c_long = 100;

/// Makes the allocator return freed pages to the system soon, unless `MIMALLOC_PURGE_DELAY` says otherwise.
///
/// Call it once, at the start of the process.
#[expect(unsafe_code, reason = "an option of a C library")]
pub fn return_freed_pages_soon() {
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: the option exists, and mimalloc reads it anew at each use.
        unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, DELAY) }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[expect(unsafe_code, reason = "an option of a C library")]
    fn delay() -> std::ffi::c_long {
        // SAFETY: the option exists; reading it has no effect.
        unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) }
    }

    /// The child tells the delay that it runs with. What mimalloc reads from its variable shows that the number of the
    /// option is right.
    #[test]
    fn freed_pages_are_returned_soon_unless_the_variable_is_set() {
        let child = |value: Option<&str>| {
            let mut command = Command::new(std::env::current_exe().expect("this test"));
            command.args(["--exact", "tests::child", "--ignored", "--nocapture"]).env_remove(VARIABLE);
            if let Some(value) = value {
                command.env(VARIABLE, value);
            }
            let output = command.output().expect("a child");
            let text = String::from_utf8(output.stdout).expect("text");
            let (_, rest) = text.split_once("delay=").expect("the child's answer");
            rest.split_once(';').expect("an end").0.to_owned()
        };
        assert_eq!(child(None), DELAY.to_string());
        assert_eq!(child(Some("4321")), "4321");
    }

    #[test]
    #[ignore = "the child of the test above"]
    fn child() {
        return_freed_pages_soon();
        println!("delay={};", delay());
    }
}
