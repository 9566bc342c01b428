//! Times of signatures.

use std::time::{SystemTime, UNIX_EPOCH};

use time::format_description::well_known::Rfc2822;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::remote::sigv4::timestamp;

/// How far the clocks of client and server may be apart, in seconds.
pub const MAX_SKEW: i64 = 15 * 60;

/// A moment, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Moment {
    pub fn now() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Moment(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    /// `YYYYMMDDThhmmssZ`
    pub fn parse_iso(text: &str) -> Option<Self> {
        let shape = text.len() == 16 && text.as_bytes()[8] == b'T' && text.ends_with('Z');
        let digits = |range| text.get(range).filter(|part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()));
        let number = |range| digits(range)?.parse::<u8>().ok();
        let year = digits(0..4).filter(|_| shape)?.parse().ok()?;
        let date = Date::from_calendar_date(year, Month::try_from(number(4..6)?).ok()?, number(6..8)?).ok()?;
        let time = Time::from_hms(number(9..11)?, number(11..13)?, number(13..15)?).ok()?;
        Some(Moment(PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp()))
    }

    /// A `Date` header: as HTTP writes it, or as [`Moment::parse_iso`].
    pub fn parse_http(text: &str) -> Option<Self> {
        let offset = text.replace("GMT", "+0000").replace("UTC", "+0000");
        let http = OffsetDateTime::parse(&offset, &Rfc2822).ok().map(|found| Moment(found.unix_timestamp()));
        http.or_else(|| Self::parse_iso(text))
    }

    /// `YYYYMMDDThhmmssZ`
    pub fn iso(self) -> String {
        timestamp(self.0)
    }

    /// As error documents have it: `YYYY-MM-DDThh:mm:ssZ`.
    pub fn shown(self) -> String {
        let at = OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (hour, minute, second) = at.to_hms();
        format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", at.year(), u8::from(at.month()), at.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let moment = Some(Moment(1_369_353_600));
        assert_eq!(Moment::parse_iso("20130524T000000Z"), moment);
        for text in ["Fri, 24 May 2013 00:00:00 GMT", "Fri, 24 May 2013 00:00:00 +0000", "20130524T000000Z"] {
            assert_eq!(Moment::parse_http(text), moment, "{text}");
        }
        for text in ["", "yesterday", "20130524", "20130524T000000", "20131324T000000Z", "2013\u{fc}524T00000Z"] {
            assert_eq!(Moment::parse_http(text), None, "{text}");
        }
        assert_eq!(Moment(1_369_353_600).iso(), "20130524T000000Z");
        assert_eq!(Moment(1_369_353_600).shown(), "2013-05-24T00:00:00Z");
    }
}
