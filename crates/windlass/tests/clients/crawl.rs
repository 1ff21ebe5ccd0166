//! A crawl in which each of the recorded requests finds something, and in which anchors of
//! `hostile.example` are what formats trip over.

use std::fmt::Write;
use std::path::Path;

/// A time that all recorded conditions on dates allow.
const TIME: &str = "2018-06-01T00:00:00Z";

const HOSTILE: &[&str] = &[
    "=1+1",
    "-2",
    "@sum(a1)",
    "＝1",
    "a;=cmd|' /c calc'!a0",
    "\"=1\"",
    "]]><!--&amp;",
    "\u{202e}\u{200b}=1",
    "\u{fffe}\u{ffff}",
    "s:3:\"abc\";}",
    "a, \"b\"\\",
    "😀 日本 e\u{301}",
];

/// Writes it as a WARC file.
pub(crate) fn write(path: &Path) {
    let mut quoted = String::new();
    for i in 0..9 {
        for word in ["x", "ü"] {
            let link = "<a href='http://ahrefs.com/'>It's &quot;q&quot; \\";
            writeln!(quoted, "{link} {word} {i}</a>").unwrap();
        }
    }
    let mut many = String::new();
    for i in 0..11 {
        writeln!(
            many,
            "<a href='http://ahrefs.com/blog/{i}'>Best SEO tools</a>"
        )
        .unwrap();
    }
    let mut hostile = String::new();
    for anchor in HOSTILE {
        let references: String = anchor
            .chars()
            .map(|c| format!("&#{};", u32::from(c)))
            .collect();
        writeln!(
            hostile,
            "<a href='http://hostile.example/'>{references}</a>"
        )
        .unwrap();
    }
    let pages = [
        ("http://three.example/", &hostile),
        ("http://foo.blogspot.com/", &quoted),
        ("http://one.example/", &many),
        ("http://two.example/", &many),
    ];
    let mut warc = String::new();
    for (url, links) in pages {
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>{links}</body></html>"
        );
        write!(
            warc,
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: {TIME}\r\n\
             WARC-Record-ID: <urn:{url}>\r\nContent-Type: application/http; msgtype=response\r\n\
             Content-Length: {}\r\n\r\n{response}\r\n\r\n",
            response.len()
        )
        .unwrap();
    }
    std::fs::write(path, warc).unwrap();
}
