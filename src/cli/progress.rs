//! Progress bars, on a terminal only.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::report::size;
use crate::store::OptimizeReport;

/// A bar over `len` steps, or a spinner for 0; nothing unless standard error is a terminal.
pub fn bar(what: &'static str, len: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match len {
        0 => (ProgressBar::new_spinner(), "{spinner} {prefix}: {msg}"),
        _ => (ProgressBar::new(len), "{prefix} [{bar:40}] {pos}/{len} {msg} {eta}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    // Steps may be seconds apart: a segment is 256 MiB.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Shows the progress of an optimizer run, in MiB.
pub fn optimized(bar: &ProgressBar, done: &OptimizeReport) {
    // References come when all objects are done.
    if done.dependents > 0 {
        bar.set_length(done.dependents);
        bar.set_position(done.rebased);
        bar.set_message(format!("windows, off {} that deleted objects used", size(done.orphaned_bytes)));
        return;
    }
    bar.set_length((done.found_bytes >> 20).max(1));
    bar.set_position(done.bytes >> 20);
    bar.set_message(format!("MiB, {} of {} objects", done.objects, done.found));
}
