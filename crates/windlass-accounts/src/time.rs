//! Moments, days and months, all of them UTC.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat};

/// The last second of the year 9999: later years have no four digits.
const SECONDS_MAX: i64 = 253_402_300_799;

/// A second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// Seconds since 1970-01-01T00:00:00Z; what lies before that or after the year 9999 becomes the
    /// nearest that does not.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(if seconds < 0 {
            0
        } else if seconds > SECONDS_MAX {
            SECONDS_MAX
        } else {
            seconds
        })
    }

    /// What the system's clock says.
    #[must_use]
    pub fn now() -> Self {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Self::from_unix(i64::try_from(seconds).unwrap_or(SECONDS_MAX))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// The day that it lies in.
    #[must_use]
    pub fn day(self) -> Day {
        Day(self.date_time().date_naive())
    }

    /// The calendar month that it lies in.
    #[must_use]
    pub fn month(self) -> Month {
        self.day().month()
    }

    fn date_time(self) -> DateTime<chrono::Utc> {
        // Every moment is in chrono's range.
        DateTime::from_timestamp(self.0, 0).unwrap_or_default()
    }
}

/// As in answers: `2026-11-26T00:00:00Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.date_time().to_rfc3339_opts(SecondsFormat::Secs, true);
        f.write_str(&text)
    }
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

impl Day {
    /// The month that it lies in.
    #[must_use]
    pub fn month(self) -> Month {
        Month {
            year: self.0.year(),
            number: self.0.month(),
        }
    }
}

/// `2026-11-26`: text of this form sorts as days do.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that names no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no day; days are written YYYY-MM-DD, such as 2026-01-31")]
pub struct NoDay(String);

/// Reads `YYYY-MM-DD`, years 1970 to 9999.
impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let text = text.trim();
        // chrono alone would take shorter numbers and signs.
        let has_form = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let day = has_form
            .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .flatten()
            .filter(|day| day.year() >= 1970);
        day.map(Self)
            .ok_or_else(|| NoDay(text.chars().take(32).collect()))
    }
}

/// A month of the calendar: what rows are granted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    /// 1 to 12.
    number: u32,
}

impl Month {
    /// Whether it comes after the one behind `other`.
    pub(crate) fn is_beyond_next(self, other: Self) -> bool {
        let months = |month: Self| i64::from(month.year) * 12 + i64::from(month.number);
        months(self) > months(other) + 1
    }
}

/// `2026-11`: text of this form sorts as months do.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.number)
    }
}

/// Reads `YYYY-MM`.
impl FromStr for Month {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        format!("{text}-01")
            .parse::<Day>()
            .map(Day::month)
            .map_err(|_| NoDay(text.chars().take(32).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_lie_in_days_and_months() {
        for (seconds, moment, day, month) in [
            (0, "1970-01-01T00:00:00Z", "1970-01-01", "1970-01"),
            (-1, "1970-01-01T00:00:00Z", "1970-01-01", "1970-01"),
            (951_782_399, "2000-02-28T23:59:59Z", "2000-02-28", "2000-02"),
            (951_868_799, "2000-02-29T23:59:59Z", "2000-02-29", "2000-02"),
            (951_868_800, "2000-03-01T00:00:00Z", "2000-03-01", "2000-03"),
            (i64::MAX, "9999-12-31T23:59:59Z", "9999-12-31", "9999-12"),
        ] {
            let found = Moment::from_unix(seconds);
            assert_eq!(found.to_string(), moment);
            assert_eq!(found.day().to_string(), day);
            assert_eq!(found.month().to_string(), month);
            assert_eq!(day.parse(), Ok(found.day()));
            assert_eq!(month.parse(), Ok(found.month()));
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "2026",
            "2026-02-29",
            "2026-2-1",
            "+026-02-01",
            "1969-12-31",
            "2026-01-01x",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
