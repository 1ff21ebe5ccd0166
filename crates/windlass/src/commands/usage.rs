//! `windlass usage`: who asked how much, by day and table.

use std::io::Write;
use std::process::ExitCode;

use windlass_accounts::{Days, Moment, Store};

use crate::cli::Format;
use crate::cli::accounts::UsageOptions;
use crate::numbers::grouped;
use crate::table::{Align, Table};

pub(crate) fn run(options: &UsageOptions) -> anyhow::Result<ExitCode> {
    let store = Store::open(&options.accounts.file())?;
    let token = options.token.as_deref();
    let account = token.map(|token| store.find(token, Moment::now()));
    let account = account.transpose()?.map(|account| account.id);
    let days = Days {
        from: options.from,
        to: options.to,
    };
    let usage = store.usage(account, days)?;
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
