//! Charges whose answers are not finished, by the meter that made them: what is given back where that dies.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::account::AccountId;
use crate::store::{number, parsed, unsigned};
use crate::time::Day;

/// What charges are added up by.
pub(crate) type Key = (AccountId, Day, Cow<'static, str>);

/// Meters that have open charges.
pub(crate) fn servers(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT server FROM open_charges")?;
    let servers = statement.query_map([], |row| row.get(0))?;
    servers.collect()
}

/// What a meter has open of one kind.
pub(crate) fn rows(
    connection: &Connection,
    server: &str,
    (account, day, table): &Key,
) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT rows FROM open_charges
         WHERE server = :server AND account = :account AND day = :day AND table_ = :table",
    )?;
    let parameters = named_params! {
        ":server": server,
        ":account": account.0,
        ":day": day.to_string(),
        ":table": table,
    };
    let rows = statement.query_row(parameters, |row| unsigned(row, 0));
    Ok(rows.optional()?.unwrap_or_default())
}

/// Removes the open charges of a meter, and says what they were.
pub(crate) fn remove(connection: &Connection, server: &str) -> rusqlite::Result<Vec<(Key, u64)>> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM open_charges WHERE server = ? RETURNING account, day, table_, rows",
    )?;
    let removed = statement.query_map([server], |row| {
        let table = Cow::Owned(row.get(2)?);
        let key = (AccountId(row.get(0)?), parsed(row, 1)?, table);
        Ok((key, unsigned(row, 3)?))
    })?;
    removed.collect()
}

/// Adds rows that were charged and takes off those whose answers are finished.
///
/// The row is changed by the difference, and not set to a sum that the meter knows: where another one took it for
/// dead, and gave back what was open, nothing of that is open again.
pub(crate) fn change(
    connection: &Connection,
    server: &str,
    (account, day, table): &Key,
    opened: u64,
    closed: u64,
) -> rusqlite::Result<()> {
    let sql = if opened > closed {
        "INSERT INTO open_charges (server, account, day, table_, rows)
         VALUES (:server, :account, :day, :table, :rows)
         ON CONFLICT DO UPDATE SET rows = rows + excluded.rows"
    } else {
        "UPDATE open_charges SET rows = rows - :rows
         WHERE server = :server AND account = :account AND day = :day AND table_ = :table
           AND rows > :rows"
    };
    if opened == closed {
        return Ok(());
    }
    let day = day.to_string();
    let parameters = named_params! {
        ":server": server,
        ":account": account.0,
        ":day": day,
        ":table": table,
        ":rows": number(opened.abs_diff(closed))?,
    };
    let changed = connection.prepare_cached(sql)?.execute(parameters)?;
    if changed == 0 {
        // No more than that was open.
        let mut statement = connection.prepare_cached(
            "DELETE FROM open_charges
             WHERE server = :server AND account = :account AND day = :day AND table_ = :table",
        )?;
        statement.execute(named_params! {
            ":server": server,
            ":account": account.0,
            ":day": day,
            ":table": table,
        })?;
    }
    Ok(())
}
