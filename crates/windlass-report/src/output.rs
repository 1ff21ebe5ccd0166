//! The formats of an answer.

use std::str::FromStr;

use crate::error::shown;
use crate::parameters::Parameters;

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Output {
    /// One JSON object with rows and stats.
    #[default]
    Json,
    /// The same tree, with the root `AhrefsApiResponse`.
    Xml,
    /// The same tree, as PHP's `serialize()` writes it.
    Php,
    /// One JSON object a row, a line each.
    Ndjson,
    /// RFC 4180, with a header row.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl Output {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Json,
        Self::Xml,
        Self::Php,
        Self::Csv,
        Self::Ndjson,
        Self::Arrow,
        Self::Parquet,
    ];

    /// The keyword.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Php => "php",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// The format that decoded parameters ask for, before they are read as a request: what to answer
    /// in where they are wrong. JSON, where that cannot be told.
    pub fn requested(parameters: &Parameters) -> Self {
        let given = parameters.value("output");
        given
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_default()
    }

    /// The format of what is no table where this one was asked for: errors and dry runs. Formats that
    /// hold rows alone have JSON there.
    #[must_use]
    pub const fn of_messages(self) -> Self {
        match self {
            Self::Xml | Self::Php => self,
            Self::Json | Self::Ndjson | Self::Csv | Self::Arrow | Self::Parquet => Self::Json,
        }
    }

    /// The media type of an answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Php => "application/vnd.php.serialized",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
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
