//! Charging: one thread, one transaction for all that waits.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};

use crate::account::AccountId;
use crate::batch::Batch;
use crate::error::{AccountsError, ChargeError};
use crate::file;
use crate::time::Moment;

/// Charges that share a transaction at most: so that the first does not wait long for the last.
const BATCH_CHARGES_MAX: usize = 4096;

/// What is to be charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// To whom.
    pub account: AccountId,
    /// The table that was asked.
    pub table: Cow<'static, str>,
    /// How many rows.
    pub rows: u64,
    /// When: says the day of the usage, and the month.
    pub at: Moment,
}

/// A charge that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Rows left for this month, after it.
    pub rows_left: u64,
}

type Outcome = Result<Receipt, ChargeError>;

enum Waiting {
    Charge {
        charge: Charge,
        done: Box<dyn FnOnce(Outcome) + Send>,
    },
    /// A charge that was made for nothing.
    GiveBack(Charge),
}

/// Makes charges. They are on the disk when it says so; two at once cannot overdraw an account,
/// whether they come from one process or from several.
///
/// While one transaction is synced, the charges that come wait; then they share the next. So the pace
/// of the disk bounds transactions, not charges. Dropped, it makes the charges that wait, and ends.
pub struct Meter {
    /// Gone when the meter ends.
    sender: Option<Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

impl Meter {
    /// Starts the thread that charges.
    ///
    /// # Errors
    /// As [`Store::open`](crate::Store::open), and where no thread can be started.
    pub fn start(path: &Path) -> Result<Self, AccountsError> {
        let connection = file::open(path)?;
        let (sender, receiver) = channel();
        let thread = thread::Builder::new()
            .name("charging".to_owned())
            .spawn(move || work(connection, &receiver))
            .map_err(AccountsError::Thread)?;
        Ok(Self {
            sender: Some(sender),
            thread: Some(thread),
        })
    }

    /// Charges, and waits until that is on the disk.
    ///
    /// # Errors
    /// Nothing is charged where too few rows are left, the account is revoked, or the file cannot be
    /// written.
    pub fn charge(&self, charge: Charge) -> Result<Receipt, ChargeError> {
        let (sender, receiver) = sync_channel(1);
        self.charge_then(charge, move |outcome| {
            // The other end waits below.
            let _ = sender.send(outcome);
        });
        receiver.recv().unwrap_or(Err(ChargeError::Ended))
    }

    /// Charges, and calls `done` when that is on the disk, or refused (as [`charge`](Self::charge)).
    /// `done` runs on the thread that charges: it must not block. It is dropped without a call where
    /// that thread panics.
    pub fn charge_then(&self, charge: Charge, done: impl FnOnce(Outcome) + Send + 'static) {
        let waiting = Waiting::Charge {
            charge,
            done: Box::new(done),
        };
        let unsent = match &self.sender {
            Some(sender) => sender.send(waiting).err().map(|unsent| unsent.0),
            None => Some(waiting),
        };
        if let Some(Waiting::Charge { done, .. }) = unsent {
            done(Err(ChargeError::Ended));
        }
    }

    /// Gives back the rows of a charge that was made, because what it paid for failed: with the next transaction,
    /// which is not waited for. Where that cannot be written, it goes with
    /// the one after. Of an account that is revoked meanwhile, only the usage is corrected.
    pub fn give_back(&self, charge: Charge) {
        if let Some(sender) = &self.sender {
            // Where the thread has ended nothing can be given back, as nothing can be charged.
            let _ = sender.send(Waiting::GiveBack(charge));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic was told to those who waited.
            let _ = thread.join();
        }
    }
}

fn work(mut connection: Connection, waiting: &Receiver<Waiting>) {
    let mut charges = Vec::new();
    let mut ends = Vec::new();
    // Those that could not be written stay, for the next transaction.
    let mut given_back = Vec::new();
    while let Ok(first) = waiting.recv() {
        let more = waiting.try_iter().take(BATCH_CHARGES_MAX - 1);
        for waiting in std::iter::once(first).chain(more) {
            match waiting {
                Waiting::Charge { charge, done } => {
                    charges.push(charge);
                    ends.push(done);
                }
                Waiting::GiveBack(charge) => given_back.push(charge),
            }
        }
        match commit(&mut connection, charges.drain(..), &given_back) {
            Ok(outcomes) => {
                given_back.clear();
                for (done, outcome) in ends.drain(..).zip(outcomes) {
                    done(outcome);
                }
            }
            Err(error) => {
                let error = Arc::new(AccountsError::Store(error));
                for done in ends.drain(..) {
                    done(Err(ChargeError::Store(Arc::clone(&error))));
                }
            }
        }
    }
}

fn commit(
    connection: &mut Connection,
    charges: impl Iterator<Item = Charge>,
    given_back: &[Charge],
) -> rusqlite::Result<Vec<Outcome>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut batch = Batch::default();
    for charge in given_back {
        batch.give_back(&transaction, charge)?;
    }
    let outcomes = charges
        .map(|charge| batch.take(&transaction, charge))
        .collect::<rusqlite::Result<Vec<_>>>()?;
    batch.write(&transaction)?;
    transaction.commit()?;
    Ok(outcomes)
}
