//! Archives with a few records, written by hand.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A WARC file in the making.
#[derive(Default)]
pub(crate) struct Warc {
    text: String,
    records: usize,
}

/// The first of June of a year.
fn date(year: u16) -> String {
    // The first second that there is.
    if year == 1970 {
        return "1970-01-01T00:00:00Z".to_owned();
    }
    format!("{year}-06-01T00:00:00Z")
}

/// A link.
pub(crate) fn a(target: &str, anchor: &str, attributes: &str) -> String {
    format!("<a href=\"{target}\" {attributes}>{anchor}</a>\n")
}

/// A document with a title, unless that is empty.
pub(crate) fn document(title: &str, links: &str) -> String {
    let title = match title {
        "" => String::new(),
        title => format!("<title>{title}</title>"),
    };
    format!("<html><head>{title}</head><body>{links}</body></html>")
}

impl Warc {
    fn record(&mut self, kind: &str, url: &str, year: u16, fields: &str, block: &str) {
        self.records += 1;
        write!(
            self.text,
            "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: {}\r\n\
             WARC-Record-ID: <urn:record:{}>\r\n{fields}Content-Length: {}\r\n\r\n{block}\r\n\r\n",
            date(year),
            self.records,
            block.len()
        )
        .unwrap();
    }

    /// An answer with a status, of HTML where nothing else is said.
    pub(crate) fn answer(&mut self, url: &str, year: u16, head: &str, body: &str) {
        let fields = "Content-Type: application/http; msgtype=response\r\n";
        let block = format!("HTTP/1.1 {head}\r\n\r\n{body}");
        self.record("response", url, year, fields, &block);
    }

    /// A document that was there.
    pub(crate) fn page(&mut self, url: &str, year: u16, body: &str) {
        let head = "200 OK\r\nContent-Type: text/html; charset=utf-8";
        self.answer(url, year, head, body);
    }

    /// A page that leads elsewhere.
    pub(crate) fn redirect(&mut self, url: &str, year: u16, status: u16, to: &str) {
        self.answer(url, year, &format!("{status} Moved\r\nLocation: {to}"), "");
    }

    /// A document without HTTP.
    pub(crate) fn resource(&mut self, url: &str, year: u16, body: &str) {
        self.record("resource", url, year, "Content-Type: text/html\r\n", body);
    }

    /// A revisit that refers to a year, or to no date.
    pub(crate) fn revisit(&mut self, url: &str, year: u16, of: Option<u16>) {
        let of = of.map_or_else(String::new, |of| {
            format!("WARC-Refers-To-Date: {}\r\n", date(of))
        });
        let fields = format!(
            "WARC-Profile: http://netpreserve.org/warc/1.1/revisit/identical-payload-digest\r\n\
             WARC-Refers-To-Target-URI: {url}\r\n{of}Content-Type: application/http\r\n"
        );
        self.record("revisit", url, year, &fields, "HTTP/1.1 200 OK\r\n\r\n");
    }

    pub(crate) fn write(&self, path: &Path) {
        fs::write(path, &self.text).unwrap();
    }
}
