//! Charges, and rows given back, that share a transaction: accounts are read once and written once, however many charges
//! they have.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::Connection;

use crate::account::AccountId;
use crate::balance::Balance;
use crate::error::ChargeError;
use crate::meter::Charge;
use crate::open::{self, Key};
use crate::store::{load, store_balance};
use crate::usage;

/// What the charges of one transaction come to.
#[derive(Default)]
pub(crate) struct Batch {
    /// What accounts have after the charges so far; nothing of those that cannot be charged.
    balances: BTreeMap<AccountId, Option<Standing>>,
    usage: BTreeMap<Key, Used>,
    /// Rows of charges that were open, and are not any more.
    closed: BTreeMap<Key, u64>,
}

struct Standing {
    balance: Balance,
    /// Whether anything was charged or given back: what was only refused need not be written.
    is_changed: bool,
}

#[derive(Default)]
struct Used {
    requests: u64,
    rows: u64,
}

impl Batch {
    /// Decides on a charge, after those before it; says how many rows are left. The outer error ends the
    /// transaction.
    pub(crate) fn take(
        &mut self,
        connection: &Connection,
        charge: &Charge,
    ) -> rusqlite::Result<Result<u64, ChargeError>> {
        let Some(standing) = self.standing(connection, charge.account)? else {
            return Ok(Err(ChargeError::NoSuchAccount));
        };
        let mut balance = standing.balance.at(charge.at);
        if let Err(refused) = balance.take(charge.rows) {
            return Ok(Err(refused));
        }
        *standing = Standing {
            balance,
            is_changed: true,
        };
        let used = self.usage.entry(charge.key()).or_default();
        used.requests += 1;
        used.rows += charge.rows;
        Ok(Ok(balance.left()))
    }

    /// Gives back a charge that is open for a meter; no more than is open, for another one that took the meter for
    /// dead has given back the rest.
    pub(crate) fn give_back(
        &mut self,
        connection: &Connection,
        server: &str,
        charge: &Charge,
    ) -> rusqlite::Result<()> {
        let key = charge.key();
        let open = open::rows(connection, server, &key)?;
        let closed = self.closed.entry(key.clone()).or_default();
        let rows = charge.rows.min(open.saturating_sub(*closed));
        *closed += rows;
        self.put_back(connection, &key, rows)
    }

    /// Gives back all that a meter has open.
    pub(crate) fn give_back_open(
        &mut self,
        connection: &Connection,
        server: &str,
    ) -> rusqlite::Result<()> {
        for (key, rows) in open::remove(connection, server)? {
            self.put_back(connection, &key, rows)?;
        }
        Ok(())
    }

    fn put_back(
        &mut self,
        connection: &Connection,
        (account, day, table): &Key,
        rows: u64,
    ) -> rusqlite::Result<()> {
        if let Some(standing) = self.standing(connection, *account)? {
            standing.balance.give_back(rows, day.month());
            standing.is_changed = true;
        }
        usage::take_back(connection, *account, *day, table, rows)
    }

    /// Ends a charge that a transaction before made: it is not open any more.
    pub(crate) fn close(&mut self, charge: &Charge) {
        *self.closed.entry(charge.key()).or_default() += charge.rows;
    }

    /// What an account has; nothing where it cannot be charged.
    fn standing(
        &mut self,
        connection: &Connection,
        account: AccountId,
    ) -> rusqlite::Result<Option<&mut Standing>> {
        let standing = match self.balances.entry(account) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let found = load(connection, account)?;
                let open = found.filter(|account| account.revoked.is_none());
                place.insert(open.map(|account| Standing {
                    balance: account.balance,
                    is_changed: false,
                }))
            }
        };
        Ok(standing.as_mut())
    }

    /// Writes what was decided; charges are open for a meter, if any was made.
    pub(crate) fn write(mut self, connection: &Connection, server: &str) -> rusqlite::Result<()> {
        for (account, standing) in &self.balances {
            if let Some(standing) = standing
                && standing.is_changed
            {
                store_balance(connection, *account, &standing.balance)?;
            }
        }
        for (key, used) in &self.usage {
            let (account, day, table) = key;
            usage::add(connection, *account, *day, table, used.requests, used.rows)?;
            let closed = self.closed.remove(key).unwrap_or_default();
            open::change(connection, server, key, used.rows, closed)?;
        }
        for (key, rows) in &self.closed {
            open::change(connection, server, key, 0, *rows)?;
        }
        Ok(())
    }
}
