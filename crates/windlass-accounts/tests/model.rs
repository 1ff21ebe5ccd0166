//! Any sequence of operations does what a plain model does, whatever is closed and opened between.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use windlass_accounts::{
    AccountsError, Charge, ChargeError, Days, Meter, Moment, NewAccount, NewToken, Receipt, Store,
};

const TABLES: [&str; 3] = ["anchors", "backlinks", "refdomains"];
const DAY_S: i64 = 86_400;

#[derive(Debug, Clone)]
enum Operation {
    Create {
        name: u8,
        rows: u64,
    },
    /// Several at once, so that they share transactions.
    Charge(Vec<(usize, usize, u64)>),
    /// What a charge paid for failed.
    GiveBack(usize),
    TopUp {
        account: usize,
        rows: u64,
    },
    Revoke {
        account: usize,
    },
    /// Time goes on, or, as clocks do, back.
    Pass {
        seconds: i64,
    },
    /// All answers are finished, and the server stops and starts.
    Reopen,
    /// The server stops and starts, in the middle of all answers.
    Cut,
    /// It dies, in the middle of all answers.
    Die,
}

fn operation() -> impl Strategy<Value = Operation> {
    let charge = (0..5usize, 0..TABLES.len(), 0..60u64);
    prop_oneof![
        2 => (0..4u8, 0..100u64).prop_map(|(name, rows)| Operation::Create { name, rows }),
        8 => vec(charge, 1..6).prop_map(Operation::Charge),
        3 => (0..50usize).prop_map(Operation::GiveBack),
        2 => (0..5usize, 0..80u64)
            .prop_map(|(account, rows)| Operation::TopUp { account, rows }),
        1 => (0..5usize).prop_map(|account| Operation::Revoke { account }),
        3 => (-2 * DAY_S..40 * DAY_S).prop_map(|seconds| Operation::Pass { seconds }),
        1 => (-120 * DAY_S..120 * DAY_S).prop_map(|seconds| Operation::Pass { seconds }),
        2 => Just(Operation::Reopen),
        1 => Just(Operation::Cut),
        1 => Just(Operation::Die),
    ]
}

/// What an account is, without a database.
#[derive(Debug)]
struct Plain {
    name: String,
    limit: u64,
    granted: u64,
    used: u64,
    month: String,
    is_revoked: bool,
    token: NewToken,
}

impl Plain {
    fn renew(&mut self, month: &str) {
        if month > self.month.as_str() {
            self.month = month.to_owned();
            self.granted = self.limit;
            self.used = 0;
        } else if months(&self.month) > months(month) + 1 {
            // The clock had been wrong.
            self.month = month.to_owned();
        }
    }
}

/// Counted from the year 0 on.
fn months(month: &str) -> i64 {
    let (year, number) = month.split_once('-').unwrap();
    year.parse::<i64>().unwrap() * 12 + number.parse::<i64>().unwrap()
}

struct World {
    directory: PathBuf,
    path: PathBuf,
    store: Store,
    meter: Meter,
    now: Moment,
    accounts: Vec<Plain>,
    /// Charges whose answers are not finished: the account's place with them.
    charged: Vec<(usize, &'static str, Charge, Receipt)>,
    /// Meters that charge no file any more that is looked at.
    dead: Vec<Meter>,
    /// By day, account (from 1) and table.
    usage: BTreeMap<(String, i64, &'static str), (u64, u64)>,
}

impl World {
    fn new(directory: &Path) -> Self {
        let path = directory.join("accounts.sqlite");
        Self {
            directory: directory.to_owned(),
            store: Store::open(&path).unwrap(),
            meter: Meter::start(&path).unwrap(),
            now: Moment::from_unix(1_790_000_000),
            accounts: Vec::new(),
            charged: Vec::new(),
            dead: Vec::new(),
            usage: BTreeMap::new(),
            path,
        }
    }

    fn month(&self) -> String {
        self.now.month().to_string()
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Create { name, rows } => self.create(&format!("n{name}"), *rows),
            Operation::Charge(charges) => self.charge(charges),
            Operation::GiveBack(which) => self.give_back(*which),
            Operation::TopUp { account, rows } => self.top_up(*account, *rows),
            Operation::Revoke { account } => self.revoke(*account),
            Operation::Pass { seconds } => {
                self.now = Moment::from_unix(self.now.as_unix() + seconds);
            }
            Operation::Reopen => {
                self.charged.clear();
                self.reopen();
            }
            Operation::Cut => {
                let cut = std::mem::take(&mut self.charged);
                self.reopen();
                for (account, table, charge, _receipt) in cut {
                    self.is_given_back(account, table, &charge);
                }
            }
            Operation::Die => self.die(),
        }
    }

    fn reopen(&mut self) {
        // The old ones are closed only afterwards: two of each are open for a moment.
        self.store = Store::open(&self.path).unwrap();
        self.meter = Meter::start(&self.path).unwrap();
    }

    /// Goes on with what a server leaves that dies now: the file as it is, without its locks.
    fn die(&mut self) {
        let copy = self.directory.join(format!("{}.sqlite", self.dead.len()));
        rusqlite::Connection::open(&self.path)
            .unwrap()
            .execute("VACUUM INTO ?", [copy.to_str().unwrap()])
            .unwrap();
        self.path = copy;
        self.store = Store::open(&self.path).unwrap();
        let meter = Meter::start(&self.path).unwrap();
        self.dead.push(std::mem::replace(&mut self.meter, meter));
        for (account, table, charge, _receipt) in std::mem::take(&mut self.charged) {
            self.is_given_back(account, table, &charge);
        }
    }

    fn create(&mut self, name: &str, rows: u64) {
        let is_taken = self
            .accounts
            .iter()
            .any(|a| a.name == name && !a.is_revoked);
        let made = self.store.create(&NewAccount::new(name, rows), self.now);
        if is_taken {
            assert!(matches!(made, Err(AccountsError::NameTaken(_))));
            return;
        }
        let (account, token) = made.unwrap();
        assert_eq!(account.id.get(), self.accounts.len() as i64 + 1);
        self.accounts.push(Plain {
            name: name.to_owned(),
            limit: rows,
            granted: rows,
            used: 0,
            month: self.month(),
            is_revoked: false,
            token,
        });
    }

    fn charge(&mut self, charges: &[(usize, usize, u64)]) {
        let (sender, receiver) = std::sync::mpsc::channel();
        let ids: Vec<_> = self.store.accounts(self.now).unwrap();
        let charges: Vec<_> = charges
            .iter()
            .filter(|(account, _, _)| *account < ids.len())
            .collect();
        for (i, (account, table, rows)) in charges.iter().enumerate() {
            let sender = sender.clone();
            let charge = Charge {
                account: ids[*account].id,
                table: TABLES[*table].into(),
                rows: *rows,
                at: self.now,
            };
            self.meter.charge_then(charge, move |outcome| {
                sender.send((i, outcome)).unwrap();
            });
        }
        drop(sender);
        let mut outcomes: BTreeMap<_, _> = receiver.iter().collect();
        let month = self.month();
        for (i, (account, table, rows)) in charges.iter().enumerate() {
            let plain = &mut self.accounts[*account];
            let left = plain.granted - plain.used;
            match &outcomes[&i] {
                Err(ChargeError::NoSuchAccount) => assert!(plain.is_revoked),
                Err(ChargeError::NotEnoughRows { left: told, needed }) => {
                    let mut renewed = left;
                    if month.as_str() > plain.month.as_str() {
                        renewed = plain.limit;
                    }
                    assert!(!plain.is_revoked && *rows > renewed);
                    assert_eq!((*told, needed), (renewed, rows));
                }
                Ok(receipt) => {
                    assert!(!plain.is_revoked);
                    plain.renew(&month);
                    plain.used += rows;
                    assert!(plain.used <= plain.granted, "overdrawn");
                    assert_eq!(receipt.rows_left, plain.granted - plain.used);
                    let key = (
                        self.now.day().to_string(),
                        *account as i64 + 1,
                        TABLES[*table],
                    );
                    let used = self.usage.entry(key).or_default();
                    used.0 += 1;
                    used.1 += rows;
                    let charge = Charge {
                        account: ids[*account].id,
                        table: TABLES[*table].into(),
                        rows: *rows,
                        at: self.now,
                    };
                    let receipt = outcomes.remove(&i).unwrap().unwrap();
                    self.charged
                        .push((*account, TABLES[*table], charge, receipt));
                }
                Err(error) => unreachable!("{error}"),
            }
        }
    }

    fn give_back(&mut self, which: usize) {
        if which >= self.charged.len() {
            return;
        }
        let (account, table, charge, receipt) = self.charged.swap_remove(which);
        receipt.give_back();
        self.is_given_back(account, table, &charge);
        // Nobody waits for it.
        let start = Instant::now();
        while self.used() != self.usage && start.elapsed() < Duration::from_secs(10) {
            sleep(Duration::from_millis(1));
        }
    }

    fn is_given_back(&mut self, account: usize, table: &'static str, charge: &Charge) {
        let plain = &mut self.accounts[account];
        if !plain.is_revoked && plain.month == charge.at.month().to_string() {
            plain.used -= charge.rows;
        }
        let key = (charge.at.day().to_string(), account as i64 + 1, table);
        self.usage.get_mut(&key).unwrap().1 -= charge.rows;
    }

    fn used(&self) -> BTreeMap<(String, i64, &'static str), (u64, u64)> {
        let usage = self.store.usage(None, Days::default()).unwrap();
        let used = usage.iter().map(|row| {
            let table = TABLES.iter().find(|table| **table == row.table).unwrap();
            let key = (row.day.to_string(), row.account.get(), *table);
            (key, (row.requests, row.rows))
        });
        used.collect()
    }

    fn top_up(&mut self, account: usize, rows: u64) {
        let month = self.month();
        let Some(plain) = self.accounts.get_mut(account) else {
            let unknown = self
                .store
                .top_up(&(account + 1).to_string(), rows, self.now);
            assert!(matches!(unknown, Err(AccountsError::NoSuchAccount(_))));
            return;
        };
        let topped = self
            .store
            .top_up(&(account + 1).to_string(), rows, self.now);
        if plain.is_revoked {
            assert!(matches!(topped, Err(AccountsError::Revoked(_))));
            return;
        }
        plain.renew(&month);
        plain.granted += rows;
        assert_eq!(topped.unwrap().balance.left(), plain.granted - plain.used);
    }

    fn revoke(&mut self, account: usize) {
        if let Some(plain) = self.accounts.get_mut(account) {
            plain.is_revoked = true;
            let selector = (account + 1).to_string();
            let revoked = self.store.revoke(&selector, self.now).unwrap();
            assert!(revoked.revoked.is_some());
        }
    }

    /// Everything that can be asked.
    fn compare(&self) {
        let found = self.store.accounts(self.now).unwrap();
        assert_eq!(found.len(), self.accounts.len());
        let month = self.month();
        for (account, plain) in found.iter().zip(&self.accounts) {
            let (granted, used) = if month > plain.month {
                (plain.limit, 0)
            } else {
                (plain.granted, plain.used)
            };
            assert_eq!(account.name, plain.name);
            assert_eq!(account.revoked.is_some(), plain.is_revoked);
            assert_eq!(
                (account.balance.granted(), account.balance.used),
                (granted, used)
            );
            let opened = self
                .store
                .authenticate(plain.token.reveal(), self.now)
                .unwrap();
            assert_eq!(opened.as_ref(), (!plain.is_revoked).then_some(account));
        }
        assert_eq!(self.store.has_accounts().unwrap(), !found.is_empty());
        assert_eq!(self.used(), self.usage);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn operations_do_what_the_model_does(operations in vec(operation(), 1..40)) {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World::new(directory.path());
        for operation in &operations {
            world.apply(operation);
            world.compare();
        }
    }
}
