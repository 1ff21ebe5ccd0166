//! Accounts: who may ask, how many rows are left, and who has asked how much (section 4 of the wire
//! contract). No HTTP, no index.
//!
//! All of it lies in one SQLite file, which several processes may open: `serve` charges while
//! `windlass token` makes, revokes and tops up. [`Store`] reads and administers; [`Meter`] charges,
//! durably, many charges in one transaction, and gives back what one before it that died had charged for
//! answers that were not finished. Time comes in as a parameter everywhere.
//!
//! ```
//! use windlass_accounts::{Charge, ChargeError, Meter, Moment, NewAccount, Store};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("accounts.sqlite");
//! let store = Store::open(&path)?;
//! let now = Moment::from_unix(1_700_000_000);
//! let (account, token) = store.create(&NewAccount::new("alice", 1000), now)?;
//!
//! let found = store.authenticate(token.reveal(), now)?.map(|account| account.id);
//! assert_eq!(found, Some(account.id));
//! let meter = Meter::start(&path)?;
//! let charge = |rows| Charge { account: account.id, table: "anchors".into(), rows, at: now };
//! assert_eq!(meter.charge(charge(990))?.rows_left, 10);
//! let refused = meter.charge(charge(11));
//! assert!(matches!(refused, Err(ChargeError::NotEnoughRows { left: 10, needed: 11 })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
mod balance;
mod batch;
mod error;
mod file;
mod instance;
mod meter;
mod open;
mod show;
mod store;
mod time;
mod token;
mod usage;

pub use account::{Account, AccountId, NAME_CHARACTERS_MAX, NewAccount};
pub use balance::{Balance, ROWS_MAX};
pub use error::{AccountsError, ChargeError};
pub use file::{FILE_NAME, check_left};
pub use meter::{Charge, Meter, Receipt};
pub use store::Store;
pub use time::{Day, Moment, Month, NoDay};
pub use token::{NewToken, TOKEN_CHARACTERS};
pub use usage::{Days, Usage};
