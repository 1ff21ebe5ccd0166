//! Charges whose answers are not finished: written while they are, and given back where their server dies.
#![allow(missing_docs, clippy::unwrap_used)]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;
use windlass_accounts::{
    AccountId, Charge, ChargeError, Days, Meter, Moment, NewAccount, Receipt, Store,
};

const NOW: Moment = Moment::from_unix(1_795_651_200);
const GRANTED: u64 = 1000;
/// Says to the program of these tests that it is to be a server, and over which accounts.
const SERVER: &str = "WINDLASS_TEST_ACCOUNTS";

fn charge(account: AccountId, table: &'static str, rows: u64) -> Charge {
    Charge {
        account,
        table: table.into(),
        rows,
        at: NOW,
    }
}

/// A file with an account.
struct File {
    directory: TempDir,
    path: PathBuf,
    store: Store,
    account: AccountId,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accounts.sqlite");
        let store = Store::open(&path).unwrap();
        let (account, _) = store.create(&NewAccount::new("a", GRANTED), NOW).unwrap();
        Self {
            directory,
            path,
            store,
            account: account.id,
        }
    }

    /// As the file is, without what else is beside it.
    fn copy(&self, to: &Path) {
        let connection = Connection::open(&self.path).unwrap();
        let to = to.to_str().unwrap();
        connection.execute("VACUUM INTO ?", [to]).unwrap();
    }

    /// Requests and rows by usage, which must be what the balance says.
    fn used(&self) -> (u64, u64) {
        used(&self.store)
    }

    fn open(&self) -> u64 {
        open(&self.path)
    }

    /// Waits until nothing is open.
    fn rest(&self) {
        let start = Instant::now();
        while self.open() > 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "it stays open");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Files of meters beside it.
    fn locks(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let is_lock = |path: &PathBuf| path.to_str().unwrap().contains("-server-");
        paths.filter(is_lock).collect()
    }

    fn start(&self) -> Meter {
        Meter::start(&self.path).unwrap()
    }
}

fn used(store: &Store) -> (u64, u64) {
    let usage = store.usage(None, Days::default()).unwrap();
    let sum = usage.iter().fold((0, 0), |(requests, rows), usage| {
        (requests + usage.requests, rows + usage.rows)
    });
    assert_eq!(store.find("a", NOW).unwrap().balance.used, sum.1);
    sum
}

/// Rows that are open; none is written of what has none.
fn open(path: &Path) -> u64 {
    let connection = Connection::open(path).unwrap();
    let sum = "SELECT coalesce(sum(rows), 0) FROM open_charges";
    let rows: i64 = connection.query_row(sum, [], |row| row.get(0)).unwrap();
    rows.try_into().unwrap()
}

#[test]
fn a_charge_is_open_until_its_answer_is_finished_and_at_rest_nothing_is() {
    let file = File::new();
    let meter = file.start();
    let made = |table, rows| meter.charge(charge(file.account, table, rows)).unwrap();
    let (first, second, third) = (made("anchors", 10), made("anchors", 5), made("pages", 7));
    assert_eq!(first.rows_left, GRANTED - 10);
    assert_eq!((file.open(), file.used()), (22, (3, 22)));
    first.give_back();
    // It goes before those that come later.
    let fourth = made("pages", 1);
    assert_eq!((file.open(), file.used()), (13, (4, 13)));
    drop((second, third));
    thread::sleep(Duration::from_millis(50));
    assert_eq!(file.open(), 13, "it may be on its way still");
    drop(fourth);
    file.rest();
    assert_eq!(file.used(), (4, 13));
    // So it is with the next charge, where that comes first.
    drop(made("anchors", 2));
    thread::sleep(Duration::from_millis(300));
    let _last = made("anchors", 3);
    assert_eq!((file.open(), file.used()), (3, (6, 18)));
}

#[test]
fn who_ends_leaves_nothing_open_and_no_file() {
    let file = File::new();
    let meter = file.start();
    let [lock] = file.locks().try_into().unwrap();
    let mode = fs::metadata(&lock).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(meter.charge(charge(file.account, "anchors", 10)).unwrap());
    let cut = meter.charge(charge(file.account, "pages", 5)).unwrap();
    let refused = meter.charge(charge(file.account, "pages", GRANTED));
    assert!(matches!(refused, Err(ChargeError::NotEnoughRows { .. })));
    drop(meter);
    // What is finished stands, what is not is given back, and only once.
    assert_eq!((file.open(), file.used()), (0, (2, 10)));
    assert!(file.locks().is_empty());
    cut.give_back();
    drop(file.start());
    assert_eq!(file.used(), (2, 10));
}

/// What the child of a test is: it charges, and waits to be killed.
#[test]
fn be_a_server_where_a_test_wants_one() {
    let Some(path) = env::var_os(SERVER) else {
        return;
    };
    let path = PathBuf::from(path);
    let account = Store::open(&path).unwrap().find("a", NOW).unwrap().id;
    let meter = Meter::start(&path).unwrap();
    let before = open(&path);
    drop(meter.charge(charge(account, "anchors", 100)).unwrap());
    // Finished for so long that it is not given back.
    while open(&path) > before {
        thread::sleep(Duration::from_millis(5));
    }
    let receipts = [("anchors", 10), ("anchors", 5), ("pages", 7)]
        .map(|(table, rows)| meter.charge(charge(account, table, rows)).unwrap());
    println!("charged {}", receipts.len());
    loop {
        thread::park();
    }
}

/// Starts a child that charges 100 rows for an answer that is finished, and 22 for three that are not.
fn server(path: &Path) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "be_a_server_where_a_test_wants_one",
        ])
        .env(SERVER, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = out.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("charged 3")));
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_a_dead_server_has_open_is_given_back_once_and_that_of_a_live_one_is_not() {
    let file = File::new();
    let killed = server(&file.path);
    let live = server(&file.path);
    let own = file.start();
    let receipt = own.charge(charge(file.account, "pages", 1)).unwrap();
    assert_eq!((file.open(), file.used()), (45, (9, 245)));
    assert_eq!(file.locks().len(), 3);
    kill(killed);
    // Programs that administer give nothing back, nor do those that are there already.
    let store = Store::open(&file.path).unwrap();
    store.top_up("a", 10, NOW).unwrap();
    assert_eq!((file.open(), used(&store)), (45, (9, 245)));
    for _ in 0..2 {
        let next = file.start();
        assert_eq!((file.open(), file.used()), (23, (9, 223)));
        assert_eq!(file.locks().len(), 3);
        drop(next);
        assert_eq!((file.open(), file.used()), (23, (9, 223)));
    }
    kill(live);
    let next = file.start();
    assert_eq!((file.open(), file.used()), (1, (9, 201)));
    assert_eq!(file.locks().len(), 2);
    drop((next, receipt, own));
    assert_eq!((file.open(), file.used()), (0, (9, 201)));
    assert!(file.locks().is_empty());
}

#[test]
fn servers_that_start_at_once_give_back_once() {
    let file = File::new();
    for _ in 0..3 {
        kill(server(&file.path));
    }
    // The first two were given back by those after them.
    let before = file.used();
    assert_eq!((file.open(), before), (22, (12, 322)));
    let meters: Vec<_> = thread::scope(|scope| {
        let starting: Vec<_> = (0..8).map(|_| scope.spawn(|| file.start())).collect();
        let started = starting.into_iter().map(|thread| thread.join().unwrap());
        started.collect()
    });
    assert_eq!((file.open(), file.used()), (0, (12, 300)));
    assert_eq!(file.locks().len(), 8);
    // All of them are alive, and stay so.
    let receipts: Vec<Receipt> = meters
        .iter()
        .map(|meter| meter.charge(charge(file.account, "pages", 1)).unwrap())
        .collect();
    drop(file.start());
    assert_eq!((file.open(), file.used()), (8, (20, 308)));
    drop((receipts, meters));
    assert!(file.locks().is_empty());
}

/// Rows come back in their month alone, to accounts that are not revoked, and never more than were charged.
#[test]
fn what_is_given_back_is_bounded() {
    let file = File::new();
    let later = Moment::from_unix(NOW.as_unix() + 10 * 86_400);
    kill(server(&file.path));
    let copy = |name: &str, change: &str| {
        let path = file.directory.path().join(name);
        file.copy(&path);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(change).unwrap();
        let meter = Meter::start(&path).unwrap();
        assert_eq!(open(&path), 0);
        (Store::open(&path).unwrap(), meter)
    };
    let rows = |store: &Store| {
        let usage = store.usage(None, Days::default()).unwrap();
        usage.iter().map(|usage| usage.rows).sum::<u64>()
    };
    let (store, _meter) = copy("revoked", "UPDATE accounts SET revoked = 1");
    assert_eq!(store.find("a", NOW).unwrap().balance.used, 122);
    assert_eq!(rows(&store), 100);
    let (store, _meter) = copy("next", "UPDATE accounts SET month = '2026-12', used = 3");
    assert_eq!(store.find("a", later).unwrap().balance.used, 3);
    assert_eq!(rows(&store), 100);
    let (store, _meter) = copy("more", "UPDATE open_charges SET rows = 99999");
    assert_eq!((rows(&store), used(&store)), (0, (4, 0)));
    let names = "UPDATE open_charges SET server = '../' || server";
    let (store, _meter) = copy("named", names);
    assert_eq!(used(&store), (4, 100));
    assert_eq!(file.used(), (4, 122));
}

/// A charge that another server gave back, because it could not see that its own was alive, is not given back again.
#[test]
fn whoever_was_taken_for_dead_gives_nothing_back_again() {
    let file = File::new();
    let meter = file.start();
    let made = |rows| meter.charge(charge(file.account, "pages", rows)).unwrap();
    let (failed, finished) = (made(10), made(20));
    // Rows of other charges are not what it gives back either.
    let kept = meter.charge(charge(file.account, "anchors", 40)).unwrap();
    // As if the file had been moved under a server, and another had started over it.
    fs::remove_file(&file.locks()[0]).unwrap();
    let other = file.start();
    assert_eq!((file.open(), file.used()), (0, (3, 0)));
    let later = meter.charge(charge(file.account, "anchors", 40)).unwrap();
    failed.give_back();
    let third = made(3);
    assert_eq!((file.open(), file.used()), (43, (5, 43)));
    drop((finished, kept, later));
    thread::sleep(Duration::from_millis(600));
    assert_eq!(file.used(), (5, 43));
    drop((third, meter, other));
    assert_eq!(file.used(), (5, 43));
}

#[test]
fn a_copy_has_nothing_open_when_it_is_charged() {
    let file = File::new();
    let meter = file.start();
    let receipt = meter.charge(charge(file.account, "pages", 10)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.sqlite");
    file.copy(&path);
    let store = Store::open(&path).unwrap();
    assert_eq!((open(&path), used(&store)), (10, (1, 10)));
    let _other = Meter::start(&path).unwrap();
    assert_eq!((open(&path), used(&store)), (0, (1, 0)));
    assert_eq!((file.open(), file.used()), (10, (1, 10)));
    drop((receipt, meter));
    assert_eq!((file.open(), file.used()), (0, (1, 10)));
}

/// Those who find the file by different ways see each other.
#[test]
fn a_link_leads_to_the_same_servers() {
    let file = File::new();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&file.path, &link).unwrap();
    let meter = Meter::start(&link).unwrap();
    assert_eq!(file.locks().len(), 1);
    let _receipt = meter.charge(charge(file.account, "pages", 10)).unwrap();
    let _other = file.start();
    assert_eq!((file.open(), file.used()), (10, (1, 10)));
}

#[test]
fn a_file_of_the_version_before_is_brought_up_to_this_one() {
    let file = File::new();
    let meter = file.start();
    drop(meter.charge(charge(file.account, "pages", 10)).unwrap());
    drop(meter);
    let old = Connection::open(&file.path).unwrap();
    old.execute_batch("DROP TABLE open_charges; PRAGMA user_version = 1")
        .unwrap();
    drop(old);
    let stores: Vec<_> = thread::scope(|scope| {
        let opening = || Store::open(&file.path).unwrap();
        let opening: Vec<_> = (0..4).map(|_| scope.spawn(opening)).collect();
        opening.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(stores.iter().all(|store| used(store) == (1, 10)));
    let version =
        Connection::open(&file.path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    assert_eq!(version.unwrap(), 2);
    let meter = file.start();
    let _receipt = meter.charge(charge(file.account, "pages", 5)).unwrap();
    assert_eq!((file.open(), file.used()), (5, (2, 15)));
}

/// Rows whose giving back cannot be written are given back as soon as it can, though nobody charges anything more.
#[test]
fn what_could_not_be_given_back_is_given_back_later() {
    let file = File::new();
    let meter = file.start();
    let receipt = meter.charge(charge(file.account, "anchors", 10)).unwrap();
    let other = Connection::open(&file.path).unwrap();
    let refuse =
        "CREATE TRIGGER refuse BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'no'); END";
    other.execute_batch(refuse).unwrap();
    receipt.give_back();
    // It is tried with this charge, which fails as it does.
    let refused = meter.charge(charge(file.account, "anchors", 5));
    assert!(matches!(refused, Err(ChargeError::Store(_))));
    assert_eq!((file.open(), file.used()), (10, (1, 10)));
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    file.rest();
    assert_eq!(file.used(), (1, 0));
    drop(meter);
}
