//! A question to an index, as it stands in a file.

use serde::Deserialize;
use windlass_links::Mode;
use windlass_report::{Query, QueryError};

/// A report that is asked for: the parameters of the API, and a name. What else a file says of a
/// question is for others.
#[derive(Debug, Clone, Default, Deserialize)]
pub(in super::super) struct Question {
    pub(in super::super) name: String,
    target: String,
    mode: String,
    #[serde(default, rename = "where")]
    filter: Option<String>,
    #[serde(default)]
    having: Option<String>,
    #[serde(default)]
    order_by: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    history: Option<String>,
}

impl Question {
    /// Most backlinks first.
    pub(in super::super) fn new(target: String, mode: Mode) -> Self {
        Self {
            name: format!("{target} {mode}"),
            target,
            mode: mode.name().to_owned(),
            order_by: Some("backlinks:desc".to_owned()),
            ..Self::default()
        }
    }

    /// The same over the rows that a filter lets through.
    pub(in super::super) fn filtered(&self, filter: &str) -> Self {
        Self {
            filter: Some(filter.to_owned()),
            ..self.clone()
        }
    }

    pub(in super::super) fn query(&self) -> Result<Query, QueryError> {
        let parameters = [
            ("from", Some("anchors".to_owned())),
            ("target", Some(self.target.clone())),
            ("mode", Some(self.mode.clone())),
            ("where", self.filter.clone()),
            ("having", self.having.clone()),
            ("order_by", self.order_by.clone()),
            ("limit", self.limit.map(|limit| limit.to_string())),
            ("history", self.history.clone()),
        ];
        let given = parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        Query::from_params(given)
    }
}
