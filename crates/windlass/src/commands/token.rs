//! `windlass token`: who may ask, and how much.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Serialize;
use windlass_accounts::{Account, AccountsError, Moment, NewAccount, NewToken, Store};
use windlass_index::Reader;

use crate::cli::Format;
use crate::cli::accounts::{AccountsOptions, TokenAction, TokenCreateOptions, TokenOptions};
use crate::numbers::grouped;
use crate::table::{Align, Table};

pub(crate) fn run(options: &TokenOptions) -> anyhow::Result<ExitCode> {
    let now = Moment::now();
    match &options.action {
        TokenAction::Create(options) => create(options, now)?,
        TokenAction::List(options) => {
            let store = store_if_there(options)?;
            let accounts = store.map(|store| store.accounts(now)).transpose()?;
            list(&accounts.unwrap_or_default(), options.output)?;
        }
        TokenAction::Revoke(options) => {
            let store = store_with(&options.accounts, &options.token)?;
            show(&store.revoke(&options.token, now)?, options.accounts.output)?;
        }
        TokenAction::TopUp(options) => {
            let store = store_with(&options.accounts, &options.token)?;
            let account = store.top_up(&options.token, options.rows, now)?;
            show(&account, options.accounts.output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The accounts, where there are any. Where there are none, none are made: whoever looks is not always who runs the
/// server, which could not read them then.
pub(super) fn store_if_there(options: &AccountsOptions) -> anyhow::Result<Option<Store>> {
    let file = place_of(options)?;
    let is_there = file.try_exists();
    if is_there.with_context(|| format!("looking for {}", file.display()))? {
        return Ok(Some(Store::open(&file)?));
    }
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or_else(|| Path::new("."));
    if !folder.is_dir() {
        bail!("the folder of {} is not there", file.display());
    }
    anstream::eprintln!("no token was ever made: there is no {}", file.display());
    Ok(None)
}

/// The accounts, which must be there for that token to be one.
pub(super) fn store_with(options: &AccountsOptions, token: &str) -> anyhow::Result<Store> {
    store_if_there(options)?.ok_or_else(|| AccountsError::NoSuchAccount(token.to_owned()).into())
}

/// The accounts file. The folder of an index is one: of another, the server would never hear.
fn place_of(options: &AccountsOptions) -> anyhow::Result<PathBuf> {
    if let (None, Some(index)) = (&options.accounts, &options.index) {
        Reader::open(index).with_context(|| {
            format!(
                "'{}' is not taken for the folder of an index; --accounts names a file elsewhere",
                index.display()
            )
        })?;
    }
    Ok(options.file())
}

fn create(options: &TokenCreateOptions, now: Moment) -> anyhow::Result<()> {
    let mut new = NewAccount::new(&options.name, options.rows.unwrap_or(0));
    new.is_admin = options.admin;
    if let Some(subscription) = &options.subscription {
        new.subscription.clone_from(subscription);
    }
    let store = Store::open(&place_of(&options.accounts)?)?;
    store.create_told(&new, now, |account, token| {
        show_new(account, token, options.accounts.output)
    })?;
    Ok(())
}

/// The token alone goes to stdout, so that a script can take it.
fn show_new(account: &Account, token: &NewToken, format: Format) -> io::Result<()> {
    #[derive(Serialize)]
    struct Created<'a> {
        token: &'a str,
        #[serde(flatten)]
        account: &'a Account,
    }
    let token = token.reveal();
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => {
            let created = Created { token, account };
            writeln!(out, "{}", serde_json::to_string_pretty(&created)?)?;
        }
        Format::Table => {
            writeln!(out, "{token}")?;
            out.flush()?;
            anstream::eprintln!(
                "the token of '{}' (id {}), with {} rows a month; it cannot be shown again",
                account.name,
                account.id,
                grouped(account.balance.rows_limit)
            );
        }
    }
    Ok(())
}

fn show(account: &Account, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let mut out = anstream::stdout().lock();
            writeln!(out, "{}", serde_json::to_string_pretty(account)?)?;
            Ok(())
        }
        Format::Table => list(std::slice::from_ref(account), format),
    }
}

fn list(accounts: &[Account], format: Format) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    if format == Format::Json {
        writeln!(out, "{}", serde_json::to_string_pretty(accounts)?)?;
        return Ok(());
    }
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("name", Align::Left),
        ("subscription", Align::Left),
        ("rows a month", Align::Right),
        ("topped up", Align::Right),
        ("used", Align::Right),
        ("left", Align::Right),
        ("admin", Align::Left),
        ("created", Align::Left),
        ("revoked", Align::Left),
    ]);
    for account in accounts {
        table.row(&[
            account.id.to_string(),
            account.name.clone(),
            account.subscription.clone(),
            grouped(account.balance.rows_limit),
            grouped(account.balance.topped_up),
            grouped(account.balance.used),
            grouped(account.balance.left()),
            if account.is_admin { "yes" } else { "" }.to_owned(),
            account.created.to_string(),
            account
                .revoked
                .map_or_else(String::new, |at| at.to_string()),
        ]);
    }
    table.write(&mut out)?;
    Ok(())
}
