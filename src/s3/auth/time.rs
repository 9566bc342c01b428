//! Times of signatures.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;

/// How far the clocks of client and server may be apart, in seconds.
pub const MAX_SKEW: i64 = 15 * 60;

const ISO: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");
const SHOWN: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

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
        let parsed = time::PrimitiveDateTime::parse(text, ISO).ok()?;
        Some(Moment(parsed.assume_utc().unix_timestamp()))
    }

    /// A `Date` header: as HTTP writes it, or as [`Moment::parse_iso`].
    pub fn parse_http(text: &str) -> Option<Self> {
        let offset = text.replace("GMT", "+0000").replace("UTC", "+0000");
        let http = OffsetDateTime::parse(&offset, &Rfc2822).ok().map(|found| Moment(found.unix_timestamp()));
        http.or_else(|| Self::parse_iso(text))
    }

    /// `YYYYMMDDThhmmssZ`
    pub fn iso(self) -> String {
        self.format(ISO)
    }

    /// As error documents have it.
    pub fn shown(self) -> String {
        self.format(SHOWN)
    }

    fn format(self, format: &[BorrowedFormatItem<'_>]) -> String {
        let at = OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        at.format(format).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let moment = Some(Moment(1_369_353_600));
        assert_eq!(Moment::parse_iso("20130524T000000Z"), moment);
        for text in
            ["Fri, 24 May 2013 00:00:00 GMT", "Fri, 24 May 2013 00:00:00 +0000", "20130524T000000Z"]
        {
            assert_eq!(Moment::parse_http(text), moment, "{text}");
        }
        for text in ["", "yesterday", "20130524", "20130524T000000"] {
            assert_eq!(Moment::parse_http(text), None, "{text}");
        }
        assert_eq!(Moment(1_369_353_600).iso(), "20130524T000000Z");
        assert_eq!(Moment(1_369_353_600).shown(), "2013-05-24T00:00:00Z");
    }
}
