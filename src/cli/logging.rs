//! The log: a thread that writes lines to standard error.
//!
//! Invariant: logging never waits, fails or panics. Lines go into a bounded queue. A line that does not fit, or cannot
//! be written, is dropped and counted. Once lines can be written again, one line tells how many are missing.
//!
//! Failure cases: a full disk, a closed pipe, a pipe that nobody reads. The thread waits and tries again; at the end of
//! the process it has [`FLUSH_TIME`] to write the remaining lines.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::plain_text::PlainText;

/// Format of log lines.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Capacity of the queue, in lines.
const QUEUE: usize = 4096;
/// Maximum length of a line; longer lines are truncated.
const MAX_LINE: usize = 16 << 10;
/// Pause before the thread waits for more lines; lines that are logged meanwhile need not wake it.
const GATHER_TIME: Duration = Duration::from_millis(2);
/// Pause after a failed write.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// How long the end of the process waits for unwritten lines.
const FLUSH_TIME: Duration = Duration::from_millis(500);

/// Prints a message for the user outside the log. A failed write to standard error is ignored.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "deltastore: {text}");
}

/// Starts logging; `RUST_LOG` overrides the level. Queued lines are written when the result is dropped.
pub fn start(format: LogFormat, serving: bool) -> Flush {
    // s3s reports every refused request as an error of the server's; the request's own line tells the same, and its id.
    let default = if serving { "info,s3s=off" } else { "error" };
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty()) {
        None => EnvFilter::new(default),
        Some(text) => EnvFilter::try_new(text).unwrap_or_else(|error| {
            complain(&format!("{} is not understood ({error}); logging {default}", EnvFilter::DEFAULT_ENV));
            EnvFilter::new(default)
        }),
    };
    let (sender, receiver) = bounded(QUEUE);
    let lines = Lines { sender, dropped: Arc::default() };
    let dropped = Arc::clone(&lines.dropped);
    let thread = std::thread::Builder::new().name("logging".into());
    if let Err(error) = thread.spawn(move || write_lines(&mut io::stderr(), &receiver, &dropped, format)) {
        complain(&format!("nothing is logged: {error}"));
    }
    let flush = Flush { lines: lines.clone() };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .log_internal_errors(false)
        .with_target(false);
    match format {
        LogFormat::Text if io::stderr().is_terminal() => builder.init(),
        LogFormat::Text => builder.event_format(PlainText).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    // The default hook writes to standard error by itself, and waits for it.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    flush
}

enum Message {
    Line(Vec<u8>),
    /// Everything before it is written once its answer is dropped.
    Flush(Sender<()>),
}

/// Where log lines go.
#[derive(Clone)]
struct Lines {
    sender: Sender<Message>,
    dropped: Arc<AtomicU64>,
}

impl Lines {
    fn send(&self, line: Vec<u8>) {
        if self.sender.try_send(Message::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: self, text: Vec::new() }
    }
}

/// One line, sent when it is dropped.
struct Line<'a> {
    lines: &'a Lines,
    text: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MAX_LINE.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        if text.len() == MAX_LINE && text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        if !text.is_empty() {
            self.lines.send(text);
        }
    }
}

/// Writes the queued lines when dropped, as far as possible.
pub struct Flush {
    lines: Lines,
}

impl Drop for Flush {
    fn drop(&mut self) {
        let (answer, written) = bounded(0);
        if self.lines.sender.send_timeout(Message::Flush(answer), FLUSH_TIME).is_ok() {
            // Always an error: written, or out of time.
            let _ = written.recv_timeout(FLUSH_TIME);
        }
    }
}

fn write_lines(out: &mut impl Write, lines: &Receiver<Message>, dropped: &AtomicU64, format: LogFormat) {
    loop {
        let message = lines.try_recv().or_else(|_| {
            std::thread::sleep(GATHER_TIME);
            lines.recv()
        });
        let line = match message {
            Err(_) => break,
            Ok(Message::Line(line)) => line,
            Ok(Message::Flush(answer)) => {
                drop(answer);
                continue;
            }
        };
        let missing = dropped.swap(0, Ordering::Relaxed);
        if missing > 0 && out.write_all(&gap(missing, format)).is_err() {
            dropped.fetch_add(missing + 1, Ordering::Relaxed);
            std::thread::sleep(RETRY_PAUSE);
            continue;
        }
        if out.write_all(&line).is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(RETRY_PAUSE);
        }
    }
}

/// The line that reports missing lines.
fn gap(missing: u64, format: LogFormat) -> Vec<u8> {
    match format {
        LogFormat::Text => format!("WARN {missing} log lines could not be written and are missing here\n"),
        LogFormat::Json => format!(
            "{}\n",
            serde_json::json!({ "level": "WARN", "message": "log lines could not be written", "missing": missing })
        ),
    }
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails as long as it is full.
    struct Disk {
        full_for: usize,
        written: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.full_for > 0 {
                self.full_for -= 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(queue: usize) -> (Lines, Receiver<Message>) {
        let (sender, receiver) = bounded(queue);
        (Lines { sender, dropped: Arc::default() }, receiver)
    }

    fn written(lines: Lines, receiver: &Receiver<Message>, full_for: usize) -> String {
        let Lines { sender, dropped } = lines;
        drop(sender);
        let mut disk = Disk { full_for, written: Vec::new() };
        write_lines(&mut disk, receiver, &dropped, LogFormat::Text);
        String::from_utf8(disk.written).unwrap_or_default()
    }

    #[test]
    fn what_finds_no_room_is_counted_and_told() {
        let (lines, receiver) = lines(2);
        for number in 0..5 {
            writeln!(lines.make_writer(), "line {number}").expect("no line fails");
        }
        let text = written(lines, &receiver, 0);
        assert_eq!(text, "WARN 3 log lines could not be written and are missing here\nline 0\nline 1\n");
    }

    #[test]
    fn a_full_disk_costs_lines_and_tells_of_them_later() {
        let (lines, receiver) = lines(9);
        (0..4).for_each(|number| lines.send(format!("line {number}\n").into_bytes()));
        let text = written(lines, &receiver, 2);
        assert_eq!(text, "WARN 2 log lines could not be written and are missing here\nline 2\nline 3\n");
    }

    #[test]
    fn long_lines_are_cut() {
        let (lines, receiver) = lines(1);
        lines.make_writer().write_all(&[b'x'; MAX_LINE + 9]).expect("no line fails");
        assert_eq!(written(lines, &receiver, 0).len(), MAX_LINE + 1);
    }
}
