//! A question to an index, as it stands in a file.

use serde::{Deserialize, Serialize};
use windlass_links::Mode;
use windlass_report::{Query, QueryError};

/// A report that is asked for: the parameters of the API, and a name. What else a file says of a
/// question is for others.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in super::super) struct Question {
    pub(in super::super) name: String,
    /// With which others it is put together, where many are asked once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    target: String,
    mode: String,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    having: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

    /// The same under another name: a file's questions must not share one.
    pub(in super::super) fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// The same in another order.
    pub(in super::super) fn ordered_by(self, order_by: &str) -> Self {
        Self {
            order_by: Some(order_by.to_owned()),
            ..self
        }
    }

    /// The same of backlinks that another history keeps.
    pub(in super::super) fn of_history(self, history: &str) -> Self {
        Self {
            history: Some(history.to_owned()),
            ..self
        }
    }

    /// The name of its group; empty where it has none.
    pub(in super::super) fn group(&self) -> &str {
        self.group.as_deref().unwrap_or_default()
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
