//! Tokens, and what was used by them.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;

/// A token, without itself.
#[derive(Debug, Clone, Default)]
pub struct TokenLine {
    /// The number of its account.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What its subscription is called.
    pub subscription: String,
    /// Whether it opens these pages.
    pub is_admin: bool,
    /// Rows granted each month.
    pub rows_limit: u64,
    /// Rows granted in addition, this month.
    pub topped_up: u64,
    /// Rows used this month.
    pub used: u64,
    /// Rows that are left of this month's.
    pub left: u64,
    /// When it was made.
    pub created: String,
    /// Since when it opens nothing.
    pub revoked: Option<String>,
}

/// What usage is shown of.
#[derive(Debug, Clone, Default)]
pub struct UsageFilter {
    /// The first day, `YYYY-MM-DD`.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The token, by its name or number; all where it is blank.
    pub name: String,
    /// What is wrong with it, where something is.
    pub problem: Option<String>,
}

/// What one token used of one table on one day.
#[derive(Debug, Clone, Default)]
pub struct UsageLine {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// The number of the token's account.
    pub id: i64,
    /// The token's name; one that was revoked may have the same.
    pub name: String,
    /// The table.
    pub table: String,
    /// Answers that were charged.
    pub requests: u64,
    /// Rows that they cost.
    pub rows: u64,
}

/// Requests and rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) requests: u64,
    pub(super) rows: u64,
}

impl Sum {
    fn add(&mut self, line: &UsageLine) {
        self.requests = self.requests.saturating_add(line.requests);
        self.rows = self.rows.saturating_add(line.rows);
    }
}

/// What one token used of one table.
pub(super) struct OfToken {
    pub(super) name: String,
    /// The number of its account, where another has its name.
    pub(super) id: Option<i64>,
    pub(super) table: String,
    pub(super) sum: Sum,
}

/// What was used, of what was asked about.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// What was asked about.
    pub filter: UsageFilter,
    /// All days that were asked about, in order; those alone that have something, where they are many.
    pub days: Vec<String>,
    /// What was used, in any order.
    pub lines: Vec<UsageLine>,
}

impl Usage {
    /// The sums of each day, in order.
    pub(super) fn by_day(&self) -> Vec<(String, Sum)> {
        let mut days: BTreeMap<&str, Sum> = BTreeMap::new();
        for day in &self.days {
            days.entry(day).or_default();
        }
        for line in &self.lines {
            days.entry(&line.day).or_default().add(line);
        }
        let days = days.into_iter();
        days.map(|(day, sum)| (day.to_owned(), sum)).collect()
    }

    /// The sums of each token and table, in order.
    pub(super) fn by_token(&self) -> Vec<OfToken> {
        let mut sums: BTreeMap<(&str, i64, &str), Sum> = BTreeMap::new();
        for line in &self.lines {
            let key = (line.name.as_str(), line.id, line.table.as_str());
            sums.entry(key).or_default().add(line);
        }
        let tokens: BTreeSet<(&str, i64)> = sums.keys().map(|(name, id, _)| (*name, *id)).collect();
        let is_shared = |name: &str| tokens.range((name, i64::MIN)..=(name, i64::MAX)).count() > 1;
        let line = |((name, id, table), sum): (&(&str, i64, &str), &Sum)| OfToken {
            name: (*name).to_owned(),
            id: is_shared(name).then_some(*id),
            table: (*table).to_owned(),
            sum: *sum,
        };
        sums.iter().map(line).collect()
    }

    /// The sum of all.
    pub(super) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        self.lines.iter().for_each(|line| sum.add(line));
        sum
    }

    /// The address of the page that shows the same.
    pub(super) fn address(&self) -> Address {
        let filter = &self.filter;
        Address::new(super::PATH)
            .with("from", &filter.from)
            .with("to", &filter.to)
            .with("name", &filter.name)
    }
}
