//! Reading and administering accounts.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::types::Type;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, named_params,
};

use crate::account::{Account, AccountId, NewAccount};
use crate::balance::Balance;
use crate::error::AccountsError;
use crate::file;
use crate::time::Moment;
use crate::token::{NewToken, TokenDigest};
use crate::usage::{self, Days, Usage};

/// What an [`Account`] is read from, in this order.
const COLUMNS: &str =
    "id, name, subscription, is_admin, rows_limit, topped_up, used, month, created, revoked";

/// The accounts. Any number of stores, in any number of processes, may have one file open; each sees what
/// the others changed at once.
pub struct Store {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// For what may take long, so that nothing else waits for it.
    reports: Mutex<Connection>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish()
    }
}

impl Store {
    /// Opens the file, and makes it where there is none; its folder must be there.
    ///
    /// # Errors
    /// Where it cannot be made or opened, or is something else.
    pub fn open(path: &Path) -> Result<Self, AccountsError> {
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(file::open(path)?),
            reports: Mutex::new(file::open(path)?),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes an account, and the token that opens it, which cannot be seen again.
    ///
    /// # Errors
    /// Where the name is not one, or taken; and where the file cannot be written.
    pub fn create(
        &self,
        new: &NewAccount,
        now: Moment,
    ) -> Result<(Account, NewToken), AccountsError> {
        self.create_told(new, now, |_, _| Ok(()))
    }

    /// The same, where whoever is to use the token can be told of it: otherwise there is none. It opens the account once
    /// this returns.
    ///
    /// # Errors
    /// As there; [`AccountsError::Untold`] with what `tell` says.
    pub fn create_told(
        &self,
        new: &NewAccount,
        now: Moment,
        tell: impl FnOnce(&Account, &NewToken) -> io::Result<()>,
    ) -> Result<(Account, NewToken), AccountsError> {
        new.check()?;
        let token = NewToken::generate()?;
        let digest = TokenDigest::of(token.reveal());
        let account = self.write(|transaction| {
            let made = transaction.execute(
                "INSERT INTO accounts (name, token_key, token_digest, subscription, is_admin,
                     rows_limit, topped_up, used, month, created)
                 VALUES (:name, :token_key, :token_digest, :subscription, :is_admin,
                     :rows_limit, 0, 0, :month, :created)",
                named_params! {
                    ":name": new.name,
                    ":token_key": digest.key(),
                    ":token_digest": digest.as_bytes(),
                    ":subscription": new.subscription,
                    ":is_admin": new.is_admin,
                    ":rows_limit": number(new.rows_limit)?,
                    ":month": now.month().to_string(),
                    ":created": now.as_unix(),
                },
            );
            match made {
                // The digest is as good as unique: it is the name that is taken.
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    return Err(AccountsError::NameTaken(new.name.clone()));
                }
                made => made?,
            };
            let id = AccountId(transaction.last_insert_rowid());
            let account = load(transaction, id)?;
            let account = account.ok_or_else(|| AccountsError::NoSuchAccount(id.to_string()))?;
            tell(&account, &token).map_err(AccountsError::Untold)?;
            Ok(account)
        })?;
        Ok((account, token))
    }

    /// All accounts, also those revoked, by number; balances as they are now.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn accounts(&self, now: Moment) -> Result<Vec<Account>, AccountsError> {
        let connection = locked(&self.reports);
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM accounts ORDER BY id"))?;
        let accounts = statement.query_map([], account)?;
        accounts
            .map(|account| Ok(account?.at(now)))
            .collect::<Result<_, _>>()
    }

    /// Whether any account was ever made.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn has_accounts(&self) -> Result<bool, AccountsError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM accounts)")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// The account of that number or name; of several with that name, the one that is not revoked, else
    /// the last.
    ///
    /// # Errors
    /// Where there is none, or the file cannot be read.
    pub fn find(&self, selector: &str, now: Moment) -> Result<Account, AccountsError> {
        Ok(find(&self.lock(), selector)?.at(now))
    }

    /// The account that a token opens; none where it is unknown or revoked.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn authenticate(&self, token: &str, now: Moment) -> Result<Option<Account>, AccountsError> {
        let digest = TokenDigest::of(token);
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS}, token_digest FROM accounts WHERE token_key = ?"
        ))?;
        let mut rows = statement.query([digest.key()])?;
        while let Some(row) = rows.next()? {
            if digest.is(row.get(10)?) {
                let account = account(row)?.at(now);
                return Ok(account.revoked.is_none().then_some(account));
            }
        }
        Ok(None)
    }

    /// Ends a token, for ever: it opens nothing any more, and is charged nothing. Its usage stays.
    /// Of one that is revoked already, the time stays as it is.
    ///
    /// # Errors
    /// Where there is none, or the file cannot be written.
    pub fn revoke(&self, selector: &str, now: Moment) -> Result<Account, AccountsError> {
        self.write(|transaction| {
            let mut account = find(transaction, selector)?.at(now);
            if account.revoked.is_none() {
                account.revoked = Some(now);
                transaction.execute(
                    "UPDATE accounts SET revoked = :revoked WHERE id = :id",
                    named_params! { ":id": account.id.0, ":revoked": now.as_unix() },
                )?;
            }
            Ok(account)
        })
    }

    /// Grants rows in addition, for the month that `now` lies in.
    ///
    /// # Errors
    /// Where there is no such account, it is revoked, or would have more than
    /// [`ROWS_MAX`](crate::ROWS_MAX); and where the file cannot be written.
    pub fn top_up(&self, selector: &str, rows: u64, now: Moment) -> Result<Account, AccountsError> {
        self.write(|transaction| {
            let mut account = find(transaction, selector)?.at(now);
            if account.revoked.is_some() {
                return Err(AccountsError::Revoked(account.name));
            }
            account.balance.top_up(rows)?;
            store_balance(transaction, account.id, &account.balance)?;
            Ok(account)
        })
    }

    /// What was used, by day, account and table, in this order.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn usage(
        &self,
        account: Option<AccountId>,
        days: Days,
    ) -> Result<Vec<Usage>, AccountsError> {
        Ok(usage::read(&locked(&self.reports), account, days)?)
    }

    fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, AccountsError>,
    ) -> Result<T, AccountsError> {
        let mut connection = self.lock();
        // Immediate: what it reads is what it changes, whatever other processes do.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let changed = change(&transaction)?;
        transaction.commit()?;
        Ok(changed)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        locked(&self.connection)
    }
}

fn locked(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A transaction that a panic left open was rolled back.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    fn at(mut self, now: Moment) -> Self {
        self.balance = self.balance.at(now);
        self
    }
}

fn find(connection: &Connection, selector: &str) -> Result<Account, AccountsError> {
    let is_number = selector.bytes().all(|b| b.is_ascii_digit());
    let account = if is_number && let Ok(id) = selector.parse() {
        load(connection, AccountId(id))?
    } else {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM accounts WHERE name = ?
             ORDER BY revoked IS NOT NULL, id DESC LIMIT 1"
        ))?;
        statement.query_row([selector], account).optional()?
    };
    account.ok_or_else(|| AccountsError::NoSuchAccount(selector.to_owned()))
}

/// The account of that number, with the balance that is stored.
pub(crate) fn load(connection: &Connection, id: AccountId) -> rusqlite::Result<Option<Account>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM accounts WHERE id = ?"))?;
    statement.query_row([id.0], account).optional()
}

pub(crate) fn store_balance(
    connection: &Connection,
    id: AccountId,
    balance: &Balance,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE accounts SET topped_up = :topped_up, used = :used, month = :month WHERE id = :id",
    )?;
    statement.execute(named_params! {
        ":id": id.0,
        ":topped_up": number(balance.topped_up)?,
        ":used": number(balance.used)?,
        ":month": balance.month.to_string(),
    })?;
    Ok(())
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: AccountId(row.get(0)?),
        name: row.get(1)?,
        subscription: row.get(2)?,
        is_admin: row.get(3)?,
        balance: Balance {
            rows_limit: unsigned(row, 4)?,
            topped_up: unsigned(row, 5)?,
            used: unsigned(row, 6)?,
            month: parsed(row, 7)?,
        },
        created: Moment::from_unix(row.get(8)?),
        revoked: row.get::<_, Option<i64>>(9)?.map(Moment::from_unix),
    })
}

/// A number as SQLite has them.
pub(crate) fn number(value: u64) -> rusqlite::Result<i64> {
    i64::try_from(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A column that holds a number without sign.
pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// A column that holds a day or month as text.
pub(crate) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}
