//! Times of HTTP headers: read in every form that clients send, written in the one of `Last-Modified`.

use time::{Date, Month, OffsetDateTime, Time};

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A time of ours, in milliseconds since the Unix epoch.
pub fn format(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let weekday = &WEEKDAYS[usize::from(at.weekday().number_days_from_monday())][..3];
    let month = MONTHS[usize::from(u8::from(at.month())) - 1];
    let (hour, minute, second) = at.to_hms();
    format!("{weekday}, {:02} {month} {:04} {hour:02}:{minute:02}:{second:02} GMT", at.day(), at.year())
}

/// Seconds since the Unix epoch; none if the text is no time, which HTTP has a reader ignore.
///
/// RFC 9110's three forms, the day in one digit or two, the zone as `GMT` or another name of it.
pub fn parse(text: &str) -> Option<i64> {
    let mut tokens: Vec<&str> =
        text.split([' ', '\t', ',', '-']).map(str::trim).filter(|token| !token.is_empty()).collect();
    if tokens.first().is_some_and(|token| is_weekday(token)) {
        tokens.remove(0);
    }
    let (day, month, year, clock) = match tokens.as_slice() {
        [day, month, year, clock] if self::month(month).is_some() => (day, month, year, clock),
        [day, month, year, clock, zone] if is_utc(zone) => (day, month, year, clock),
        [month, day, clock, year] => (day, month, year, clock),
        _ => return None,
    };
    let date = Date::from_calendar_date(self::year(year)?, self::month(month)?, number(day, 1..=2)?).ok()?;
    let mut clock = clock.split(':');
    let mut next = || number(clock.next()?, 1..=2);
    let (hour, minute, second): (u8, u8, u8) = (next()?, next()?, next()?);
    // A leap second has no number of its own.
    let time = Time::from_hms(hour, minute, second.min(59)).ok().filter(|_| second <= 60 && clock.next().is_none())?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

fn is_weekday(token: &str) -> bool {
    WEEKDAYS.iter().any(|name| token.eq_ignore_ascii_case(name) || token.eq_ignore_ascii_case(&name[..3]))
}

fn is_utc(zone: &str) -> bool {
    ["GMT", "UTC", "UT", "Z", "+0000", "0000"].iter().any(|name| zone.eq_ignore_ascii_case(name))
}

fn month(name: &str) -> Option<Month> {
    let at = MONTHS.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    Month::try_from(u8::try_from(at + 1).ok()?).ok()
}

/// RFC 850 has two digits of a year.
fn year(digits: &str) -> Option<i32> {
    match (digits.len(), number(digits, 1..=4)?) {
        (2, year @ 0..70) => Some(2000 + year),
        (2, year) => Some(1900 + year),
        (4, year) => Some(year),
        _ => None,
    }
}

fn number<T: std::str::FromStr>(digits: &str, length: std::ops::RangeInclusive<usize>) -> Option<T> {
    let is_number = length.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(format(1_445_412_480_999), "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(parse(&format(1_445_412_480_999)), Some(1_445_412_480));
    }

    #[test]
    fn every_form_is_the_same_time() {
        for text in [
            "Tue, 09 Aug 2022 14:00:05 GMT",
            "Tue, 9 Aug 2022 14:00:05 GMT",
            "Tue, 09 Aug 2022 14:00:05 UTC",
            "Tue, 09 Aug 2022 14:00:05 +0000",
            "Tue, 09 Aug 2022 14:00:05 -0000",
            "tue, 9 aug 2022 14:00:05 gmt",
            "9 Aug 2022 14:00:05 GMT",
            "Tue, 09-Aug-2022 14:00:05 GMT",
            "Tuesday, 09-Aug-22 14:00:05 GMT",
            "Tue Aug  9 14:00:05 2022",
            "Tue Aug 09 14:00:05 2022",
        ] {
            assert_eq!(parse(text), Some(1_660_053_605), "{text}");
        }
        assert_eq!(parse("Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse("Sat, 31 Dec 2016 23:59:60 GMT"), Some(1_483_228_799));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "never",
            "0",
            "1660053605",
            "2022-08-09T14:00:05Z",
            "Tue, 32 Aug 2022 14:00:05 GMT",
            "Tue, 09 Aug 2022 24:00:05 GMT",
            "Tue, 09 Aug 2022 14:00:61 GMT",
            "Tue, 09 Aug 2022 14:00 GMT",
            "Tue, 09 Aug 2022 14:00:05:06 GMT",
            "Tue, 09 Aug 2022 14:00:05 PST",
            "Tue, 09 Aug 2022 14:00:05 +0200",
            "Tue, +9 Aug 2022 14:00:05 GMT",
            "Tue, 09 Xyz 2022 14:00:05 GMT",
            "Tue, 09 Aug 20222 14:00:05 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
