//! A full or failing disk below the accounts: what cannot be charged is not answered, what costs nothing
//! is, and nothing is charged that was not answered.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::operation::full_merge;
use crate::shim::{Fault, command};
use crate::support::{Server, over};
use crate::workspace::Workspace;

const REPORT: &str = "/?from=anchors&target=target.org&mode=subdomains";
/// Clients that ask at the same time.
const CLIENTS: usize = 4;
/// What each of them asks while the disk is full.
const REQUESTS: usize = 8;
/// How long a line may take to the log.
const LOG_TIME_MAX: Duration = Duration::from_secs(20);

fn json(index: &Path, line: &str) -> Value {
    serde_json::from_str(&over(index, &format!("{line} --output json"))).unwrap()
}

/// Rows charged, by the account and by its usage, and the requests that they were charged for.
fn charged(index: &Path) -> (u64, u64, u64) {
    let used = json(index, "token list")[0]["rows_used"].as_u64().unwrap();
    let usage = json(index, "usage");
    let sum = |key: &str| {
        let days = usage.as_array().unwrap().iter();
        days.map(|day| day[key].as_u64().unwrap()).sum()
    };
    (used, sum("rows"), sum("requests"))
}

fn cost(head: &str) -> u64 {
    let value = head.lines().find_map(|l| l.strip_prefix("x-rows-cost: "));
    value.unwrap().parse().unwrap()
}

fn log_of(workspace: &Workspace) -> PathBuf {
    workspace.log().with_extension("server")
}

/// A server that meets a fault, with a token, and its log.
fn start(workspace: &Workspace, fault: Fault, token: &str) -> (Server, String) {
    let log = File::create(log_of(workspace)).unwrap();
    let mut command = command(workspace, fault);
    // Merges and locks are no matter of the accounts.
    let flags = ["--merge", "off"];
    let server = Server::spawn(command.stderr(log), &workspace.index(), &flags);
    (server, format!("{REPORT}&token={token}"))
}

#[test]
fn a_full_disk_refuses_what_costs_and_nothing_else_until_there_is_room() {
    let workspace = full_merge().workspace();
    let index = workspace.index();
    let token = over(&index, "token create --name alice --rows 10k");
    let (server, report) = start(&workspace, Fault::FullWhile, token.trim());
    let (status, head, answered) = server.get(&report);
    assert!(status.contains(" 200 "), "{status}");
    let cost = cost(&head);
    assert_eq!(charged(&index), (cost, cost, 1));

    File::create(workspace.switch()).unwrap();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for _ in 0..REQUESTS {
                    let (status, head, body) = server.get(&report);
                    assert!(status.contains(" 503 "), "{status} {body}");
                    assert!(head.contains("retry-after: "), "{head}");
                    assert!(body.contains("nothing was charged"), "{body}");
                }
            });
        }
    });
    for free in ["&dry_run=1", "&from=subscription_info"] {
        let (status, _, body) = server.get(&format!("{report}{free}"));
        assert!(status.contains(" 200 "), "{free}: {status} {body}");
    }
    assert!(server.get("/healthz").0.contains(" 200 "));
    // Lines are written while answers go on.
    let refused = |log: &str| log.matches(r#""reason":"accounts""#).count();
    let start = Instant::now();
    let log = loop {
        let log = fs::read_to_string(log_of(&workspace)).unwrap();
        if refused(&log) == CLIENTS * REQUESTS || start.elapsed() > LOG_TIME_MAX {
            break log;
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert!(log.contains("disk is full"), "{log}");
    assert_eq!(refused(&log), CLIENTS * REQUESTS);
    assert_eq!(charged(&index), (cost, cost, 1));

    fs::remove_file(workspace.switch()).unwrap();
    for requests in 2..4 {
        let (status, head, body) = server.get(&report);
        assert!(status.contains(" 200 "), "{status} {body}");
        assert_eq!(body, answered);
        let left = format!("x-rows-left: {}\r\n", 10_000 - requests * cost);
        assert!(head.contains(&left), "{head}");
        assert_eq!(
            charged(&index),
            (requests * cost, requests * cost, requests)
        );
    }
    assert_eq!(server.stop(), Some(0));
}

/// Whichever call of a charge fails: an answer that was sent was charged, one that was refused was not,
/// and the next one is both.
#[test]
fn each_call_of_a_charge_may_fail() {
    let operation = full_merge();
    let calls = |workspace: &Workspace| {
        fs::read_to_string(workspace.log()).map_or(0, |log| {
            log.lines().filter(|line| line.starts_with("call ")).count() as u64
        })
    };
    // Which calls the second charge makes: the first one makes files.
    let (first, last) = {
        let workspace = operation.workspace();
        let token = over(&workspace.index(), "token create --name a --rows 10k");
        let (server, report) = start(&workspace, Fault::None, token.trim());
        assert!(server.get(&report).0.contains(" 200 "));
        let first = calls(&workspace) + 1;
        assert!(server.get(&report).0.contains(" 200 "));
        (first, calls(&workspace))
    };
    assert!(first < last, "{first} {last}");
    for at in first..=last {
        for fault in [Fault::EioOnce(at), Fault::ShortThenFull(at)] {
            let workspace = operation.workspace();
            let index = workspace.index();
            let token = over(&index, "token create --name a --rows 10k");
            let (server, report) = start(&workspace, fault, token.trim());
            let (status, head, _) = server.get(&report);
            assert!(status.contains(" 200 "), "{fault:?}: {status}");
            let cost = cost(&head);
            let mut answered = 1;
            let mut refused = 0;
            for _ in 0..3 {
                let (status, _, body) = server.get(&report);
                if status.contains(" 200 ") {
                    answered += 1;
                } else {
                    assert!(status.contains(" 503 "), "{fault:?}: {status} {body}");
                    refused += 1;
                }
                let rows = answered * cost;
                assert_eq!(charged(&index), (rows, rows, answered), "{fault:?}");
            }
            assert!(calls(&workspace) >= at, "{fault:?}");
            if fault == Fault::EioOnce(at) {
                assert!(refused <= 1, "{fault:?}");
            }
        }
    }
}
