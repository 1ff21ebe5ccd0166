//! A server among what goes wrong around it: who reads its log, how many files it may open, what is left of its accounts.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs::{self, File};
use std::io::{Read, Write, pipe};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::{Server, program, small_index, stderr};

/// How long anything here may take.
const TIME_MAX: Duration = Duration::from_secs(30);

fn index(folder: &Path) -> PathBuf {
    let index = folder.join("index");
    small_index(&index);
    index
}

/// The program, started by a shell that does something before.
fn after(script: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{script}; exec \"$@\"");
    command.args(["-c", &script, "sh"]);
    command.arg(program().get_program());
    command.stderr(Stdio::null());
    command
}

#[test]
fn nobody_waits_for_who_reads_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (_unread, log) = pipe().unwrap();
    let mut command = program();
    command.stderr(log);
    let server = Server::spawn(&mut command, &index(folder.path()), &["--merge", "off"]);
    drop(command);
    // A pipe holds 64 KiB, and the line of a request takes more than 100 bytes.
    for _ in 0..1000 {
        assert!(server.get("/robots.txt?").0.contains(" 200 "));
        assert!(server.get("/?from=nothing").0.contains(" 400 "));
    }
    let start = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(start.elapsed() < TIME_MAX);
}

#[test]
fn who_says_nothing_takes_no_files_from_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = after("ulimit -n 64");
    let server = Server::spawn(&mut command, &index(folder.path()), &["--merge", "off"]);
    let silent: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(&server.address).unwrap())
        .collect();
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(TIME_MAX / 2)).unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let start = Instant::now();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // Not only when the time for a request is over, 30 s.
    assert!(start.elapsed() < TIME_MAX / 2, "{:?}", start.elapsed());
    drop(silent);
}

#[test]
fn a_signal_that_is_ignored_when_it_starts_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let server = Server::spawn(&mut after("trap '' INT"), &index, &["--merge", "off"]);
    server.signal("INT");
    thread::sleep(Duration::from_millis(200));
    assert!(server.get("/healthz").0.contains(" 200 "));
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&index);
    server.signal("INT");
    let start = Instant::now();
    while TcpStream::connect(&server.address).is_ok() {
        assert!(start.elapsed() < TIME_MAX);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_left_of_lost_accounts_opens_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let accounts = index.join("accounts.sqlite");
    for (left, found) in [
        (accounts.clone(), "is empty"),
        (index.join("accounts.sqlite-wal"), "is not there"),
    ] {
        File::create(&left).unwrap();
        for more in [&[][..], &["--check"]] {
            let mut command = program();
            command.args(["serve", "--listen", "127.0.0.1:0", "--index"]);
            let output = command.arg(&index).args(more).output().unwrap();
            assert!(!output.status.success());
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).unwrap();
            assert!(
                said.contains("the accounts are lost") && said.contains(found),
                "{said}"
            );
        }
        fs::remove_file(&left).unwrap();
    }
}

#[test]
fn a_state_that_cannot_be_opened_is_told_and_the_one_before_answers() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let server = Server::start_with(&index, &["--merge", "off"]);
    let healthy = server.get("/healthz").2;
    assert!(healthy.contains(r#""status":"ok""#), "{healthy}");
    let manifest = index.join("manifest.json");
    let whole = fs::read(&manifest).unwrap();
    fs::write(&manifest, "{}").unwrap();
    let (status, _, stale) = server.get("/healthz");
    assert!(status.contains(" 200 "), "{status}");
    assert_eq!(stale, healthy.replace("ok", "stale"));
    assert!(
        server
            .get("/metrics")
            .2
            .contains("\nwindlass_index_stale 1\n")
    );
    assert!(
        server
            .get("/?from=anchors&target=github.com&mode=domain")
            .0
            .contains(" 200 ")
    );
    fs::write(&manifest, whole).unwrap();
    assert_eq!(server.get("/healthz").2, healthy);
}

#[test]
fn a_token_that_nobody_gets_to_know_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(folder.path());
    let mut command = program();
    command.args([
        "token", "create", "--name", "alice", "--rows", "5", "--index",
    ]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command.arg(&index).stdout(full).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("it was not made"), "{said}");
    assert_eq!(
        support::over(&index, "token list --output json").trim(),
        "[]"
    );
    support::over(&index, "token create --name alice --rows 5");
}

#[test]
fn what_is_wrong_with_settings_is_said_and_nothing_else() {
    let said = stderr(["serve", "--config", "nowhere.toml", "--index", "x"]);
    assert!(said.starts_with("error: reading nowhere.toml"), "{said}");
    let mut command = program();
    command
        .args(["stats", "--index", "x"])
        .env("WINDLASS_LOG", "warning");
    let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(
        said.contains("WINDLASS_LOG: 'warning' is no level"),
        "{said}"
    );
}

#[test]
fn a_log_that_nobody_reads_any_more_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let (read, log) = pipe().unwrap();
    let mut command = program();
    command.stderr(log);
    let server = Server::spawn(&mut command, &index(folder.path()), &["--merge", "off"]);
    drop((command, read));
    for _ in 0..3 {
        assert!(server.get("/?from=nothing").0.contains(" 400 "));
    }
    assert_eq!(server.stop(), Some(0));
}
