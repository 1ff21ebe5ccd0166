//! The store at its edges: names, files that are none, several processes' worth of openings at once.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use windlass_accounts::{
    AccountId, AccountsError, Charge, ChargeError, Day, Days, Meter, Moment, NewAccount, ROWS_MAX,
    Store,
};

const NOW: Moment = Moment::from_unix(1_795_651_200);

fn charge(account: AccountId, rows: u64) -> Charge {
    Charge {
        account,
        table: "anchors".into(),
        rows,
        at: NOW,
    }
}

#[test]
fn names_and_rows_that_are_refused_make_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("a")).unwrap();
    let long = "x".repeat(101);
    for name in ["", " a", "a ", "12", "a\nb", "\0", &long] {
        let made = store.create(&NewAccount::new(name, 1), NOW);
        assert!(
            matches!(made, Err(AccountsError::BadName { .. })),
            "{name:?}"
        );
    }
    let made = store.create(&NewAccount::new("a", ROWS_MAX + 1), NOW);
    assert!(matches!(made, Err(AccountsError::TooManyRows)));
    assert!(!store.has_accounts().unwrap());
    store
        .create(&NewAccount::new("ü 1", ROWS_MAX), NOW)
        .unwrap();
    let topped = store.top_up("ü 1", 1, NOW);
    assert!(matches!(topped, Err(AccountsError::TooManyRows)));
    assert!(matches!(
        store.find("2", NOW),
        Err(AccountsError::NoSuchAccount(_))
    ));
    assert!(matches!(
        store.find("a", NOW),
        Err(AccountsError::NoSuchAccount(_))
    ));
    assert_eq!(
        store.find("1", NOW).unwrap(),
        store.find("ü 1", NOW).unwrap()
    );
}

#[test]
fn a_name_can_be_had_again_when_its_token_is_revoked() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("a")).unwrap();
    let (first, first_token) = store.create(&NewAccount::new("a", 1), NOW).unwrap();
    store.revoke("a", NOW).unwrap();
    let later = Moment::from_unix(NOW.as_unix() + 9);
    assert_eq!(store.revoke("a", later).unwrap().revoked, Some(NOW));
    let (second, second_token) = store.create(&NewAccount::new("a", 2), NOW).unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(store.find("a", NOW).unwrap().id, second.id);
    let opened = |token: &str| store.authenticate(token, NOW).unwrap().map(|a| a.id);
    assert_eq!(opened(first_token.reveal()), None);
    assert_eq!(opened(second_token.reveal()), Some(second.id));
    for wrong in [
        "",
        "a",
        &second_token.reveal()[1..],
        &second_token.reveal().to_uppercase(),
    ] {
        assert_eq!(opened(wrong), None);
    }
    // Where all are revoked, the name is the last one's.
    store.revoke("a", NOW).unwrap();
    assert_eq!(store.find("a", NOW).unwrap().id, second.id);
}

#[test]
fn what_is_no_accounts_file_is_named_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let bytes = b"no database, but long enough to look at";
    fs::write(&path, bytes).unwrap();
    let opened = Store::open(&path);
    assert!(matches!(opened, Err(AccountsError::NotAccounts(_))));
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let foreign = directory.path().join("foreign");
    let other = rusqlite::Connection::open(&foreign).unwrap();
    other.execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(
        Store::open(&foreign),
        Err(AccountsError::NotAccounts(_))
    ));
    let later = directory.path().join("later");
    drop(Store::open(&later).unwrap());
    let raised = rusqlite::Connection::open(&later).unwrap();
    raised.pragma_update(None, "user_version", 3).unwrap();
    assert!(matches!(
        Store::open(&later),
        Err(AccountsError::TooNew {
            found: 3,
            known: 2,
            ..
        })
    ));
    let missing = Path::new("/nonexistent/a");
    assert!(matches!(
        Store::open(missing),
        Err(AccountsError::Create { .. })
    ));
}

#[test]
fn the_file_is_its_owners_alone_and_holds_no_token() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let store = Store::open(&path).unwrap();
    let (_, token) = store.create(&NewAccount::new("a", 1), NOW).unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
        let bytes = fs::read(&path).unwrap();
        let secret = token.reveal().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn openings_at_once_make_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for i in 0..8 {
            let (path, barrier) = (&path, &barrier);
            scope.spawn(move || {
                barrier.wait();
                let store = Store::open(path).unwrap();
                store
                    .create(&NewAccount::new(&format!("n{i}"), 1), NOW)
                    .unwrap();
            });
        }
    });
    assert_eq!(Store::open(&path).unwrap().accounts(NOW).unwrap().len(), 8);
}

/// Charges of several meters, as of several processes, top-ups between: the sum is exact, and no more is
/// given than there is.
#[test]
fn charges_at_once_overdraw_nothing_and_lose_nothing() {
    const CHARGES: u64 = 300;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let store = Store::open(&path).unwrap();
    let (account, _) = store.create(&NewAccount::new("a", 5000), NOW).unwrap();
    let (charged, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let meters = [Meter::start(&path).unwrap(), Meter::start(&path).unwrap()];
    thread::scope(|scope| {
        for i in 0..8u64 {
            let (meter, charged, refused) = (&meters[(i % 2) as usize], &charged, &refused);
            scope.spawn(move || {
                for j in 0..CHARGES {
                    let rows = 1 + (i * 7 + j) % 11;
                    match meter.charge(charge(account.id, rows)) {
                        Ok(_) => charged.fetch_add(rows, Ordering::Relaxed),
                        Err(ChargeError::NotEnoughRows { left, needed }) => {
                            assert!(left < needed && needed == rows);
                            refused.fetch_add(1, Ordering::Relaxed)
                        }
                        Err(error) => unreachable!("{error}"),
                    };
                }
            });
        }
        for _ in 0..10 {
            store.top_up("a", 100, NOW).unwrap();
        }
    });
    // 8 × 300 charges of 1 to 11 rows are over 14,000 rows: more than there are.
    assert!(refused.load(Ordering::Relaxed) > 0);
    // What the last top-ups left, for they may have come after the last charge.
    let left = store.find("a", NOW).unwrap().balance.left();
    let last = u64::from(left > 0);
    if left > 0 {
        meters[0].charge(charge(account.id, left)).unwrap();
    }
    assert!(meters[1].charge(charge(account.id, 1)).is_err());
    let balance = store.find("a", NOW).unwrap().balance;
    assert_eq!((balance.granted(), balance.left()), (6000, 0));
    assert_eq!(balance.used, charged.load(Ordering::Relaxed) + left);
    let usage = store.usage(Some(account.id), Days::default()).unwrap();
    let [day] = usage.as_slice() else {
        unreachable!("{usage:?}")
    };
    assert_eq!(day.rows, balance.used);
    let made = 8 * CHARGES - refused.load(Ordering::Relaxed) + last;
    assert_eq!(day.requests, made);
}

#[test]
fn dropping_a_meter_makes_the_charges_that_wait() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let store = Store::open(&path).unwrap();
    let (account, _) = store.create(&NewAccount::new("a", 1000), NOW).unwrap();
    let meter = Meter::start(&path).unwrap();
    let done = std::sync::Arc::new(AtomicU64::new(0));
    for _ in 0..100 {
        let done = std::sync::Arc::clone(&done);
        meter.charge_then(charge(account.id, 1), move |outcome| {
            outcome.unwrap();
            done.fetch_add(1, Ordering::Relaxed);
        });
    }
    drop(meter);
    assert_eq!(done.load(Ordering::Relaxed), 100);
    assert_eq!(store.find("a", NOW).unwrap().balance.used, 100);
}

#[test]
fn usage_by_days_and_accounts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let store = Store::open(&path).unwrap();
    let meter = Meter::start(&path).unwrap();
    let ids: Vec<_> = ["a", "b"]
        .map(|name| store.create(&NewAccount::new(name, 100), NOW).unwrap().0.id)
        .into();
    for days in 0..4 {
        for id in &ids {
            let at = Moment::from_unix(NOW.as_unix() + days * 86_400);
            meter
                .charge(Charge {
                    at,
                    ..charge(*id, 2)
                })
                .unwrap();
        }
    }
    let day = |text: &str| Some(text.parse::<Day>().unwrap());
    let rows = |account, from, to| store.usage(account, Days { from, to }).unwrap().len();
    // From 2026-11-26 on.
    assert_eq!(rows(None, None, None), 8);
    assert_eq!(rows(Some(ids[0]), None, None), 4);
    assert_eq!(rows(None, day("2026-11-27"), day("2026-11-28")), 4);
    assert_eq!(rows(None, day("2026-11-29"), None), 2);
    assert_eq!(rows(None, None, day("2026-11-25")), 0);
}

/// While another process is in the middle of a change, charges wait, and are made then.
#[test]
fn a_charge_waits_for_another_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let store = Store::open(&path).unwrap();
    let (account, _) = store.create(&NewAccount::new("a", 100), NOW).unwrap();
    let meter = Meter::start(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE accounts SET topped_up = 7")
        .unwrap();
    thread::scope(|scope| {
        let charging = scope.spawn(|| meter.charge(charge(account.id, 10)));
        // Readers do not wait, and see the state before.
        assert_eq!(store.find("a", NOW).unwrap().balance.left(), 100);
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(charging.join().unwrap().unwrap().rows_left, 97);
    });
}

/// Where a transaction fails in its middle, all its charges are refused, and charge nothing; later ones
/// are made.
#[test]
fn a_transaction_that_fails_charges_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let store = Store::open(&path).unwrap();
    let (account, _) = store.create(&NewAccount::new("a", 1000), NOW).unwrap();
    let meter = Meter::start(&path).unwrap();
    let at_table = |table: &'static str| Charge {
        table: table.into(),
        ..charge(account.id, 1)
    };
    meter.charge(at_table("good")).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON usage WHEN new.table_ = 'bad'
             BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
        )
        .unwrap();
    let (sender, outcomes) = std::sync::mpsc::channel();
    for i in 0..200 {
        let sender = sender.clone();
        let table = if i % 20 == 19 { "bad" } else { "good" };
        meter.charge_then(at_table(table), move |outcome| {
            sender.send((table, outcome)).unwrap();
        });
    }
    drop(sender);
    let outcomes: Vec<_> = outcomes.iter().collect();
    assert_eq!(outcomes.len(), 200);
    let mut made = 1;
    for (table, outcome) in outcomes {
        match outcome {
            Ok(_) => {
                assert_eq!(table, "good");
                made += 1;
            }
            Err(error) => assert!(error.to_string().contains("disk is full"), "{error}"),
        }
    }
    let used = || store.find("a", NOW).unwrap().balance.used;
    assert_eq!(used(), made);
    let usage = store.usage(None, Days::default()).unwrap();
    assert_eq!((usage.len(), usage[0].rows), (1, made));
    other.execute_batch("DROP TRIGGER full").unwrap();
    let receipt = meter.charge(at_table("bad")).unwrap();
    assert_eq!(receipt.rows_left, 1000 - made - 1);
}
