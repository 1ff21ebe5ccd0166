//! Charges, and rows given back, that share a transaction: accounts are read once and written once, however many charges
//! they have.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::Connection;

use crate::account::AccountId;
use crate::balance::Balance;
use crate::error::ChargeError;
use crate::meter::{Charge, Receipt};
use crate::store::{load, store_balance};
use crate::time::Day;
use crate::usage;

/// What the charges of one transaction come to.
#[derive(Default)]
pub(crate) struct Batch {
    /// What accounts have after the charges so far; nothing of those that cannot be charged.
    balances: BTreeMap<AccountId, Option<Standing>>,
    usage: BTreeMap<(AccountId, Day, Cow<'static, str>), Used>,
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
    /// Decides on a charge, after those before it. The outer error ends the transaction.
    pub(crate) fn take(
        &mut self,
        connection: &Connection,
        charge: Charge,
    ) -> rusqlite::Result<Result<Receipt, ChargeError>> {
        let Charge {
            account,
            table,
            rows,
            at,
        } = charge;
        let Some(standing) = self.standing(connection, account)? else {
            return Ok(Err(ChargeError::NoSuchAccount));
        };
        let mut balance = standing.balance.at(at);
        if let Err(refused) = balance.take(rows) {
            return Ok(Err(refused));
        }
        *standing = Standing {
            balance,
            is_changed: true,
        };
        let used = self.usage.entry((account, at.day(), table)).or_default();
        used.requests += 1;
        used.rows += rows;
        Ok(Ok(Receipt {
            rows_left: balance.left(),
        }))
    }

    /// Gives back the rows of a charge that a transaction before made.
    pub(crate) fn give_back(
        &mut self,
        connection: &Connection,
        charge: &Charge,
    ) -> rusqlite::Result<()> {
        let day = charge.at.day();
        if let Some(standing) = self.standing(connection, charge.account)? {
            standing.balance.give_back(charge.rows, day.month());
            standing.is_changed = true;
        }
        usage::take_back(connection, charge.account, day, &charge.table, charge.rows)
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

    /// Writes what was decided.
    pub(crate) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (account, standing) in &self.balances {
            if let Some(standing) = standing
                && standing.is_changed
            {
                store_balance(connection, *account, &standing.balance)?;
            }
        }
        for ((account, day, table), used) in &self.usage {
            usage::add(connection, *account, *day, table, used.requests, used.rows)?;
        }
        Ok(())
    }
}
