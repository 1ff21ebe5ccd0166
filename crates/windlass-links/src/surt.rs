//! Sort keys (R6): the one order that pages, target URLs and sites share.
//!
//! A SURT is written `com,example,www)/path?query https`: host labels reversed, path and query, the
//! scheme last. The key that is stored and compared is that text with three bytes in place of the
//! punctuation, because `,`, `)` and everything between them may occur in a host label or a path:
//!
//! ```text
//! label 02 label 02 … label 01 path?query 20 [':' port 20] scheme
//! ```
//!
//! `01 < 02 <` every byte of a host keeps a host directly before the hosts below it, so that each
//! target mode (R16) is one contiguous range; `20` (space) is lower than every byte of a serialised
//! URL, so that a URL sorts directly before those that continue it, with its schemes and ports
//! together. An IP address is one label, not reversed.

use std::fmt;

use crate::url::CanonicalUrl;

const HOST_END: u8 = 0x01;
const LABEL_END: u8 = 0x02;
const TAIL: u8 = b' ';

/// The sort key of a URL (R6). Ordering is byte order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Surt(Vec<u8>);

impl Surt {
    /// The key of a URL.
    #[must_use]
    pub fn of(url: &CanonicalUrl) -> Self {
        let mut key = Vec::with_capacity(url.as_str().len() + 2);
        Self::write(url, &mut key);
        Self(key)
    }

    /// Appends the key of a URL to `key`.
    pub fn write(url: &CanonicalUrl, key: &mut Vec<u8>) {
        write_host_key(url.host(), key);
        key.push(HOST_END);
        key.extend_from_slice(url.path_and_query().as_bytes());
        key.push(TAIL);
        if let Some(port) = url.port() {
            key.extend_from_slice(format!(":{port} ").as_bytes());
        }
        key.extend_from_slice(url.scheme().as_bytes());
    }

    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Shown in the usual notation: `com,example)/path https`.
impl fmt::Debug for Surt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = String::from_utf8_lossy(&self.0)
            .chars()
            .map(|c| match c {
                '\u{1}' => ')',
                '\u{2}' => ',',
                other => other,
            })
            .collect();
        f.write_str(&text)
    }
}

/// Appends the key of a host: its labels reversed, each but the last ended by `02`.
pub fn write_host_key(host: &str, key: &mut Vec<u8>) {
    if is_ip(host) {
        key.extend_from_slice(host.as_bytes());
        return;
    }
    let host = host.as_bytes();
    let mut end = host.len();
    // Byte by byte: labels are so short that searching for what is between them takes longer.
    for (at, byte) in host.iter().enumerate().rev() {
        if *byte == b'.' {
            key.extend_from_slice(host.get(at + 1..end).unwrap_or_default());
            key.push(LABEL_END);
            end = at;
        }
    }
    key.extend_from_slice(host.get(..end).unwrap_or_default());
}

/// The key of a host: its labels reversed, each but the last ended by `02`.
#[must_use]
pub fn host_key(host: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(host.len());
    write_host_key(host, &mut key);
    key
}

/// What stands for the host in the bytes of a [`Surt`]: its [`host_key`].
#[must_use]
pub fn host_part(surt: &[u8]) -> &[u8] {
    let end = memchr::memchr(HOST_END, surt).unwrap_or(surt.len());
    surt.get(..end).unwrap_or(surt)
}

/// The host whose [`host_key`] this is.
#[must_use]
pub fn host_of_key(key: &[u8]) -> String {
    let labels: Vec<_> = key
        .rsplit(|b| *b == LABEL_END)
        .map(String::from_utf8_lossy)
        .collect();
    labels.join(".")
}

/// Whether a canonical host is an IP address. The URL parser turns every host that ends in a number
/// into an IPv4 address or an error, so a last label of digits is proof enough.
#[must_use]
pub fn is_ip(host: &str) -> bool {
    host.starts_with('[')
        || host
            .as_bytes()
            .rsplit(|b| *b == b'.')
            .next()
            .is_some_and(|label| !label.is_empty() && label.iter().all(u8::is_ascii_digit))
}

/// The URL that a key was made of, or `None` where the bytes are no key.
#[must_use]
pub fn url_of_key(key: &[u8]) -> Option<String> {
    let host = host_part(key);
    let rest = key.get(host.len() + 1..)?;
    let host = host_of_key(host);
    let path_end = memchr::memchr(TAIL, rest)?;
    let path = std::str::from_utf8(rest.get(..path_end)?).ok()?;
    let tail = std::str::from_utf8(rest.get(path_end + 1..)?).ok()?;
    let (port, scheme) = match tail.rsplit_once(' ') {
        Some((port, scheme)) => (port, scheme),
        None => ("", tail),
    };
    Some(format!("{scheme}://{host}{port}{path}"))
}

/// A contiguous range of keys, `start` inclusive, `end` exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// First key in the range.
    pub start: Vec<u8>,
    /// First key behind it.
    pub end: Vec<u8>,
}

impl KeyRange {
    /// All keys that start with `prefix`, which must not end in `FF`.
    fn starting_with(prefix: Vec<u8>) -> Self {
        let mut end = prefix.clone();
        if let Some(last) = end.last_mut() {
            *last = last.saturating_add(1);
        }
        Self { start: prefix, end }
    }

    /// The URL with this host, path and query, under both schemes and any port.
    #[must_use]
    pub fn exact(host: &str, path_and_query: &str) -> Self {
        let mut key = host_key(host);
        key.push(HOST_END);
        key.extend_from_slice(path_and_query.as_bytes());
        key.push(TAIL);
        Self::starting_with(key)
    }

    /// The URLs of this host whose path and query start with the given ones.
    #[must_use]
    pub fn prefix(host: &str, path_and_query: &str) -> Self {
        let mut key = host_key(host);
        key.push(HOST_END);
        key.extend_from_slice(path_and_query.as_bytes());
        Self::starting_with(key)
    }

    /// The URLs of exactly this host.
    #[must_use]
    pub fn host(host: &str) -> Self {
        let mut key = host_key(host);
        key.push(HOST_END);
        Self::starting_with(key)
    }

    /// The URLs of this host and of every host below it.
    #[must_use]
    pub fn subdomains(host: &str) -> Self {
        let mut start = host_key(host);
        let mut end = start.clone();
        start.push(HOST_END);
        end.push(LABEL_END + 1);
        Self { start, end }
    }

    /// Whether the range holds the key.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start.as_slice() <= key && key < self.end.as_slice()
    }
}

/// Whether a key carries this port (`None`: the scheme's own).
#[must_use]
pub fn key_has_port(key: &[u8], port: Option<u16>) -> bool {
    let rest = key.get(host_part(key).len()..).unwrap_or_default();
    let Some(tail) = memchr::memchr(TAIL, rest).and_then(|at| rest.get(at + 1..)) else {
        return false;
    };
    match port {
        None => !tail.starts_with(b":"),
        Some(port) => tail.starts_with(format!(":{port} ").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Surt {
        Surt::of(&CanonicalUrl::parse(text).unwrap())
    }

    #[test]
    fn r6_surt() {
        assert_eq!(
            format!("{:?}", key("https://www.example.com/a?b")),
            "com,example,www)/a?b https"
        );
        assert_eq!(
            format!("{:?}", key("http://127.0.0.1:81/")),
            "127.0.0.1)/ :81 http"
        );
        for text in [
            "https://www.example.com/a?b",
            "http://127.0.0.1:81/",
            "http://[::1]/x",
            "http://a.b.example.:9/?",
        ] {
            assert_eq!(url_of_key(key(text).as_bytes()).as_deref(), Some(text));
        }
    }

    #[test]
    fn r6_modes_are_ranges_even_for_hosts_with_punctuation() {
        let subdomains = KeyRange::subdomains("example.com");
        let host = KeyRange::host("example.com");
        for (text, below, on) in [
            ("http://example.com/", true, true),
            ("https://example.com:81/z", true, true),
            ("http://a.example.com/", true, false),
            ("http://a-b.example.com/", true, false),
            ("http://example-a.com/", false, false),
            ("http://example*.com/", false, false),
            ("http://a,example.com/", false, false),
            ("http://notexample.com/", false, false),
            ("http://com/", false, false),
        ] {
            assert_eq!(subdomains.contains(key(text).as_bytes()), below, "{text}");
            assert_eq!(host.contains(key(text).as_bytes()), on, "{text}");
        }
    }
}
