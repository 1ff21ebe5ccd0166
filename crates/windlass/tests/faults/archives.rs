//! Four small crawls of the same sites: links come, change and go, pages vanish; and a large page in two halves.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The list of the test indexes: short, so that every byte of it can be damaged.
pub const PUBLIC_SUFFIX_LIST: &str = "// VERSION: of-the-tests
// ===BEGIN ICANN DOMAINS===
com
net
org
// ===END ICANN DOMAINS===
// ===BEGIN PRIVATE DOMAINS===
pages.net
// ===END PRIVATE DOMAINS===
";

/// How many crawls there are.
pub const CRAWLS: usize = 4;

/// How many links each of two pages has to one site: more than the 32,768 from which on reports are made ready have
/// both, and neither alone.
pub const HALF: usize = 17_000;

/// Writes the crawls as WARC files, and the list; all of them in `directory`.
pub fn write(directory: &Path) -> (Vec<PathBuf>, PathBuf) {
    let list = directory.join("list.dat");
    fs::write(&list, PUBLIC_SUFFIX_LIST).unwrap();
    ((0..CRAWLS).map(|n| crawl(directory, n)).collect(), list)
}

/// Writes two files of one page each that have [`HALF`] links to `target.org`.
pub fn write_halves(directory: &Path) -> Vec<PathBuf> {
    let half = |half: usize| {
        let path = directory.join(format!("half-{half}.warc"));
        let mut body = String::new();
        for at in 0..HALF {
            let _ = write!(body, "<a href=//target.org/{}>{at}</a>", at % 5);
        }
        let url = format!("http://half{half}.net/");
        let mut out = File::create(&path).unwrap();
        response(&mut out, (&url, "2021-02-01T00:00:00Z"), "200 OK", &body);
        path
    };
    (0..2).map(half).collect()
}

/// Writes a record.
fn response(out: &mut File, (url, date): (&str, &str), status: &str, body: &str) {
    let message = format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\n\r\n{body}");
    write!(
        out,
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n\
         WARC-Date: {date}\r\n\
         Content-Type: application/http; msgtype=response\r\n\
         Content-Length: {}\r\n\r\n{message}\r\n\r\n",
        message.len()
    )
    .unwrap();
}

/// Crawl `n` sees the pages `2n..2n+8`, so that two crawls have pages in common.
fn crawl(directory: &Path, n: usize) -> PathBuf {
    let path = directory.join(format!("crawl-{n}.warc"));
    let mut out = File::create(&path).unwrap();
    for page in 2 * n..2 * n + 8 {
        let url = format!("http://site{}.com/page{page}", page % 5);
        let (status, body) = match (page + n) % 7 {
            6 => ("404 Not Found", String::new()),
            _ => ("200 OK", body(page, n)),
        };
        let date = format!("202{n}-03-0{}T00:00:00Z", page % 9 + 1);
        response(&mut out, (&url, &date), status, &body);
    }
    path
}

fn body(page: usize, n: usize) -> String {
    format!(
        "<title>Page {page}</title><a href=/page{page}>internal</a>\
         <a href=http://target.org/>home</a>\
         <a href=http://target.org/{}>Chapter {}</a>\
         <a href=http://www.target.org/a rel=nofollow>as of {n}</a>\
         <a href=https://alice.pages.net/{page}>Alice</a>\
         <link rel=canonical href=http://target.org/canonical/{page}>",
        page % 3,
        (page + n) % 4,
    )
}
