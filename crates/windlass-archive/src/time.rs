//! Capture times: UTC, second precision (R1).

use std::fmt::{self, Write};
use std::str::FromStr;

/// The moment a document was captured: seconds since 1970-01-01T00:00:00Z, UTC (R1).
///
/// Thirty-two bits reach from 1970 to 2106-02-07; an archive that claims a date outside that range
/// is reported as a problem rather than indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CaptureTime(u32);

impl CaptureTime {
    /// The earliest representable time, 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// The latest representable time, 2106-02-07T06:28:15Z.
    pub const MAX: Self = Self(u32::MAX);

    /// Makes a time from seconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> u32 {
        self.0
    }

    /// Its date in the Gregorian calendar, UTC: year, month and day, the last two from 1.
    #[must_use]
    pub const fn date(self) -> (u16, u8, u8) {
        // Howard Hinnant's `civil_from_days`, of days from 1970 on.
        let z = self.0 / 86_400 + 719_468;
        let era = z / 146_097;
        let doe = z % 146_097;
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + (month <= 2) as u32;
        // None of them is larger than 2106.
        (year as u16, month as u8, day as u8)
    }

    /// Makes a time from a proleptic Gregorian date and time in UTC, or `None` where a field is out
    /// of its range (a leap second, `:60`, is taken as the following second) or the result is
    /// outside 1970–2106.
    #[must_use]
    pub fn from_civil(
        year: i64,
        month: u32,
        day: u32,
        hour: u32,
        min: u32,
        sec: u32,
    ) -> Option<Self> {
        let seconds = seconds_of_civil(year, month, day, hour, min, sec)?;
        u32::try_from(seconds).ok().map(Self)
    }
}

/// Seconds from the Unix epoch to a date and time in UTC, as [`CaptureTime::from_civil`] takes them; before and after what
/// it can represent too.
pub(crate) fn seconds_of_civil(
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    min: u32,
    sec: u32,
) -> Option<i64> {
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_in_month(year, month)
        || hour > 23
        || min > 59
        || sec > 60
    {
        return None;
    }
    Some(
        days_from_civil(year, month, day) * 86_400
            + i64::from(hour) * 3600
            + i64::from(min) * 60
            + i64::from(sec),
    )
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a civil date: Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = i64::from((month + 9) % 12);
    let doy = (153 * mp + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

impl CaptureTime {
    /// As on the wire, `2013-08-08T19:04:00Z`, in ASCII: for who writes many of them.
    #[must_use]
    pub const fn to_ascii(self) -> [u8; 20] {
        const fn digit(number: u32) -> u8 {
            b'0' + (number % 10) as u8
        }
        let (year, month, day) = self.date();
        let (year, month, day) = (year as u32, month as u32, day as u32);
        let seconds = self.0 % 86_400;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        [
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
            b'T',
            digit(hour / 10),
            digit(hour),
            b':',
            digit(minute / 10),
            digit(minute),
            b':',
            digit(second / 10),
            digit(second),
            b'Z',
        ]
    }
}

/// Shown as on the wire: `2013-08-08T19:04:00Z`.
impl fmt::Display for CaptureTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ascii()
            .iter()
            .try_for_each(|byte| f.write_char(char::from(*byte)))
    }
}

/// A text that is not a date of the form expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a date of the form YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ between 1970 and 2106")]
pub struct TimeError(pub String);

/// Parses exactly what [`Display`](fmt::Display) writes, or a bare `YYYY-MM-DD` (midnight UTC).
/// The looser dates of archive headers are the readers' business.
impl FromStr for CaptureTime {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError(text.chars().take(64).collect());
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<u32> {
            bytes.get(from..to)?.iter().try_fold(0u32, |acc, b| {
                b.is_ascii_digit().then(|| acc * 10 + u32::from(b - b'0'))
            })
        };
        let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
        let date = || {
            (is(4, b'-') && is(7, b'-'))
                .then(|| Some((i64::from(number(0, 4)?), number(5, 7)?, number(8, 10)?)))
                .flatten()
        };
        let (year, month, day) = date().ok_or_else(error)?;
        let (hour, min, sec) = match bytes.len() {
            10 => (0, 0, 0),
            20 if is(10, b'T') && is(13, b':') && is(16, b':') && is(19, b'Z') => {
                let clock = || Some((number(11, 13)?, number(14, 16)?, number(17, 19)?));
                clock().ok_or_else(error)?
            }
            _ => return Err(error()),
        };
        Self::from_civil(year, month, day, hour, min, sec).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_and_reads_the_wire_form() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2013-08-08T19:04:00Z",
            "2000-02-29T23:59:59Z",
            "2106-02-07T06:28:15Z",
        ] {
            let time: CaptureTime = text.parse().unwrap();
            assert_eq!(time.to_string(), text);
        }
        // A day and an hour at a time, through all that can be shown.
        for unix in (0..=u32::MAX).step_by(90_061) {
            let time = CaptureTime::from_unix(unix);
            let text = time.to_ascii();
            assert_eq!(time.to_string().as_bytes(), text);
            let text = std::str::from_utf8(&text).unwrap();
            assert_eq!(text.parse::<CaptureTime>().unwrap(), time, "{text}");
        }
        assert_eq!(
            "2024-01-02".parse::<CaptureTime>().unwrap().to_string(),
            "2024-01-02T00:00:00Z"
        );
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "2013",
            "2013-13-01",
            "2013-02-29",
            "1969-12-31",
            "2106-02-08",
            "2013-08-08 19:04:00",
            "２０１３-08-08",
        ] {
            assert!(text.parse::<CaptureTime>().is_err(), "{text}");
        }
    }
}
