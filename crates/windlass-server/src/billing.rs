//! Whose request it is, and charging for it (section 4 of the wire contract).
//!
//! As long as no token was ever made, the server runs open: nobody needs one, and nothing is charged.
//! Then every report needs one, from the next request on. What cannot be read of the accounts refuses
//! requests; it never opens the server.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::iter::successors;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use windlass_accounts::{
    Account, AccountsError, Charge, ChargeError, Meter, Moment, Receipt, Store, check_left,
};
use windlass_report::Parameters;

use crate::lately::Lately;
use crate::refusal::{Reason, Refusal};
use crate::request_log::RequestId;
use crate::stream::CutOff;

/// The accounts, opened as soon as there are any.
#[derive(Debug, Default)]
pub(crate) struct Billing {
    /// Without it, the server runs open for ever.
    path: Option<PathBuf>,
    accounts: RwLock<Option<Arc<Accounts>>>,
    /// That there is no file yet.
    absent: Lately,
    /// That the file is the one which is open.
    unchanged: Lately,
    /// Held while the accounts are opened.
    opening: Mutex<()>,
    is_cutting: Arc<AtomicBool>,
}

#[derive(Debug)]
pub(crate) struct Accounts {
    /// What they were read from.
    file: FileId,
    pub(crate) store: Store,
    meter: Meter,
    /// Whether there is a token; there is no way back, for accounts are not removed.
    has_tokens: AtomicBool,
    /// Whether the server cuts the answers that are not handed over yet: it stops.
    is_cutting: Arc<AtomicBool>,
}

/// Why the accounts cannot be asked.
#[derive(Debug)]
pub(crate) enum Unavailable {
    /// Whether the file is there cannot be told.
    Unseen(PathBuf, io::Error),
    /// It was there, and is not any more.
    Gone(PathBuf),
    /// It cannot be read.
    Accounts(AccountsError),
    /// The thread that was to open it panicked.
    Crashed,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unseen(path, error) => {
                write!(
                    f,
                    "looking for the accounts file {}: {error}",
                    path.display()
                )
            }
            Self::Gone(path) => write!(f, "the accounts file {} is gone", path.display()),
            Self::Accounts(error) => error.fmt(f),
            Self::Crashed => f.write_str("opening the accounts panicked"),
        }
    }
}

impl Error for Unavailable {}

impl From<AccountsError> for Unavailable {
    fn from(error: AccountsError) -> Self {
        Self::Accounts(error)
    }
}

/// Whom a request comes from.
#[derive(Debug, Clone)]
pub(crate) enum Client {
    /// Anybody: the server runs open.
    Open,
    /// The owner of a token; the account as it was when the request came.
    Account(Box<Account>, Arc<Accounts>),
}

impl Client {
    /// The account, where there is one.
    pub(crate) fn account(&self) -> Option<&Account> {
        match self {
            Self::Open => None,
            Self::Account(account, _) => Some(account),
        }
    }

    /// Refuses what is known to cost more than there is, before any work is done for it.
    pub(crate) fn check_rows(&self, rows_at_least: u64) -> Result<(), Refusal> {
        match self.account().map(|account| account.balance.left()) {
            Some(left) if left < rows_at_least => Err(not_enough(left, rows_at_least)),
            _ => Ok(()),
        }
    }
}

impl Billing {
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    /// The accounts, where there is a token; those that lie there now, where the file was put back from a copy, or made
    /// anew. Blocks on the file system where they are not open.
    pub(crate) fn accounts(&self) -> Result<Option<Arc<Accounts>>, Unavailable> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let accounts = match self.open_now(path)? {
            Some(accounts) => accounts,
            None if self.known().is_none() && !is_there(path)? => {
                check_left(path)?;
                return Ok(None);
            }
            None => self.open(path)?,
        };
        Ok(accounts.has_tokens()?.then_some(accounts))
    }

    /// Those that were opened last.
    fn known(&self) -> Option<Arc<Accounts>> {
        let known = self.accounts.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those that are open, where their file is still the one that is there: a look at its metadata, if the last one was
    /// not a moment ago.
    fn open_now(&self, path: &Path) -> Result<Option<Arc<Accounts>>, Unavailable> {
        let Some(known) = self.known() else {
            return Ok(None);
        };
        let mut found = Ok(());
        let is_same = self.unchanged.is_so(|| match FileId::of(path) {
            Ok(there) => there == Some(known.file),
            Err(error) => {
                found = Err(error);
                false
            }
        });
        found?;
        Ok(is_same.then_some(known))
    }

    fn open(&self, path: &Path) -> Result<Arc<Accounts>, Unavailable> {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have opened them.
        if let Some(accounts) = self.open_now(path)? {
            return Ok(accounts);
        }
        let known = self.known();
        loop {
            let before = FileId::of(path)?;
            if known.is_some() && before.is_none() {
                // To make it would be to forget all tokens.
                return Err(Unavailable::Gone(path.to_owned()));
            }
            check_left(path)?;
            let store = Store::open(path)?;
            let meter = Meter::start(path)?;
            let Some(file) = FileId::of(path)? else {
                return Err(Unavailable::Gone(path.to_owned()));
            };
            if before.is_some_and(|before| before != file) {
                // It was replaced meanwhile.
                continue;
            }
            // Once there was a token, the server never runs open again.
            let has_tokens = known
                .as_ref()
                .is_some_and(|known| known.has_tokens.load(Ordering::Relaxed));
            if known.is_some() {
                tracing::info!(path = %path.display(), "the accounts file is another one: it was opened");
            }
            let accounts = Arc::new(Accounts {
                file,
                store,
                meter,
                has_tokens: AtomicBool::new(has_tokens),
                is_cutting: Arc::clone(&self.is_cutting),
            });
            let mut place = self
                .accounts
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *place = Some(Arc::clone(&accounts));
            return Ok(accounts);
        }
    }

    /// From now on answers end because the server does, and not because nobody wants them: what is charged for them is
    /// given back.
    pub(crate) fn cut(&self) {
        self.is_cutting.store(true, Ordering::Relaxed);
    }

    /// Whom a request with that token comes from: 401 where it needs one and has none that is right.
    pub(crate) async fn client(
        self: &Arc<Self>,
        token: Option<&str>,
        id: &RequestId,
    ) -> Result<Client, Refusal> {
        let accounts = self.accounts_without_blocking().await;
        let Some(accounts) = accounts.map_err(|error| unavailable(&error, id))? else {
            return Ok(Client::Open);
        };
        let token = token.ok_or_else(missing_token)?;
        // Microseconds: readers wait for no writer.
        let account = accounts.store.authenticate(token, Moment::now());
        match account.map_err(|error| unavailable(&error, id))? {
            Some(account) => Ok(Client::Account(Box::new(account), accounts)),
            None => Err(bad_token()),
        }
    }

    /// Whether reports need a token.
    pub(crate) async fn is_metered(self: &Arc<Self>) -> Result<bool, Unavailable> {
        Ok(self.accounts_without_blocking().await?.is_some())
    }

    /// As [`accounts`](Self::accounts), which needs a thread that may block the first time.
    async fn accounts_without_blocking(
        self: &Arc<Self>,
    ) -> Result<Option<Arc<Accounts>>, Unavailable> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        if let Some(accounts) = self.open_now(path)? {
            return Ok(accounts.has_tokens()?.then_some(accounts));
        }
        // A look at what the system has in memory of the directory, if the last one was not a moment ago.
        let mut found = Ok(());
        let is_new = self.known().is_none();
        let is_absent = is_new
            && self.absent.is_so(|| match is_there(path) {
                Ok(is_there) => !is_there,
                Err(error) => {
                    found = Err(error);
                    false
                }
            });
        found?;
        if is_absent {
            return Ok(None);
        }
        let billing = Arc::clone(self);
        spawn_blocking(move || billing.accounts())
            .await
            .unwrap_or(Err(Unavailable::Crashed))
    }
}

/// Which file a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// `None` where there is none.
    fn of(path: &Path) -> Result<Option<Self>, Unavailable> {
        match fs::metadata(path) {
            Ok(found) => Ok(Some(Self {
                device: found.dev(),
                inode: found.ino(),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unavailable::Unseen(path.to_owned(), error)),
        }
    }
}

/// A link that leads nowhere is there too: it says that somebody wants accounts.
fn is_there(path: &Path) -> Result<bool, Unavailable> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Unavailable::Unseen(path.to_owned(), error)),
    }
}

impl Accounts {
    fn has_tokens(&self) -> Result<bool, AccountsError> {
        if self.has_tokens.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let has_tokens = self.store.has_accounts()?;
        self.has_tokens.store(has_tokens, Ordering::Relaxed);
        Ok(has_tokens)
    }
}

/// Charges for an answer, which may be sent as soon as this returns: the charge is on the disk. Nothing where rows
/// are not counted. From the first poll on the charge is made, also where the client goes meanwhile.
pub(crate) async fn charge(
    client: &Client,
    table: &'static str,
    rows: u64,
    id: &RequestId,
) -> Result<Option<Charged>, Refusal> {
    let Client::Account(account, accounts) = client else {
        return Ok(None);
    };
    let (sender, receiver) = oneshot::channel();
    let charge = Charge {
        account: account.id,
        table: table.into(),
        rows,
        at: Moment::now(),
    };
    accounts.meter.charge_then(charge, move |outcome| {
        // Nobody listens where the client has gone: then the charge stands.
        let _ = sender.send(outcome);
    });
    match receiver.await.unwrap_or(Err(ChargeError::Ended)) {
        Ok(receipt) => Ok(Some(Charged {
            rows_left: receipt.rows_left,
            receipt: Mutex::new(Some(receipt)),
            accounts: Arc::clone(accounts),
        })),
        Err(ChargeError::NotEnoughRows { left, needed }) => Err(not_enough(left, needed)),
        // It was revoked while the answer was made.
        Err(ChargeError::NoSuchAccount) => Err(bad_token()),
        Err(error @ ChargeError::Store(_)) => Err(uncharged(&error, id)),
        Err(error) => Err(unavailable(&error, id)),
    }
}

/// A charge that was made, and is open as long as this lives, if nothing else is said: where the server dies, its rows
/// are given back. Let go of, it stands, for nobody wants the answer any more; but where that is cut because the server
/// stops, its rows are given back.
#[derive(Debug)]
pub(crate) struct Charged {
    rows_left: u64,
    /// Gone when it is known what becomes of the charge.
    receipt: Mutex<Option<Receipt>>,
    /// Their meter ends after the charges.
    accounts: Arc<Accounts>,
}

impl Charged {
    /// Rows left after it.
    pub(crate) const fn rows_left(&self) -> u64 {
        self.rows_left
    }

    fn stands(&self) {
        drop(self.open());
    }

    fn is_given_back(&self) {
        if let Some(receipt) = self.open() {
            receipt.give_back();
        }
    }

    fn open(&self) -> Option<Receipt> {
        let mut receipt = self.receipt.lock().unwrap_or_else(PoisonError::into_inner);
        receipt.take()
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        if self.accounts.is_cutting.load(Ordering::Relaxed) {
            self.is_given_back();
        } else {
            self.stands();
        }
    }
}

/// What was charged for an answer, perhaps after its head was sent: left in a response for who sends its body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bill(Arc<OnceLock<Charged>>);

impl Bill {
    /// One of a charge that was made.
    pub(crate) fn of(charged: Charged) -> Self {
        Self(Arc::new(charged.into()))
    }

    /// It is for that; a bill is for one charge.
    pub(crate) fn is(&self, charged: Charged) {
        let _ = self.0.set(charged);
    }

    /// All of the answer was handed over.
    pub(crate) fn handed_over(&self) {
        if let Some(charged) = self.0.get() {
            charged.stands();
        }
    }

    /// The answer ends with that: where the rest of it could not be made, the rows are given back.
    pub(crate) fn failed(&self, error: &(dyn Error + 'static)) {
        let causes = successors(Some(error), |error| (*error).source());
        let mut cut_off = causes.filter_map(|error| error.downcast_ref::<CutOff>());
        if let Some(charged) = self.0.get()
            && cut_off.any(|cut_off| cut_off.could_not_be_made)
        {
            charged.is_given_back();
        }
    }
}

/// The token of a request: the parameter, else that of `Authorization: Bearer`. Blank ones are none.
pub(crate) fn token_of<'a>(parameters: &'a Parameters, bearer: Option<&'a str>) -> Option<&'a str> {
    parameters.value("token").map(str::trim).or(bearer)
}

/// The token of `Authorization: Bearer TOKEN`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

pub(crate) fn missing_token() -> Refusal {
    let text = "missing argument token".to_owned();
    Refusal::new(StatusCode::UNAUTHORIZED, text)
}

pub(crate) fn bad_token() -> Refusal {
    let text = "bad token: it is unknown or revoked".to_owned();
    Refusal::new(StatusCode::UNAUTHORIZED, text)
}

fn not_enough(left: u64, needed: u64) -> Refusal {
    Refusal::new(
        StatusCode::PAYMENT_REQUIRED,
        format!(
            "not enough rows: the answer costs at least {needed}, and {left} are left for this month; ask \
             for less with 'limit', or for the cost alone with 'dry_run=1'"
        ),
    )
}

/// The charge is not on the disk, which may be full: without it there is no answer.
fn uncharged(error: &ChargeError, id: &RequestId) -> Refusal {
    tracing::error!(request = %id, error = error as &dyn Error, "writing down a charge");
    beyond_reach(format!(
        "the rows of this answer could not be written down, so it is not sent and nothing was charged; the \
         server's log has more under request {id}"
    ))
}

/// Nothing was answered and nothing charged, and later it may go.
pub(crate) fn unavailable(error: &(dyn Error + 'static), id: &RequestId) -> Refusal {
    tracing::error!(request = %id, error, "the accounts");
    beyond_reach(format!(
        "the accounts cannot be reached; the server's log has more under request {id}"
    ))
}

fn beyond_reach(text: String) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text)
        .because(Reason::Accounts)
        .retry_after(5)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use windlass_accounts::{Days, NewAccount};

    use super::*;

    /// What becomes of the charge of an answer.
    #[derive(Debug)]
    enum End {
        HandedOver,
        Gone,
        CutOff(CutOff),
        /// Gone while the server stops.
        Stopped,
        /// The client has gone while it was charged.
        Uncharged,
    }

    #[tokio::test]
    async fn rows_of_what_could_not_be_made_are_given_back() -> Result<(), AccountsError> {
        let directory = tempfile::tempdir().map_err(AccountsError::Thread)?;
        let path = directory.path().join("accounts.sqlite");
        let store = Store::open(&path)?;
        let (account, _) = store.create(&NewAccount::new("alice", 100), Moment::now())?;
        let cut_off = |could_not_be_made| End::CutOff(CutOff { could_not_be_made });
        for (end, left) in [
            (End::HandedOver, 90),
            (End::Gone, 80),
            (cut_off(false), 70),
            (cut_off(true), 70),
            (End::Stopped, 70),
            (End::Uncharged, 60),
        ] {
            let billing = Billing::new(Some(path.clone()));
            let Ok(Some(accounts)) = billing.accounts() else {
                unreachable!("there is a token")
            };
            let client = Client::Account(Box::new(account.clone()), Arc::clone(&accounts));
            let id = RequestId::next();
            let charging = charge(&client, "anchors", 10, &id);
            if matches!(end, End::Uncharged) {
                assert!(charging.now_or_never().is_none());
            } else {
                let Ok(Some(charged)) = charging.await else {
                    unreachable!("there are rows")
                };
                let bill = Bill::default();
                bill.is(charged);
                match &end {
                    End::HandedOver => bill.handed_over(),
                    End::CutOff(cut_off) => bill.failed(&axum::Error::new(*cut_off)),
                    End::Stopped => billing.cut(),
                    End::Gone | End::Uncharged => {}
                }
                if matches!(end, End::HandedOver) {
                    // Then it does not matter any more.
                    billing.cut();
                }
            }
            // The last that has them ends the thread that writes, after what waits.
            drop((client, accounts, billing));
            let balance = store.find("alice", Moment::now())?.balance;
            assert_eq!(balance.left(), left, "{end:?}");
        }
        let usage = store.usage(None, Days::default())?;
        assert_eq!(usage.iter().map(|usage| usage.rows).sum::<u64>(), 40);
        Ok(())
    }
}
