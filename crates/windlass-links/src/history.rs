//! Which backlinks a report is about: live ones, or lost ones too (R13, R15).

use std::fmt;
use std::str::FromStr;

use windlass_archive::CaptureTime;

/// Which backlinks are in a report (R15; `history` of the wire contract).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum History {
    /// Only live ones.
    #[default]
    Live,
    /// Live ones, and those whose `lost` is at or after that time.
    Since(CaptureTime),
    /// All that were ever seen.
    AllTime,
}

impl History {
    /// Whether a backlink lost at that time (`None`: it is live) is in.
    #[must_use]
    pub fn keeps(self, lost: Option<CaptureTime>) -> bool {
        match (self, lost) {
            (_, None) | (Self::AllTime, _) => true,
            (Self::Live, Some(_)) => false,
            (Self::Since(start), Some(lost)) => lost >= start,
        }
    }
}

/// As on the wire; a `since` at midnight shows the day alone.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Since(start) => {
                let text = start.to_string();
                write!(
                    f,
                    "since:{}",
                    text.strip_suffix("T00:00:00Z").unwrap_or(&text)
                )
            }
            Self::AllTime => f.write_str("all_time"),
        }
    }
}

/// A text that is no history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no history; allowed: live, since:YYYY-MM-DD, all_time")]
pub struct HistoryError(String);

/// Keywords are case-insensitive.
impl FromStr for History {
    type Err = HistoryError;

    fn from_str(text: &str) -> Result<Self, HistoryError> {
        let error = || HistoryError(text.chars().take(64).collect());
        if text.eq_ignore_ascii_case("live") {
            return Ok(Self::Live);
        }
        if text.eq_ignore_ascii_case("all_time") {
            return Ok(Self::AllTime);
        }
        match text.split_once(':') {
            Some((word, date)) if word.eq_ignore_ascii_case("since") => {
                date.parse().map(Self::Since).map_err(|_| error())
            }
            _ => Err(error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r15_history() {
        for text in [
            "live",
            "since:2024-02-29",
            "since:2024-02-29T01:00:00Z",
            "all_time",
        ] {
            assert_eq!(text.parse::<History>().unwrap().to_string(), text);
        }
        for text in ["", "dead", "since", "since:", "since:2024-02-30"] {
            assert!(text.parse::<History>().is_err(), "{text}");
        }
        let at = CaptureTime::from_unix;
        let since = History::Since(at(10));
        assert!(since.keeps(None) && since.keeps(Some(at(10))) && !since.keeps(Some(at(9))));
        assert!(History::Live.keeps(None) && !History::Live.keeps(Some(at(9))));
        assert!(History::AllTime.keeps(Some(at(0))));
    }
}
