//! Durations as arguments.

use std::time::Duration;

/// A duration, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Never,
    After(Duration),
}

/// `7d`, `12h`, `30m`, `45s`; `never`.
///
/// # Errors
/// A message for the user.
pub fn parse_limit(text: &str) -> Result<Limit, String> {
    if text == "never" {
        return Ok(Limit::Never);
    }
    let wrong = || "give a number with d, h, m or s, such as 7d, or never".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'd' => 24 * 60 * 60,
        'h' => 60 * 60,
        'm' => 60,
        's' => 1,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u32>().ok()).flatten();
    match number.ok_or_else(wrong)? {
        0 => Err("0 would expire every upload; use never to turn expiry off".to_owned()),
        number => Ok(Limit::After(Duration::from_secs(u64::from(number) * seconds))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let after = |seconds| Ok(Limit::After(Duration::from_secs(seconds)));
        assert_eq!(parse_limit("7d"), after(604_800));
        assert_eq!(parse_limit("12h"), after(43_200));
        assert_eq!(parse_limit("1m"), after(60));
        assert_eq!(parse_limit("4294967295s"), after(4_294_967_295));
        assert_eq!(parse_limit("never"), Ok(Limit::Never));
        for wrong in ["", "7", "d", "0d", "-1d", "+1d", "1.5d", "7 d", "7D", "1w", "4294967296s", "7\u{fc}"] {
            assert!(parse_limit(wrong).is_err(), "{wrong:?}");
        }
    }
}
