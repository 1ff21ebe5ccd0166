//! Inputs that want all memory: peak memory of `windlass ingest` stays bounded.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use support::program;

/// What the whole program may hold, with the 16 MiB limit on bodies: a page of nothing but unclosed
/// links takes the most, about 20 bytes for each of its own.
const PEAK_BYTES_MAX: u64 = 400 << 20;

/// A WARC `response` whose HTTP message is `head` and `length` bytes of `filler`, over and over.
fn record(out: &mut dyn Write, head: &[u8], filler: &[u8], length: u64) {
    let whole = head.len() as u64 + length;
    write!(
        out,
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://hostile.example/\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n\
         Content-Type: application/http; msgtype=response\r\nContent-Length: {whole}\r\n\r\n"
    )
    .unwrap();
    out.write_all(head).unwrap();
    let block = filler.repeat((1 << 20) / filler.len());
    let mut left = length;
    while left > 0 {
        let n = left.min(block.len() as u64);
        out.write_all(&block[..usize::try_from(n).unwrap()])
            .unwrap();
        left -= n;
    }
    out.write_all(b"\r\n\r\n").unwrap();
}

/// A record behind the hostile one, which must be read all the same.
fn last(out: &mut dyn Write) {
    record(
        out,
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<a href=http://t.example/>last</a>",
        b" ",
        0,
    );
}

const HTML: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";

/// Ingests the file; the summary, and the most memory that the program held.
fn ingest(file: &Path, index: &Path, flags: &[&str]) -> (serde_json::Value, u64) {
    let mut child = program()
        .args(["ingest", "--output", "json", "--memory", "32M", "--index"])
        .arg(index)
        .args(flags)
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes =
            line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        peak = kibibytes.map_or(peak, |kibibytes| kibibytes * 1024);
        sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    (serde_json::from_slice(&output.stdout).unwrap(), peak)
}

fn check(name: &str, problem: &str, write: impl FnOnce(&mut dyn Write)) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(name);
    let mut out = BufWriter::new(File::create(&file).unwrap());
    write(&mut out);
    out.flush().unwrap();
    drop(out);
    let (summary, peak) = ingest(&file, &directory.path().join("index"), &[]);
    assert!(
        peak > 0 && peak < PEAK_BYTES_MAX,
        "{name}: {} MiB",
        peak >> 20
    );
    assert!(
        summary["problems"][problem].as_u64() > Some(0),
        "{name}: {summary}"
    );
    assert!(
        summary["in_segments"]["backlinks"].as_u64() > Some(0),
        "{name}: the record behind was not read: {summary}"
    );
}

#[test]
fn a_gzip_bomb() {
    check("bomb.warc.gz", "body-cut", |out| {
        for hostile in [true, false] {
            let mut member = GzEncoder::new(&mut *out, Compression::best());
            if hostile {
                record(&mut member, HTML, b"\0", 1 << 30);
            } else {
                last(&mut member);
            }
            member.finish().unwrap();
        }
    });
}

#[test]
fn a_record_of_a_gigabyte() {
    check("long.warc", "body-cut", |out| {
        record(out, HTML, b"<p>long</p>", 1 << 30);
        last(out);
    });
}

#[test]
fn a_header_of_ten_megabytes() {
    check("header.warc", "bad-http", |out| {
        let head = [
            b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec(),
            vec![b'x'; 10 << 20],
            b"\r\n\r\n".to_vec(),
        ]
        .concat();
        record(out, &head, b"<a href=x>", 1000);
        last(out);
    });
}

#[test]
fn a_page_of_a_hundred_megabytes_of_links() {
    check("links.warc", "body-cut", |out| {
        record(out, HTML, b"<a href=x>", 100 << 20);
        last(out);
    });
}

/// A capture is held whole, whatever `--memory` says: 100 bytes or so for each link, beside the page.
#[test]
fn a_page_with_a_million_backlinks() {
    const LINKS: u64 = 1_000_000;
    let directory = tempfile::tempdir().unwrap();
    let (file, index) = (
        directory.path().join("million.warc"),
        directory.path().join("index"),
    );
    let mut body = HTML.to_vec();
    for at in 0..LINKS {
        // Ten to each site, with anchors of their own.
        write!(body, "<a href=//t{}.com/>{at:x}</a>", at % 100_000).unwrap();
    }
    let mut out = BufWriter::new(File::create(&file).unwrap());
    record(&mut out, &body, b" ", 0);
    last(&mut out);
    out.flush().unwrap();
    let (summary, peak) = ingest(&file, &index, &["--body-max", "64M"]);
    assert_eq!(summary["in_segments"]["backlinks"], LINKS + 1, "{summary}");
    assert!(peak > 0 && peak < 2 * PEAK_BYTES_MAX, "{} MiB", peak >> 20);
    let index = index.to_str().unwrap();
    let ask = [
        "anchors", "t777.com", "--mode", "domain", "--output", "json",
    ];
    let report = support::stdout([&ask[..], &["--index", index]].concat());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["stats"]["backlinks"], 10);
    let anchors: Vec<&str> = report["anchors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["anchor"].as_str().unwrap())
        .collect();
    let mut expected: Vec<String> = (0..10)
        .map(|n| format!("{:x}", 777 + n * 100_000))
        .collect();
    expected.sort();
    assert_eq!(anchors, expected);
}
