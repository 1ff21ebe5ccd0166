//! Charging: one thread, one transaction for all that waits.
//!
//! A charge is open until whoever had it made drops its receipt: the answer that it pays for is finished, or nobody
//! wants it any more. What is open is written with the charges themselves. So the next meter knows what one that died
//! had charged for answers that it never gave, and gives it back.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use crate::account::AccountId;
use crate::batch::Batch;
use crate::error::{AccountsError, ChargeError};
use crate::file;
use crate::instance::Instance;
use crate::open::{self, Key};
use crate::time::Moment;

/// Charges that share a transaction at most: so that the first does not wait long for the last.
const BATCH_CHARGES_MAX: usize = 4096;
/// How long a charge stays open after its answer was finished: what was handed to the system may still be on its way.
/// And how long nothing comes before what is finished is written by itself, and not with the next charge.
const LINGER: Duration = Duration::from_millis(250);

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

impl Charge {
    pub(crate) fn key(&self) -> Key {
        (self.account, self.at.day(), self.table.clone())
    }
}

/// A charge that was made. It is open as long as this lives: where the process dies before, or the meter ends, its
/// rows are given back. Dropped, the charge stands.
pub struct Receipt {
    /// Rows left for this month, after it.
    pub rows_left: u64,
    /// Gone where the rows are given back.
    charge: Option<Charge>,
    sender: Sender<Waiting>,
    finished: Arc<Finished>,
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("rows_left", &self.rows_left)
            .field("charge", &self.charge)
            .finish_non_exhaustive()
    }
}

impl Receipt {
    /// Gives back the rows, because what they paid for failed: with the next transaction, which is not waited for.
    /// Where that cannot be written, they go with the one after. Of an account that is revoked meanwhile, only the
    /// usage is corrected.
    pub fn give_back(mut self) {
        if let Some(charge) = self.charge.take() {
            // Where the meter has ended it was given back.
            let _ = self.sender.send(Waiting::GiveBack(charge));
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(charge) = self.charge.take() {
            // Where the meter has ended nothing is open, and nobody looks.
            self.finished.lock().push((Instant::now(), charge));
        }
    }
}

/// Charges whose answers are finished, and since when: for the thread that charges, which need not wake up for them.
#[derive(Default)]
struct Finished(Mutex<Vec<(Instant, Charge)>>);

impl Finished {
    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, Charge)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Outcome = Result<Receipt, ChargeError>;
type Done = Box<dyn FnOnce(Outcome) + Send>;

enum Waiting {
    Charge {
        charge: Charge,
        done: Done,
    },
    /// A charge that was made for nothing.
    GiveBack(Charge),
    /// The meter ends.
    End,
}

/// Makes charges. They are on the disk when it says so; two at once cannot overdraw an account,
/// whether they come from one process or from several.
///
/// While one transaction is synced, the charges that come wait; then they share the next. So the pace
/// of the disk bounds transactions, not charges. Dropped, it makes the charges that wait, gives back those whose
/// [`Receipt`] is still there, and ends.
pub struct Meter {
    sender: Sender<Waiting>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

impl Meter {
    /// Gives back what meters that died had open, and starts the thread that charges. As long as it lives there is
    /// a file beside that of the accounts, by which others see that it does.
    ///
    /// # Errors
    /// As [`Store::open`](crate::Store::open), and where that file cannot be made, what was open cannot be given
    /// back, or no thread can be started.
    pub fn start(path: &Path) -> Result<Self, AccountsError> {
        let mut connection = file::open(path)?;
        let instance = Instance::begin(path)?;
        give_back_of_dead(&mut connection, &instance)?;
        let (sender, receiver) = channel();
        let work = Work {
            connection,
            instance,
            sender: sender.clone(),
            charges: Vec::new(),
            ends: Vec::new(),
            given_back: Vec::new(),
            open: 0,
            just_finished: Arc::default(),
            finished: VecDeque::new(),
            is_ending: false,
        };
        let thread = thread::Builder::new()
            .name("charging".to_owned())
            .spawn(move || work.run(&receiver))
            .map_err(AccountsError::Thread)?;
        Ok(Self {
            sender,
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
        let unsent = self.sender.send(waiting).err().map(|unsent| unsent.0);
        if let Some(Waiting::Charge { done, .. }) = unsent {
            done(Err(ChargeError::Ended));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        // Where the thread has panicked, there is nobody to hear it.
        let _ = self.sender.send(Waiting::End);
        if let Some(thread) = self.thread.take() {
            // A panic was told to those who waited.
            let _ = thread.join();
        }
    }
}

/// The thread that charges.
struct Work {
    connection: Connection,
    instance: Instance,
    /// For receipts.
    sender: Sender<Waiting>,
    charges: Vec<Charge>,
    /// What is done when they are made.
    ends: Vec<Done>,
    /// Those that could not be written stay, for the next transaction.
    given_back: Vec<Charge>,
    /// How many charges are open.
    open: usize,
    just_finished: Arc<Finished>,
    /// Of these, those that were seen; they are open still.
    finished: VecDeque<(Instant, Charge)>,
    is_ending: bool,
}

impl Work {
    fn run(mut self, waiting: &Receiver<Waiting>) {
        while !self.is_ending {
            let first = if self.open == 0 {
                waiting.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                waiting.recv_timeout(LINGER)
            };
            match first {
                Ok(first) => {
                    self.take(first);
                    for more in waiting.try_iter().take(BATCH_CHARGES_MAX - 1) {
                        self.take(more);
                    }
                    // What is finished goes with what must be written.
                    if !self.charges.is_empty() || !self.given_back.is_empty() {
                        self.write();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.over() > 0 || !self.given_back.is_empty() {
                        self.write();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        waiting.try_iter().for_each(|rest| self.take(rest));
        // Nobody can be told of an error. What stays open for it is given back by the next meter.
        let _ = self.end();
    }

    fn take(&mut self, waiting: Waiting) {
        match waiting {
            Waiting::Charge { charge, done } => {
                self.charges.push(charge);
                self.ends.push(done);
            }
            Waiting::GiveBack(charge) => self.given_back.push(charge),
            Waiting::End => self.is_ending = true,
        }
    }

    /// How many of those that are finished, from the first on, have been so for long enough.
    fn over(&mut self) -> usize {
        self.finished.extend(self.just_finished.lock().drain(..));
        let now = Instant::now();
        let is_over = |(since, _): &(Instant, Charge)| now.duration_since(*since) >= LINGER;
        self.finished.partition_point(is_over)
    }

    /// Makes the charges that wait, in one transaction, and says so.
    fn write(&mut self) {
        let closed = self.over();
        match self.commit(closed) {
            Ok(outcomes) => {
                self.open -= self.given_back.len() + closed;
                self.given_back.clear();
                self.finished.drain(..closed);
                let made = self.charges.drain(..).zip(self.ends.drain(..));
                for ((charge, done), outcome) in made.zip(outcomes) {
                    self.open += usize::from(outcome.is_ok());
                    done(outcome.map(|rows_left| Receipt {
                        rows_left,
                        charge: Some(charge),
                        sender: self.sender.clone(),
                        finished: Arc::clone(&self.just_finished),
                    }));
                }
            }
            Err(error) => {
                self.charges.clear();
                let error = Arc::new(AccountsError::Store(error));
                for done in self.ends.drain(..) {
                    done(Err(ChargeError::Store(Arc::clone(&error))));
                }
            }
        }
    }

    fn commit(&mut self, closed: usize) -> rusqlite::Result<Vec<Result<u64, ChargeError>>> {
        let server = self.instance.id();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch::default();
        for (_, charge) in self.finished.iter().take(closed) {
            batch.close(charge);
        }
        for charge in &self.given_back {
            batch.give_back(&transaction, server, charge)?;
        }
        let outcomes = self.charges.iter();
        let outcomes = outcomes
            .map(|charge| batch.take(&transaction, charge))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        batch.write(&transaction, server)?;
        transaction.commit()?;
        Ok(outcomes)
    }

    /// Leaves nothing open: what is finished stands, and all else is given back.
    fn end(&mut self) -> rusqlite::Result<()> {
        let server = self.instance.id();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch::default();
        self.finished.extend(self.just_finished.lock().drain(..));
        for (_, charge) in &self.finished {
            batch.close(charge);
        }
        batch.write(&transaction, server)?;
        let mut batch = Batch::default();
        batch.give_back_open(&transaction, server)?;
        batch.write(&transaction, server)?;
        transaction.commit()
    }
}

/// Gives back what meters that are dead had open, all or nothing.
fn give_back_of_dead(connection: &mut Connection, own: &Instance) -> Result<(), AccountsError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut batch = Batch::default();
    // Looked for within the transaction: whoever has ended by itself since then has left nothing here.
    for server in open::servers(&transaction)? {
        if !own.is_alive(&server) {
            batch.give_back_open(&transaction, &server)?;
        }
    }
    batch.write(&transaction, own.id())?;
    transaction.commit()?;
    own.sweep();
    Ok(())
}
