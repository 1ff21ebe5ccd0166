//! Who asked how much, by day and table.

use rusqlite::{Connection, Row, named_params};

use crate::account::AccountId;
use crate::store::{number, unsigned};
use crate::time::Day;

/// What one account used of one table on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The day, UTC.
    pub day: Day,
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// The table.
    pub table: String,
    /// Answers that were charged.
    pub requests: u64,
    /// Rows that they cost.
    pub rows: u64,
}

/// A range of days, both ends included; without an end, there is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// The first.
    pub from: Option<Day>,
    /// The last.
    pub to: Option<Day>,
}

/// The usage of one account or of all, ordered by day, account and table.
pub(crate) fn read(
    connection: &Connection,
    account: Option<AccountId>,
    days: Days,
) -> rusqlite::Result<Vec<Usage>> {
    let mut statement = connection.prepare_cached(
        "SELECT day, account, name, table_, requests, rows
         FROM usage JOIN accounts ON accounts.id = usage.account
         WHERE (:account IS NULL OR account = :account)
           AND (:from IS NULL OR day >= :from) AND (:to IS NULL OR day <= :to)
         ORDER BY day, account, table_",
    )?;
    let day = |day: Option<Day>| day.map(|day| day.to_string());
    let rows = statement.query_map(
        named_params! {
            ":account": account.map(|account| account.0),
            ":from": day(days.from),
            ":to": day(days.to),
        },
        usage,
    )?;
    rows.collect()
}

fn usage(row: &Row<'_>) -> rusqlite::Result<Usage> {
    Ok(Usage {
        day: crate::store::parsed(row, 0)?,
        account: AccountId(row.get(1)?),
        name: row.get(2)?,
        table: row.get(3)?,
        requests: unsigned(row, 4)?,
        rows: unsigned(row, 5)?,
    })
}

/// Takes back rows of what an account used of a table on a day; its answers stay counted.
pub(crate) fn take_back(
    connection: &Connection,
    account: AccountId,
    day: Day,
    table: &str,
    rows: u64,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE usage SET rows = max(rows - :rows, 0)
         WHERE account = :account AND day = :day AND table_ = :table",
    )?;
    statement.execute(named_params! {
        ":account": account.0,
        ":day": day.to_string(),
        ":table": table,
        ":rows": number(rows)?,
    })?;
    Ok(())
}

/// Adds to what an account used of a table on a day.
pub(crate) fn add(
    connection: &Connection,
    account: AccountId,
    day: Day,
    table: &str,
    requests: u64,
    rows: u64,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO usage (account, day, table_, requests, rows)
         VALUES (:account, :day, :table, :requests, :rows)
         ON CONFLICT DO UPDATE SET
             requests = requests + excluded.requests, rows = rows + excluded.rows",
    )?;
    statement.execute(named_params! {
        ":account": account.0,
        ":day": day.to_string(),
        ":table": table,
        ":requests": number(requests)?,
        ":rows": number(rows)?,
    })?;
    Ok(())
}
