//! How many charges a second, by how many callers at once; beside it the limit: syncs of one file.
//!
//! `cargo run --release -p windlass-accounts --example charges [FOLDER]`
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use windlass_accounts::{Charge, Meter, Moment, NewAccount, Store};

const TIME: Duration = Duration::from_secs(3);

fn main() {
    let folder = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(folder).unwrap();
    println!(
        "syncs of 4 KiB a second: {:.0}",
        syncs(&directory.path().join("syncs"))
    );
    let path = directory.path().join("accounts.sqlite");
    let store = Store::open(&path).unwrap();
    let now = Moment::now();
    for accounts in [1, 64] {
        let made: Vec<_> = (0..accounts)
            .map(|i| {
                let new = NewAccount::new(&format!("a{accounts}-{i}"), 1_000_000_000_000);
                store.create(&new, now).unwrap()
            })
            .collect();
        let meter = Meter::start(&path).unwrap();
        for callers in [1, 16, 64, 256] {
            let (charged, done) = (AtomicU64::new(0), AtomicBool::new(false));
            let start = Instant::now();
            thread::scope(|scope| {
                for i in 0..callers {
                    let account = made[i % made.len()].0.id;
                    let (meter, charged, done) = (&meter, &charged, &done);
                    scope.spawn(move || {
                        while !done.load(Ordering::Relaxed) {
                            let charge = Charge {
                                account,
                                table: "anchors".into(),
                                rows: 11,
                                at: now,
                            };
                            meter.charge(charge).unwrap();
                            charged.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                thread::sleep(TIME);
                done.store(true, Ordering::Relaxed);
            });
            let rate = charged.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
            println!("{accounts} accounts, {callers} callers: {rate:.0} charges a second");
        }
        let token = made[0].1.reveal();
        let start = Instant::now();
        let mut looked_up = 0u32;
        while start.elapsed() < TIME / 3 {
            store.authenticate(token, now).unwrap().unwrap();
            looked_up += 1;
        }
        let each = start.elapsed() / looked_up;
        println!("{accounts} accounts: a token is looked up in {each:?}");
    }
}

fn syncs(path: &std::path::Path) -> f64 {
    let mut file = File::create(path).unwrap();
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < TIME / 3 {
        file.write_all(&[1; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}
