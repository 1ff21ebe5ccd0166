//! Metering as people meet it: the commands, beside a running server; and charges under `kill -9`.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Server, ingest, over, program, small_index, stderr, stdout};

const REPORT: &str = "/?from=anchors&target=github.com&mode=subdomains&limit=9";

fn index(folder: &Path) -> PathBuf {
    let index = folder.join("index");
    small_index(&index);
    index
}

fn json(index: &Path, line: &str) -> Value {
    serde_json::from_str(&over(index, &format!("{line} --output json"))).unwrap()
}

fn header(head: &str, name: &str) -> Option<u64> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .map(|value| value.parse().unwrap())
}

#[test]
fn commands_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let server = Server::start(&index);
    assert!(server.get(REPORT).0.contains(" 200 "));

    // Who only looks makes no file, which would be the looker's.
    assert_eq!(json(&index, "token list"), serde_json::json!([]));
    assert_eq!(json(&index, "usage"), serde_json::json!([]));
    for line in [
        "token revoke alice",
        "token top-up alice --rows 1",
        "usage --token alice",
    ] {
        let index = index.display().to_string();
        let said = stderr(line.split(' ').chain(["--index", &index]));
        assert!(said.contains("there is no token 'alice'"), "{said}");
    }
    assert!(!index.join("accounts.sqlite").exists());
    assert!(server.get(REPORT).0.contains(" 200 "));

    let token = over(&index, "token create --name alice --rows 1k");
    let token = token.trim();
    assert_eq!(token.len(), 40);
    assert!(
        server.get(REPORT).0.contains(" 401 "),
        "from the next request on"
    );
    let with_token = format!("{REPORT}&token={token}");
    let (status, head, _) = server.get(&with_token);
    assert!(status.contains(" 200 "), "{status}");
    let cost = header(&head, "x-rows-cost").unwrap();
    assert_eq!(header(&head, "x-rows-left"), Some(1000 - cost));

    let topped = json(&index, "token top-up alice --rows 500");
    assert_eq!(topped["rows_left"], 1500 - cost);
    let (_, head, _) = server.get(&with_token);
    assert_eq!(header(&head, "x-rows-left"), Some(1500 - 2 * cost));

    let operator = json(
        &index,
        "token create --name operator --admin --subscription Ops",
    );
    assert_eq!(
        (&operator["rows_limit"], &operator["admin"]),
        (&0.into(), &true.into())
    );
    let list = json(&index, "token list");
    assert_eq!(list[0]["rows_used"], 2 * cost);
    assert_eq!(
        (&list[1]["name"], &list[1]["subscription"]),
        (&"operator".into(), &"Ops".into())
    );
    let shown = over(&index, "token list");
    assert!(shown.contains("alice") && !shown.contains(token), "{shown}");

    let usage = json(&index, "usage --token alice");
    let sum = |key: &str| -> u64 {
        let days = usage.as_array().unwrap().iter();
        days.map(|day| day[key].as_u64().unwrap()).sum()
    };
    assert_eq!((sum("requests"), sum("rows")), (2, 2 * cost));
    assert!(over(&index, "usage").contains(&format!("{} rows in all", 2 * cost)));
    assert_eq!(json(&index, "usage --to 2020-01-01"), serde_json::json!([]));

    over(&index, "token revoke 1");
    assert!(server.get(&with_token).0.contains(" 401 "));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_accounts_lie_where_they_are_said_to() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let file = folder.path().join("elsewhere");
    let named = file.display().to_string();
    stdout([
        "token",
        "create",
        "--name",
        "a",
        "--rows",
        "5",
        "--accounts",
        &named,
    ]);
    assert!(file.exists() && !index.join("accounts.sqlite").exists());
    let by_environment = program()
        .args(["token", "list", "--output", "json"])
        .env("WINDLASS_ACCOUNTS", &file)
        .output()
        .unwrap();
    let list: Value = serde_json::from_slice(&by_environment.stdout).unwrap();
    assert_eq!(list[0]["name"], "a");
    let server = Server::start_with(&index, &["--accounts", &named]);
    assert!(server.get(REPORT).0.contains(" 401 "));
    // A folder that is no index.
    let elsewhere = folder.path().display().to_string();
    for (arguments, text) in [
        (
            vec![
                "token",
                "create",
                "--name",
                "a",
                "--rows",
                "1",
                "--accounts",
                &named,
            ],
            "there is a token 'a' already",
        ),
        (
            vec!["token", "create", "--name", "b", "--accounts", &named],
            "--rows",
        ),
        (
            vec!["token", "revoke", "nobody", "--accounts", &named],
            "there is no token 'nobody'",
        ),
        (
            vec!["usage", "--from", "now", "--accounts", &named],
            "'now' is no day",
        ),
        (vec!["token", "list"], "--index"),
        (
            vec![
                "token", "create", "--name", "b", "--rows", "1", "--index", &elsewhere,
            ],
            &elsewhere,
        ),
        (vec!["token", "list", "--index", &elsewhere], &elsewhere),
        (
            vec!["token", "list", "--accounts", "/nonexistent/a"],
            "/nonexistent/a",
        ),
    ] {
        let said = stderr(&arguments);
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
    assert!(!folder.path().join("accounts.sqlite").exists());
}

/// How often the server is killed.
const ROUNDS: u64 = 24;
/// Connections that ask at the same time.
const CLIENTS: u64 = 8;
/// So few that the account is used up in some rounds.
const ROWS_A_ROUND: u64 = 600;

/// What the clients of a round know.
#[derive(Default)]
struct Known {
    /// Rows of answers that were received whole.
    acknowledged: AtomicU64,
    /// Answers that said that too few rows are left.
    refused: AtomicU64,
    is_over: AtomicBool,
}

/// Waits until there are so many; where that never comes, what is looked at afterwards says so.
fn wait_for(number: &AtomicU64, enough: u64) {
    let start = Instant::now();
    while number.load(Ordering::Relaxed) < enough && start.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_micros(200));
    }
}

/// Asks over one connection until the server is gone. Each answer costs the same.
fn ask(address: &str, token: &str, cost: u64, known: &Known) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let request = format!("GET {REPORT}&token={token} HTTP/1.1\r\nHost: x\r\n\r\n");
    while !known.is_over.load(Ordering::Relaxed) {
        if stream.write_all(request.as_bytes()).is_err() {
            return;
        }
        match read_answer(&mut stream) {
            Some(200) => known.acknowledged.fetch_add(cost, Ordering::Relaxed),
            Some(402) => known.refused.fetch_add(1, Ordering::Relaxed),
            Some(status) => unreachable!("{status}"),
            None => return,
        };
    }
}

/// The status of an answer that came whole, by its content-length.
fn read_answer(stream: &mut TcpStream) -> Option<u16> {
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
            let length = header(&head, "content-length").unwrap();
            if answer.len() as u64 == end as u64 + 4 + length {
                return head.split(' ').nth(1)?.parse().ok();
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => answer.extend_from_slice(&buffer[..n]),
        }
    }
}

fn used(index: &Path) -> (u64, u64) {
    let account = &json(index, "token list")[0];
    let usage = json(index, "usage");
    let days = usage.as_array().unwrap().iter();
    let rows = days.map(|day| day["rows"].as_u64().unwrap()).sum();
    let left = account["rows_left"].as_u64().unwrap();
    let granted =
        account["rows_limit"].as_u64().unwrap() + account["rows_topped_up"].as_u64().unwrap();
    assert_eq!(account["rows_used"].as_u64().unwrap() + left, granted);
    (rows, left)
}

/// When the server dies, what was charged is what was received whole, or more by at most the requests that were in
/// flight; when the next one has started, it is no more than what was received whole.
#[test]
fn killed_under_load_it_charged_what_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let token = over(&index, "token create --name alice --rows 1000M");
    let token = token.trim();
    let cost = {
        let server = Server::start_with(&index, &["--merge", "off"]);
        let (_, head, _) = server.get(&format!("{REPORT}&token={token}&dry_run=1"));
        header(&head, "x-rows-cost").unwrap()
    };
    assert!(cost > 1);
    let (mut charged_before, mut answered, mut lost) = (0, 0, 0);
    for round in 0..ROUNDS {
        let mut server = Server::start_with(&index, &["--merge", "off"]);
        let known = Known::default();
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                let (address, known) = (&server.address, &known);
                scope.spawn(move || ask(address, token, cost, known));
            }
            // The round ends after so many answers, wherever the others are then.
            let answers = round * round % 97;
            wait_for(&known.acknowledged, answers * cost);
            server.child.kill().unwrap();
            server.child.wait().unwrap();
            known.is_over.store(true, Ordering::Relaxed);
        });
        let acknowledged = known.acknowledged.load(Ordering::Relaxed);
        let charged = used(&index).0 - charged_before;
        assert!(
            charged >= acknowledged,
            "round {round}: {charged} charged, {acknowledged} answered"
        );
        let more = charged - acknowledged;
        assert!(
            more <= CLIENTS * cost && more.is_multiple_of(cost),
            "round {round}: {more} more"
        );
        drop(Server::start_with(&index, &["--merge", "off"]));
        let charged = used(&index).0.checked_sub(charged_before);
        let charged = charged.expect("what was charged before stands");
        assert!(
            charged <= acknowledged && charged.is_multiple_of(cost),
            "round {round}: {charged} charged, {acknowledged} answered"
        );
        charged_before += charged;
        answered += acknowledged;
        lost += more;
    }
    assert!(
        answered >= 500 * cost,
        "{answered} rows answered, {lost} in flight"
    );
    assert!(lost > 0, "nothing was in flight");
    assert!(servers(&index) <= 1, "they do not pile up");
}

/// Files that say that a server charges the accounts.
fn servers(index: &Path) -> usize {
    let entries = fs::read_dir(index).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.to_str().unwrap().contains(".sqlite-server-"))
        .count()
}

/// An index of links with texts so long that an answer with all of them does not fit into what the system keeps for a
/// client that reads nothing.
fn large_index(index: &Path) {
    let long = "x".repeat(4000);
    let pages: Vec<_> = (0..8)
        .map(|page| {
            let links: String = (0..500)
                .map(|link| format!("<a href=http://t.example.org/>{page} {link} {long}</a>"))
                .collect();
            let html = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{links}");
            let path = index.with_extension(format!("{page}.warc"));
            let record = format!(
                "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{page}>\r\n\
                 WARC-Target-URI: http://p{page}.example.net/\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n\
                 Content-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n{html}\r\n\r\n",
                html.len()
            );
            fs::write(&path, record).unwrap();
            path
        })
        .collect();
    ingest(index, &pages, &[]);
}

/// A client that has read the head of an answer, and nothing else yet; and what the answer costs.
fn half_read(server: &Server, request: &str) -> (TcpStream, u64) {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    write!(stream, "GET {request} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    (stream, header(&head, "x-rows-cost").unwrap())
}

/// What is given back is what was in the middle: not what was finished before, nor what a client left.
#[test]
fn killed_in_the_middle_of_an_answer_it_gives_that_back() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    large_index(&index);
    let token = over(&index, "token create --name alice --rows 100k");
    let report = format!("/?from=anchors&target=t.example.org&token={}", token.trim());
    let all = format!("{report}&limit=4000");
    let start = || Server::start_with(&index, &["--merge", "off", "--shutdown-time-max", "1s"]);
    let mut server = start();
    let (_, head, _) = server.get(&format!("{report}&limit=5"));
    let finished = header(&head, "x-rows-cost").unwrap();
    // So long that it is sure to have come.
    thread::sleep(Duration::from_secs(2));
    let (mut client, cost) = half_read(&server, &all);
    assert_eq!((cost, used(&index).0), (4001, finished + 4001));
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(used(&index).0, finished + cost);
    let mut rest = Vec::new();
    // It ends, or breaks, as the system has it.
    let _ = client.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"\r\n0\r\n\r\n") && rest.len() > 100_000);

    let server = start();
    assert_eq!((used(&index).0, servers(&index)), (finished, 1));
    // Who goes pays. Nobody tells when the server has noticed.
    drop(half_read(&server, &all));
    thread::sleep(Duration::from_secs(2));
    // Who is still there when the server stops does not.
    let (client, _) = half_read(&server, &all);
    assert_eq!(used(&index).0, finished + 2 * cost);
    assert_eq!(server.stop(), Some(1));
    drop(client);
    assert_eq!((used(&index).0, servers(&index)), (finished + cost, 0));
    drop(start());
    assert_eq!(used(&index).0, finished + cost);
}

/// The same where the rows run out: nobody gets more than there is, dead or alive.
#[test]
fn killed_under_load_it_overdraws_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let token = over(
        &index,
        &format!("token create --name alice --rows {ROWS_A_ROUND}"),
    );
    let token = token.trim();
    let cost = {
        let server = Server::start_with(&index, &["--merge", "off"]);
        let (_, head, _) = server.get(&format!("{REPORT}&token={token}&dry_run=1"));
        header(&head, "x-rows-cost").unwrap()
    };
    assert!(cost > 1);
    for round in 0..4 {
        let mut server = Server::start_with(&index, &["--merge", "off"]);
        // What was given back of the round before is there again.
        let before = used(&index).0;
        let known = Known::default();
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                let (address, known) = (&server.address, &known);
                scope.spawn(move || ask(address, token, cost, known));
            }
            wait_for(&known.refused, 20);
            server.child.kill().unwrap();
            server.child.wait().unwrap();
            known.is_over.store(true, Ordering::Relaxed);
        });
        let answered = known.acknowledged.load(Ordering::Relaxed);
        let (charged, left) = used(&index);
        let charged = charged - before;
        // All that there was went to answers, and all answers had come when refusals began.
        assert!(
            left < cost && charged >= answered,
            "round {round}: {charged}, {answered}"
        );
        assert!(charged - answered <= CLIENTS * cost);
        over(&index, &format!("token top-up alice --rows {ROWS_A_ROUND}"));
    }
}
