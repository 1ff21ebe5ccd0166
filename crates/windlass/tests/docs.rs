//! Every command in the documentation runs.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use support::{command, demo, program, root};

/// The lines of the blocks marked `sh` in a page.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => found.push(line.to_owned()),
            _ => {}
        }
    }
    found
}

/// Runs a line in a folder that has a crawl, as a shell does; servers are only asked whether they know their flags.
fn run(line: &str, folder: &Path) {
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("windlass"), "{line}");
    let asked = match words.next() {
        Some("serve") => format!("{line} --help"),
        _ => line.to_owned(),
    };
    let mut path = vec![Path::new(env!("CARGO_BIN_EXE_windlass")).with_file_name("")];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap()));
    let mut command = command("sh");
    command.current_dir(folder).args(["-c", &asked]);
    command.env("PATH", env::join_paths(path).unwrap());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_pages_in_their_order() {
    for page in ["README.md", "docs/operations.md", "docs/metering.md"] {
        let folder = tempfile::tempdir().unwrap();
        let crawl = folder.path().join("crawl");
        fs::create_dir(&crawl).unwrap();
        fs::copy(
            demo("docs.sqlalchemy.org-2021-03-15.warc.gz"),
            crawl.join("a.warc.gz"),
        )
        .unwrap();
        let mut ran = 0;
        for line in commands(page) {
            match line.as_str() {
                // What this test itself is part of; and the demo, which has a test of its own.
                "cargo test --workspace" | "cargo run --release -- demo" => {}
                line => {
                    run(line, folder.path());
                    ran += 1;
                }
            }
        }
        assert!(ran >= 3, "{page}: {ran}");
    }
}

/// The requests of `docs/api.md` are answered.
#[test]
fn the_requests_of_the_api_are_answered() {
    if Command::new("curl").arg("--version").output().is_err() {
        support::skipped("the requests of docs/api.md: there is no curl");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    support::small_index(folder.path());
    let server = support::Server::start(folder.path());
    let page = fs::read_to_string(root().join("docs/api.md")).unwrap();
    let mut asked = 0;
    for line in page.lines().filter(|line| line.starts_with("curl ")) {
        let line = line.replace("127.0.0.1:8600", &server.address);
        let output = command("sh")
            .args(["-c", &format!("{line} -fsS")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(said.starts_with(r#"{"anchors":["#), "{line}: {said}");
        asked += 1;
    }
    assert!(asked > 0);
}

#[test]
fn the_demo_is_indexed_and_served_with_a_request_that_answers() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let mut child = program()
        .args(["demo", "--listen", "127.0.0.1:0", "--index"])
        .arg(folder.path().join("index"))
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let example = lines
        .take_while(|line| !line.starts_with("stop"))
        .find(|line| line.starts_with("try:"))
        .unwrap();
    let url = example.split('\'').nth(1).unwrap();
    let (address, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET /{path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(
        answer.contains(" 200 OK")
            && answer.contains("\"backlinks\":")
            && !answer.contains("\"anchors\":[]"),
        "{answer}"
    );
}
