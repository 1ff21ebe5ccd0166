//! The flags of `token` and `usage`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use windlass_accounts::{Day, FILE_NAME};

use super::Format;

/// Where the accounts are.
#[derive(Debug, Args)]
pub(crate) struct AccountsOptions {
    /// The index: the accounts lie in its folder, unless --accounts says otherwise
    #[arg(
        long,
        value_name = "DIR",
        env = "WINDLASS_INDEX",
        required_unless_present = "accounts"
    )]
    pub(crate) index: Option<PathBuf>,
    /// The accounts file [default: accounts.sqlite in the folder of the index]
    #[arg(long, value_name = "FILE", env = "WINDLASS_ACCOUNTS")]
    pub(crate) accounts: Option<PathBuf>,
    /// How the result is written
    #[arg(long, default_value = "table")]
    pub(crate) output: Format,
}

impl AccountsOptions {
    /// The accounts file.
    pub(crate) fn file(&self) -> PathBuf {
        let index = self.index.as_deref().unwrap_or_else(|| Path::new("."));
        accounts_file(index, self.accounts.as_deref())
    }
}

/// The accounts file: the one named, else that of the index.
pub(crate) fn accounts_file(index: &Path, accounts: Option<&Path>) -> PathBuf {
    accounts.map_or_else(|| index.join(FILE_NAME), Path::to_owned)
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass token create --index ./index --name alice --rows 500k
  windlass token create --index ./index --name operator --admin
  windlass token top-up alice --rows 100k --index ./index
  windlass token revoke alice --index ./index
  windlass token list --index ./index

A server that runs over the same file sees each change with the next request. As long as there is no
token, it answers everybody; from the first on, every request needs one.")]
pub(crate) struct TokenOptions {
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token, and show it: it cannot be shown again
    Create(TokenCreateOptions),
    /// List the tokens that were ever made, without the tokens themselves
    List(AccountsOptions),
    /// End a token, for ever
    Revoke(TokenRevokeOptions),
    /// Grant rows in addition, for this month
    #[command(name = "top-up")]
    TopUp(TokenTopUpOptions),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreateOptions {
    /// What the token is called, in lists and by the other commands
    #[arg(long)]
    pub(crate) name: String,
    /// Rows for each month (suffixes k, M); they are there anew on the first day of the month, UTC
    #[arg(
        long,
        value_name = "N",
        value_parser = crate::numbers::parse_count,
        required_unless_present = "admin"
    )]
    pub(crate) rows: Option<u64>,
    /// What 'subscription_info' calls the subscription [default: Windlass]
    #[arg(long, value_name = "NAME")]
    pub(crate) subscription: Option<String>,
    /// Let it open the pages of operators, /admin/tokens and /admin/usage
    #[arg(long)]
    pub(crate) admin: bool,
    #[command(flatten)]
    pub(crate) accounts: AccountsOptions,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevokeOptions {
    /// Its name, or its id as 'windlass token list' shows it
    #[arg(value_name = "NAME|ID")]
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) accounts: AccountsOptions,
}

#[derive(Debug, Args)]
pub(crate) struct TokenTopUpOptions {
    /// Its name, or its id as 'windlass token list' shows it
    #[arg(value_name = "NAME|ID")]
    pub(crate) token: String,
    /// How many (suffixes k, M); they are there until the end of the month, UTC
    #[arg(long, value_name = "N", value_parser = crate::numbers::parse_count)]
    pub(crate) rows: u64,
    #[command(flatten)]
    pub(crate) accounts: AccountsOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  windlass usage --index ./index
  windlass usage --index ./index --token alice --from 2026-11-01 --to 2026-11-30
  windlass usage --index ./index --output json

Days are UTC, and both ends are included. What costs nothing is not counted.")]
pub(crate) struct UsageOptions {
    /// Only of this token: its name or id
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) token: Option<String>,
    /// From this day on
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) from: Option<Day>,
    /// Up to this day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) to: Option<Day>,
    #[command(flatten)]
    pub(crate) accounts: AccountsOptions,
}
