//! Whom a token belongs to.

use std::fmt;

use crate::balance::{Balance, ROWS_MAX};
use crate::error::AccountsError;
use crate::time::Moment;

/// The longest name of an account or subscription.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// What a subscription is called where nobody names it.
const SUBSCRIPTION_DEFAULT: &str = "Windlass";

/// Numbers an account, for ever: it is not given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub(crate) i64);

impl AccountId {
    /// The number, from 1.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whom a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its name: one account that is not revoked has it.
    pub name: String,
    /// What `subscription_info` calls it.
    pub subscription: String,
    /// Whether its token opens the pages of operators.
    pub is_admin: bool,
    /// Its rows.
    pub balance: Balance,
    /// When it was made.
    pub created: Moment,
    /// Since when its token opens nothing.
    pub revoked: Option<Moment>,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Its name: up to [`NAME_CHARACTERS_MAX`] characters, no control characters, no white space at
    /// the ends, and not a bare number, which would be taken for an [`AccountId`].
    pub name: String,
    /// What `subscription_info` calls it.
    pub subscription: String,
    /// Rows for each month, at most [`ROWS_MAX`].
    pub rows_limit: u64,
    /// Whether its token opens the pages of operators.
    pub is_admin: bool,
}

impl NewAccount {
    /// Of a name, with so many rows a month.
    #[must_use]
    pub fn new(name: &str, rows_limit: u64) -> Self {
        Self {
            name: name.to_owned(),
            subscription: SUBSCRIPTION_DEFAULT.to_owned(),
            rows_limit,
            is_admin: false,
        }
    }

    pub(crate) fn check(&self) -> Result<(), AccountsError> {
        check_name(&self.name)?;
        check_name(&self.subscription)?;
        if self.name.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AccountsError::BadName {
                name: self.name.clone(),
                why: "a bare number would be taken for the id of a token",
            });
        }
        if self.rows_limit > ROWS_MAX {
            return Err(AccountsError::TooManyRows);
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), AccountsError> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.trim() != name {
        "it begins or ends with white space"
    } else if name.chars().count() > NAME_CHARACTERS_MAX {
        "it has more than 100 characters"
    } else if name.chars().any(char::is_control) {
        "it has control characters"
    } else {
        return Ok(());
    };
    Err(AccountsError::BadName {
        name: name.chars().take(32).collect(),
        why,
    })
}
