//! Readers: they hold one state while a merge removes its files, and change nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use windlass_index::Snapshot;

use crate::archives;
use crate::operation::{Crawls, full_merge};
use crate::shim::{Fault, Outcome, command};
use crate::state::{State, answers, requests, verify};
use crate::support::{Server, stdout};

/// How many clients ask at the same time.
const CLIENTS: usize = 4;

fn merge(index: &Path) {
    stdout(["merge".as_ref(), "--index".as_ref(), index.as_os_str()]);
}

/// Waits while the clients go on.
fn wait_until(clients: &[ScopedJoinHandle<'_, ()>], is_done: impl Fn() -> bool) {
    while !is_done() && !clients.iter().any(ScopedJoinHandle::is_finished) {
        thread::yield_now();
    }
}

#[test]
fn a_snapshot_outlives_the_merge_that_removes_its_files() {
    let operation = full_merge();
    let workspace = operation.workspace();
    let index = workspace.index();
    let snapshot = Arc::new(Snapshot::open(&index).unwrap());
    let right = State::of(&index).unwrap().unwrap();
    let (is_merged, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let client = || {
            scope.spawn(|| {
                let mut after = 0;
                while after < 20 {
                    after += usize::from(is_merged.load(Ordering::Relaxed));
                    let found: Vec<String> =
                        answers(&snapshot).into_iter().map(Result::unwrap).collect();
                    assert_eq!(found, right.answers());
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| client()).collect();
        wait_until(&clients, || asked.load(Ordering::Relaxed) >= CLIENTS);
        merge(&index);
        is_merged.store(true, Ordering::Relaxed);
    });
    for segment in snapshot.segments() {
        assert!(!segment.path().exists(), "{}", segment.path().display());
    }
    verify(&snapshot).unwrap();
    assert_eq!(Snapshot::open(&index).unwrap().segments().len(), 1);
}

/// Every answer is that of one of the states, and none is older than the one before.
#[test]
fn a_server_answers_while_the_index_is_written_and_merged() {
    let directory = tempfile::tempdir().unwrap();
    let (files, list) = archives::write(directory.path());
    let crawls = Crawls { files, list };
    let index = directory.path().join("index");
    // What will be answered after each ingest; a merge changes no answer.
    let states: Vec<Vec<String>> = (0..archives::CRAWLS)
        .map(|n| {
            let until = directory.path().join(format!("until-{n}"));
            crawls.index(&until, &(0..=n).collect::<Vec<_>>());
            State::of(&until).unwrap().unwrap().answers().to_vec()
        })
        .collect();
    crawls.index(&index, &[0]);
    let server = Server::start(&index);
    let (is_done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (server, states, requests) = (&server, &states, &requests());
    thread::scope(|scope| {
        let (is_done, asked) = (&is_done, &asked);
        let client = |client: usize| {
            scope.spawn(move || {
                let mut at = 0;
                while !is_done.load(Ordering::Relaxed) {
                    let which = (asked.fetch_add(1, Ordering::Relaxed) + client) % requests.len();
                    let (status, _, body) = server.get(&requests[which]);
                    assert!(status.contains("200"), "{status} {body}");
                    let state = states[at..].iter().position(|state| state[which] == body);
                    at += state.unwrap_or_else(|| panic!("of no state from {at} on: {body}"));
                }
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        let wait = || {
            let until = asked.load(Ordering::Relaxed) + 2 * CLIENTS * requests.len();
            wait_until(&clients, || asked.load(Ordering::Relaxed) >= until);
        };
        for n in 1..archives::CRAWLS {
            wait();
            crawls.index(&index, &[n]);
            wait();
            merge(&index);
        }
        wait();
        is_done.store(true, Ordering::Relaxed);
    });
    for (request, right) in requests.iter().zip(states.last().unwrap()) {
        assert_eq!(&server.get(request).2, right);
    }
}

#[test]
fn reading_changes_nothing_and_needs_no_space() {
    let operation = full_merge();
    let workspace = operation.workspace();
    for arguments in [
        vec!["verify"],
        vec!["stats", "--output", "json"],
        vec!["anchors", "target.org", "--output", "json"],
    ] {
        let mut command = command(&workspace, Fault::Full(1));
        command
            .args(&arguments)
            .arg("--index")
            .arg(workspace.index());
        let outcome = Outcome::of(command, &workspace);
        assert!(outcome.output.status.success(), "{}", outcome.stderr());
        assert!(outcome.log.calls.is_empty(), "{:?}", outcome.log.calls);
    }
}
