//! Merging in tiers: after ingests, on demand, in the background of `serve`; and who waits for whom.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::{Server, ingest, merged_bytes, program, segments, stderr, stdout, until};

const QUESTION: &str = "/?from=anchors&target=t.example.org&mode=domain&order_by=backlinks:desc";

/// So many archives of one page each, all of about the same length.
fn archives(folder: &Path, count: u32) -> Vec<PathBuf> {
    (0..count)
        .map(|i| {
            let path = folder.join(format!("{i}.warc"));
            fs::write(&path, archive(i)).unwrap();
            path
        })
        .collect()
}

fn archive(i: u32) -> String {
    let html = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n\
         <a href=http://t.example.org/{i}>anchor {i}</a> <a href=http://t.example.org/>all</a>"
    );
    format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{i}>\r\n\
         WARC-Target-URI: http://p{i:03}.example.net/\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n\
         Content-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n{html}\r\n\r\n",
        html.len()
    )
}

/// An index with a segment for each archive.
fn unmerged(index: &Path, archives: &[PathBuf]) {
    for archive in archives {
        ingest(index, std::slice::from_ref(archive), &["--merge", "none"]);
    }
    assert_eq!(segments(index).len(), archives.len());
}

fn lock_says(index: &Path) -> String {
    fs::read_to_string(index.join("lock")).unwrap()
}

fn until_merging(index: &Path) {
    until("a merge in the background", || {
        lock_says(index).ends_with(", merging in the background\n")
            && fs::read_dir(index.join("tmp")).unwrap().count() == 1
    });
}

fn files_known(index: &Path) -> usize {
    let stats = stdout([
        "stats",
        "--output",
        "json",
        "--index",
        index.to_str().unwrap(),
    ]);
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    stats["files"].as_array().unwrap().len()
}

/// Takes the lock of an index as another process would, and says what it does.
fn hold(index: &Path, what: &str) -> File {
    let path = index.join("lock");
    let lock = File::options().write(true).open(&path).unwrap();
    lock.lock().unwrap();
    fs::write(path, what).unwrap();
    lock
}

#[test]
fn ingest_merges_segments_of_similar_size_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let archives = archives(folder.path(), 16);
    let at = |name: &str| folder.path().join(name);
    for (i, archive) in archives.iter().take(4).enumerate() {
        let summary = ingest(&at("tiered"), std::slice::from_ref(archive), &[]);
        let (merges, left) = if i == 3 { (1, 1) } else { (0, i as u64 + 1) };
        assert_eq!(summary["merges"], merges);
        assert_eq!(summary["segments"], left);
    }
    let batches = ingest(&at("tiered"), &archives, &["--batch", "1"]);
    assert!(batches["merges"].as_u64().unwrap() > 1, "{batches}");
    assert!(batches["segments"].as_u64().unwrap() < 8, "{batches}");
    let full = ingest(&at("full"), &archives, &["--batch", "1", "--merge", "full"]);
    assert_eq!((&full["merges"], &full["segments"]), (&1.into(), &1.into()));
    let none = ingest(&at("none"), &archives, &["--batch", "1", "--merge", "none"]);
    assert_eq!(
        (&none["merges"], &none["segments"]),
        (&0.into(), &16.into())
    );
    let expected = merged_bytes(&at("none"));
    assert!(merged_bytes(&at("tiered")) == expected && merged_bytes(&at("full")) == expected);
}

#[test]
fn merge_on_demand_what_is_due_within_the_disk_that_it_may_use() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    unmerged(&index, &archives(folder.path(), 5));
    let merge = |flags: &[&str]| {
        let mut arguments = vec!["merge", "--index", index.to_str().unwrap(), "--tiered"];
        arguments.extend(flags);
        stdout(arguments)
    };
    assert_eq!(
        merge(&["--merge-max", "1k"]),
        "nothing to merge: the index has 5 segments\n"
    );
    let merged = merge(&[]);
    assert!(
        merged.starts_with("merged 5 segments into one of "),
        "{merged}"
    );
    assert_eq!(merge(&[]), "nothing to merge: the index has 1 segments\n");
}

#[test]
fn serve_merges_in_the_background_and_its_answers_stay_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let archives = archives(folder.path(), 11);
    unmerged(&index, &archives[..7]);
    let expected = {
        let server = Server::start_with(&index, &["--merge", "off"]);
        let (status, _, body) = server.get(QUESTION);
        assert!(status.contains("200"), "{status}");
        body
    };
    assert!(expected.contains("\"backlinks\":7"), "{expected}");
    assert_eq!(segments(&index).len(), 7);
    let server = Server::start(&index);
    until("one segment", || {
        assert_eq!(server.get(QUESTION).2, expected);
        segments(&index).len() == 1
    });
    assert_eq!(server.get(QUESTION).2, expected);
    // What comes later is merged too, as soon as there is enough of it.
    let later = &archives[7..];
    ingest(&index, later, &["--merge", "none", "--batch", "1"]);
    until("one segment again", || {
        let (_, _, body) = server.get(QUESTION);
        assert!(body.contains("\"backlinks\":11"), "{body}");
        segments(&index).len() == 1
    });
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_merge_in_the_background_gives_way_to_ingest_and_to_merge() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let archives = archives(folder.path(), 8);
    unmerged(&index, &archives[..5]);
    // It would take an hour.
    let server = Server::start_with(&index, &["--merge-rate", "1"]);
    until_merging(&index);
    let summary = ingest(&index, &archives[5..6], &["--merge", "none"]);
    assert_eq!(summary["files_read"], 1);
    assert_eq!(segments(&index).len(), 6);
    // It begins again, and two that come at once have their turns.
    until_merging(&index);
    let children: Vec<Child> = archives[6..]
        .iter()
        .map(|archive| {
            let mut command = program();
            command.args(["ingest", "--merge", "none", "--wait", "120", "--index"]);
            command.arg(&index).arg(archive);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(segments(&index).len(), 8);
    until_merging(&index);
    let (_, _, before) = server.get(QUESTION);
    assert!(before.contains("\"backlinks\":8"), "{before}");
    let merged = stdout(["merge", "--index", index.to_str().unwrap()]);
    assert!(
        merged.starts_with("merged 8 segments into one of "),
        "{merged}"
    );
    assert_eq!(server.get(QUESTION).2, before);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn sigterm_ends_serve_in_the_middle_of_a_merge_and_nothing_is_left_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    unmerged(&index, &archives(folder.path(), 5));
    let server = Server::start_with(&index, &["--merge-rate", "1"]);
    until_merging(&index);
    // Were the merge to end first, this would take an hour.
    assert_eq!(server.stop(), Some(0));
    assert_eq!(segments(&index).len(), 5);
    assert_eq!(fs::read_dir(index.join("tmp")).unwrap().count(), 0);
    assert_eq!(lock_says(&index), "");
}

#[test]
fn a_kill_in_the_middle_of_a_background_merge_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let archives = archives(folder.path(), 6);
    let whole = folder.path().join("whole");
    ingest(&whole, &archives, &[]);
    unmerged(&index, &archives);
    for _ in 0..4 {
        let mut server = Server::start_with(&index, &["--merge-rate", "1"]);
        until_merging(&index);
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        stdout(["verify", "--index", index.to_str().unwrap()]);
        assert_eq!(files_known(&index), 6);
    }
    // The next one begins where the dead one left its work.
    let server = Server::start(&index);
    until("one segment", || segments(&index).len() == 1);
    until("the lock to be given back", || lock_says(&index).is_empty());
    assert_eq!(server.stop(), Some(0));
    assert_eq!(fs::read_dir(index.join("tmp")).unwrap().count(), 0);
    assert!(merged_bytes(&index) == merged_bytes(&whole));
}

#[test]
fn writers_wait_for_a_merge_and_are_told_of_anybody_else() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let archives = archives(folder.path(), 2);
    ingest(&index, &archives[..1], &[]);
    let (path, more) = (index.to_str().unwrap(), archives[1].to_str().unwrap());
    let held = hold(&index, "process 4711, ingesting\n");
    for command in [
        vec!["merge", "--index", path],
        vec!["ingest", "--index", path, more],
    ] {
        let complaint = stderr(command);
        assert!(
            complaint.contains("is being written by process 4711, ingesting"),
            "{complaint}"
        );
    }
    drop(held);
    let held = hold(&index, "process 4711, merging\n");
    let complaint = stderr(["ingest", "--wait", "0", "--index", path, more]);
    assert!(
        complaint.contains("is being written by process 4711, merging"),
        "{complaint}"
    );
    // Without the flag it waits, says for whom, and goes on as soon as it can.
    let mut waiting = program()
        .args(["ingest", "--index", path, more])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let told = lines
        .map(Result::unwrap)
        .find(|line| line.contains("waiting for process 4711, merging"));
    assert!(told.is_some());
    drop(held);
    assert!(waiting.wait().unwrap().success());
    assert_eq!(files_known(&index), 2);
}

#[test]
fn waiting_for_the_lock_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let archives = archives(folder.path(), 1);
    ingest(&index, &archives, &[]);
    let _held = hold(&index, "process 4711, merging\n");
    let mut waiting = program()
        .args(["merge", "--index", index.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(waiting.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("waiting for process 4711")));
    let killed = Command::new("kill")
        .arg(waiting.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
    // What it still says is read, so that it can say it.
    assert!(lines.all(|line| line.is_ok()));
    assert_eq!(waiting.wait().unwrap().code(), Some(1));
}

#[test]
fn the_bench_asks_while_it_merges() {
    let result = stdout([
        "bench",
        "--links",
        "20k",
        "--merging",
        "--repeat",
        "1",
        "--output",
        "json",
    ]);
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(
        (&result["segments"], &result["answers_are_equal"]),
        (&4.into(), &true.into())
    );
    for phase in ["merges_making_way", "merges_hurrying"] {
        assert!(!result[phase].as_array().unwrap().is_empty(), "{result}");
    }
    for question in result["questions"].as_array().unwrap() {
        let at_rest = &question["at_rest"];
        assert!(at_rest["answers"].as_u64().unwrap() >= 20, "{question}");
        assert!(
            at_rest["p99_s"].as_f64() >= at_rest["p50_s"].as_f64(),
            "{question}"
        );
    }
}
