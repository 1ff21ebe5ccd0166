//! `windlass usage`: who asked how much, by day and table.

use std::io::Write;
use std::process::ExitCode;

use windlass_accounts::{Days, Moment};

use super::token::{store_if_there, store_with};
use crate::cli::Format;
use crate::cli::accounts::UsageOptions;
use crate::numbers::grouped;
use crate::table::{Align, Table};

pub(crate) fn run(options: &UsageOptions) -> anyhow::Result<ExitCode> {
    let usage = match &options.token {
        None => store_if_there(&options.accounts)?.map(|store| store.usage(None, days(options))),
        Some(token) => {
            let store = store_with(&options.accounts, token)?;
            let account = store.find(token, Moment::now())?;
            Some(store.usage(Some(account.id), days(options)))
        }
    };
    let usage = usage.transpose()?.unwrap_or_default();
    let mut out = anstream::stdout().lock();
    if options.accounts.output == Format::Json {
        writeln!(out, "{}", serde_json::to_string_pretty(&usage)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&[
        ("day", Align::Left),
        ("id", Align::Right),
        ("token", Align::Left),
        ("table", Align::Left),
        ("requests", Align::Right),
        ("rows", Align::Right),
    ]);
    for used in &usage {
        table.row(&[
            used.day.to_string(),
            used.account.to_string(),
            used.name.clone(),
            used.table.clone(),
            grouped(used.requests),
            grouped(used.rows),
        ]);
    }
    table.write(&mut out)?;
    let total = usage.iter().map(|used| used.rows).sum();
    writeln!(out, "\n{} rows in all", grouped(total))?;
    Ok(ExitCode::SUCCESS)
}

const fn days(options: &UsageOptions) -> Days {
    Days {
        from: options.from,
        to: options.to,
    }
}
