//! What is left of a month's rows.

use crate::error::{AccountsError, ChargeError};
use crate::time::{Moment, Month};

/// The most rows that a month may have: a number that every client reads exactly, also one that knows
/// floating-point numbers only.
pub const ROWS_MAX: u64 = 1_000_000_000_000_000;

/// What an account may use in a month, and what it has used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Rows granted every month.
    pub rows_limit: u64,
    /// Rows granted in addition, for this month.
    pub topped_up: u64,
    /// Rows charged in this month.
    pub used: u64,
    /// The month that is meant.
    pub month: Month,
}

impl Balance {
    /// Nothing used.
    #[must_use]
    pub const fn new(rows_limit: u64, month: Month) -> Self {
        Self {
            rows_limit,
            topped_up: 0,
            used: 0,
            month,
        }
    }

    /// The balance at a moment. A new month begins with the monthly rows alone: top-ups do not
    /// outlive theirs. A clock that goes back begins nothing; one that was months ahead makes nobody wait for the month
    /// that it told: from now on this one is meant, with what is left.
    #[must_use]
    pub fn at(self, now: Moment) -> Self {
        let month = now.month();
        if month > self.month {
            Self::new(self.rows_limit, month)
        } else if self.month.is_beyond_next(month) {
            Self { month, ..self }
        } else {
            self
        }
    }

    /// Rows granted for this month, all in all.
    #[must_use]
    pub const fn granted(&self) -> u64 {
        self.rows_limit.saturating_add(self.topped_up)
    }

    /// Rows that can still be charged.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.granted().saturating_sub(self.used)
    }

    /// Takes rows, all or none.
    pub(crate) fn take(&mut self, rows: u64) -> Result<(), ChargeError> {
        let left = self.left();
        if rows > left {
            return Err(ChargeError::NotEnoughRows { left, needed: rows });
        }
        self.used += rows;
        Ok(())
    }

    /// Gives back rows that were taken in a month; if that is over, they are gone with it.
    pub(crate) fn give_back(&mut self, rows: u64, month: Month) {
        if self.month == month {
            self.used = self.used.saturating_sub(rows);
        }
    }

    /// Grants rows for this month.
    pub(crate) fn top_up(&mut self, rows: u64) -> Result<(), AccountsError> {
        if rows > ROWS_MAX.saturating_sub(self.granted()) {
            return Err(AccountsError::TooManyRows);
        }
        self.topped_up += rows;
        Ok(())
    }
}
