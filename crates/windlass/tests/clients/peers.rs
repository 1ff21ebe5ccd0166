//! `bench/peers`: what it compares, and what it says where an engine answers otherwise, or not at all.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::install;
use crate::support::{root, stdout};

fn python(arguments: &[&str]) -> Output {
    Command::new(install::python())
        .args(arguments)
        .current_dir(root().join("bench"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn differences_and_silence_are_found() {
    let output = python(&["-m", "unittest", "peers.test_compare"]);
    assert!(output.status.success(), "{}", complaint(&output));
}

/// The comparison of an index with one engine.
fn compare(index: &Path, work: &Path, flags: &[&str]) -> Output {
    let (index, work) = (index.to_str().unwrap(), work.to_str().unwrap());
    let program = env!("CARGO_BIN_EXE_windlass");
    let arguments = [
        "-m",
        "peers",
        "--index",
        index,
        "--windlass",
        program,
        "--work",
        work,
        "--engines",
        "duckdb",
        "--repeat",
        "1",
    ];
    python(&[&arguments[..], flags].concat())
}

#[test]
fn an_engine_that_was_stopped_fails_the_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let built = ["bench", "--links", "5k", "--no-ask", "--keep"];
    stdout([&built[..], &[index.to_str().unwrap()]].concat());
    let work = folder.path().join("work");

    let whole = compare(&index, &work, &[]);
    assert!(whole.status.success(), "{}", complaint(&whole));
    let said = String::from_utf8_lossy(&whole.stdout);
    assert!(said.contains("| subdomains giant.com |"), "{said}");
    assert!(
        fs::read_to_string(work.join("duckdb.ndjson"))
            .unwrap()
            .lines()
            .count()
            > 50
    );

    let stopped = compare(&index, &work, &["--time-limit", "0"]);
    assert_eq!(stopped.status.code(), Some(1));
    let told = complaint(&stopped);
    assert!(
        told.contains("MISSING: duckdb: was stopped after 0 s"),
        "{told}"
    );
    assert!(told.contains("MISSING: duckdb: no rows for '"), "{told}");
    let allowed = compare(&index, &work, &["--time-limit", "0", "--allow-missing"]);
    assert!(allowed.status.success(), "{}", complaint(&allowed));
}
