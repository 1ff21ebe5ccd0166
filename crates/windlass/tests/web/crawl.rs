//! A crawl whose anchors and addresses are what pages break on.

use std::fmt::Write;
use std::path::Path;

/// The site that all of them link to.
const TARGET: &str = "http://hostile.example/";

/// An anchor as long as a reader keeps one.
const LONG_BYTES: usize = 64 << 10;

const ANCHORS: &[&str] = &[
    "<script>document.title = 'run'</script>",
    "\"><img src=x onerror=\"document.title = 'run'\">",
    "' onmouseover='document.title = 1' x='",
    "</title></textarea></table></details><h1>broken out</h1>",
    "{{7*7}} ${7*7} {% raw %} <!-- --> ]]>",
    "invoice\u{202e}fdp.exe",
    "\u{2066}isolated\u{2067}turned",
    "zero\u{200b}width\u{200d}joined\u{feff}",
    "\u{202e}\u{202e}\u{200f}",
    "متجر إلكتروني https://example.com/ عربي",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "😀 👩‍👩‍👧 日本語",
    "=cmd|' /c calc'!a0",
    "javascript:document.title=1",
    "data-swap data-lazy=\"/\" hx-get=\"/\"",
];

/// Addresses of the target: some are no links to it at all, and none may become one that runs.
const ADDRESSES: &[&str] = &[
    "javascript:document.title=1//http://hostile.example/",
    "http://hostile.example/?q=<script>document.title='run'</script>",
    "http://hostile.example/'><b>/\"onclick=\"x",
    "http://hostile.example/%E2%80%AEfdp.exe",
    "http://hostile.example/path?next=javascript:alert(1)#frag",
    "data:text/html,<script>document.title=1</script>",
];

/// Characters as references, so that the page that has them is read as it is meant.
fn references(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        write!(out, "&#{};", u32::from(c)).unwrap();
        out
    })
}

/// Writes it as a WARC file: three pages that link, two of them on one site, one of them twice captured.
pub(crate) fn write(path: &Path) {
    let mut links = String::new();
    for anchor in ANCHORS {
        writeln!(links, "<a href='{TARGET}'>{}</a>", references(anchor)).unwrap();
    }
    let long: String = "long ".repeat(LONG_BYTES / 5);
    writeln!(links, "<a href='{TARGET}long'>{long}</a>").unwrap();
    let unbroken = "x".repeat(4000);
    writeln!(links, "<a href='{TARGET}long'>{unbroken}</a>").unwrap();
    writeln!(links, "<a href='{TARGET}image'><img src=x></a>").unwrap();
    for address in ADDRESSES {
        let address = references(address);
        writeln!(links, "<a rel='nofollow ugc' href='{address}'>address</a>").unwrap();
    }
    let pages = [
        ("http://one.example/<b>\"'&amp;/\u{202e}page", "2024-03-01"),
        ("http://one.example/second?<script>=1", "2024-03-01"),
        ("http://two.example/", "2024-03-02"),
        ("http://two.example/", "2024-06-02"),
    ];
    let mut warc = String::new();
    for (url, day) in pages {
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
             <html><title>&lt;script&gt;document.title='run'&lt;/script&gt;</title><body>{links}</body></html>"
        );
        write!(
            warc,
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: {day}T00:00:00Z\r\n\
             WARC-Record-ID: <urn:{day}>\r\nContent-Type: application/http; msgtype=response\r\n\
             Content-Length: {}\r\n\r\n{response}\r\n\r\n",
            response.len()
        )
        .unwrap();
    }
    std::fs::write(path, warc).unwrap();
}
