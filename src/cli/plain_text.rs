//! Log lines as plain text, for files and pipes: as tracing-subscriber writes them, in a third of its time, since each
//! request has a line.
//!
//! A line is `2026-11-28T18:16:05.123456Z  INFO MESSAGE NAME=VALUE …`. A text value is quoted if it is empty or has
//! other characters than letters, digits and those of paths. Control characters are escaped, so that keys and headers
//! cannot forge a line.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The format.
pub struct PlainText;

impl<S, N> FormatEvent<S, N> for PlainText
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write_time(&mut writer, SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())?;
        write!(writer, " {:>5}", event.metadata().level().as_str())?;
        let mut fields = Fields { writer: &mut writer, result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
        writer.write_char('\n')
    }
}

/// The time of a line, in UTC; the part that changes once a second is cached for the thread's next line.
fn write_time(writer: &mut dyn Write, since: Duration) -> fmt::Result {
    thread_local! {
        static SECOND: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != since.as_secs() {
            let at = i64::try_from(since.as_secs()).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
            let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let (year, month, day) = at.to_calendar_date();
            let (hour, minute, second_of_minute) = at.to_hms();
            text.clear();
            write!(text, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second_of_minute:02}", u8::from(month))?;
            *second = since.as_secs();
        }
        writer.write_str(text)
    })?;
    write!(writer, ".{:06}Z", since.subsec_micros())
}

struct Fields<'a> {
    writer: &'a mut dyn Write,
    result: fmt::Result,
}

impl Fields<'_> {
    fn value(&mut self, field: &Field, write: impl FnOnce(&mut dyn Write) -> fmt::Result) {
        let writer = &mut *self.writer;
        self.result = self.result.and_then(|()| {
            writer.write_char(' ')?;
            if field.name() != "message" {
                writer.write_str(field.name())?;
                writer.write_char('=')?;
            }
            write(writer)
        });
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.value(field, |writer| match is_plain(value) {
            true => writer.write_str(value),
            false => write!(writer, "{value:?}"),
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // Times in milliseconds: three places are microseconds.
        let thousandths = (value * 1000.0).round();
        if !(0.0..1e15).contains(&thousandths) {
            return self.value(field, |writer| write!(writer, "{value}"));
        }
        let thousandths = thousandths as u64;
        self.value(field, |writer| write!(writer, "{}.{:03}", thousandths / 1000, thousandths % 1000));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.value(field, |writer| write!(Printable(writer), "{value:?}"));
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~:%+@,*".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}

/// Passes text on with control characters escaped: a message may quote what a client sent.
struct Printable<'a>(&'a mut dyn Write);

impl Write for Printable<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.chars().any(char::is_control) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|character| match character.is_control() {
            true => write!(self.0, "{}", character.escape_default()),
            false => self.0.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().event_format(PlainText).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_time_level_message_and_fields() {
        let line = logged(|| tracing::info!(status = 200_u16, path = "/b/k", ms = 1.25, id = %"17", "answered"));
        let (time, rest) = line.split_once(' ').unwrap();
        assert_eq!(rest, " INFO answered status=200 path=/b/k ms=1.250 id=17\n");
        assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let mut text = String::new();
        for (seconds, micros) in [(0, 0), (1_709_210_096, 7), (4_102_444_799, 999_999)] {
            write_time(&mut text, Duration::new(seconds, micros * 1000)).unwrap();
            text.push(' ');
        }
        let expected = "1970-01-01T00:00:00.000000Z 2024-02-29T12:34:56.000007Z 2099-12-31T23:59:59.999999Z ";
        assert_eq!(text, expected);
    }

    #[test]
    fn nothing_that_a_client_sends_makes_a_second_line_or_field() {
        let hostile = "a b=\"c\"\r\n2026-01-01T00:00:00.000000Z ERROR forged \u{1b}[31m \u{85}";
        let line = logged(|| tracing::warn!(key = hostile, shown = %hostile, debugged = ?hostile, "{hostile}"));
        assert_eq!(line.lines().count(), 1, "{line:?}");
        assert!(!line.trim_end().chars().any(char::is_control), "{line:?}");
        assert!(line.contains(r#"key="a b=\"c\"\r\n"#), "{line}");
    }

    #[test]
    fn odd_numbers_are_written_too() {
        let line = logged(|| tracing::info!(a = f64::NAN, b = -1.5, c = 1e300, d = true, e = -3));
        assert!(line.contains("a=NaN b=-1.5 c=1") && line.ends_with("d=true e=-3\n"), "{line}");
    }
}
