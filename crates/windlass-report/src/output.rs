//! The formats of an answer.

use std::str::FromStr;

use crate::error::shown;

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Output {
    /// One JSON object with rows and stats.
    #[default]
    Json,
    /// One JSON object a row, a line each.
    Ndjson,
    /// RFC 4180, with a header row.
    Csv,
}

impl Output {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Json, Self::Ndjson, Self::Csv];

    /// The keyword.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The format of what is no table where this one was asked for: errors and dry runs. Formats that
    /// hold rows alone have JSON there.
    #[must_use]
    pub const fn of_messages(self) -> Self {
        match self {
            Self::Json | Self::Ndjson | Self::Csv => Self::Json,
        }
    }

    /// The media type of an answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// Keywords are case-insensitive.
impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|output| output.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                let allowed = Self::ALL.map(Self::name).join(", ");
                format!("'{}' is not supported; allowed: {allowed}", shown(text))
            })
    }
}
