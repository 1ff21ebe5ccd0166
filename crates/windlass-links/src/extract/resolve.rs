//! From references as written to canonical URLs (R4), and where they lead (R11).

use std::collections::HashMap;
use std::sync::Arc;

use encoding_rs::Encoding;
use url::Url;

use crate::domain::PublicSuffixList;
use crate::reference;
use crate::url::{CanonicalUrl, URL_LENGTH_MAX, UrlError};

/// How many hosts are remembered with their registrable domains.
const HOSTS_MAX: usize = 1 << 16;

/// Registrable domains of hosts, remembered.
#[derive(Debug)]
pub(super) struct Domains {
    list: Arc<PublicSuffixList>,
    known: HashMap<String, u32>,
}

impl Domains {
    pub(super) fn new(list: Arc<PublicSuffixList>) -> Self {
        Self {
            list,
            known: HashMap::new(),
        }
    }

    /// The registrable domain of a canonical host (R7), borrowed from it.
    pub(super) fn of<'a>(&mut self, host: &'a str) -> &'a str {
        let start = match self.known.get(host) {
            Some(start) => *start,
            None => {
                if self.known.len() >= HOSTS_MAX {
                    self.known.clear();
                }
                // A registrable domain is a suffix of its host, which is at most a URL long.
                let start = (host.len() - self.list.registrable_domain(host).len()) as u64 as u32;
                self.known.insert(host.to_owned(), start);
                start
            }
        };
        host.get(start as usize..).unwrap_or(host)
    }
}

/// Bytes that one byte of a reference can become: a character that the document's encoding lacks is
/// written as a decimal character reference, percent-encoded.
const LONGEST_ENCODING: usize = 16;

/// Resolves the references of one document.
pub(super) struct Resolver {
    base: Url,
    encoding: &'static Encoding,
}

impl Resolver {
    /// `base` is the document's first `base href`, as written (R4).
    pub(super) fn new(
        page: &CanonicalUrl,
        base: Option<&str>,
        encoding: &'static Encoding,
    ) -> Result<Self, UrlError> {
        let page = Url::parse(page.as_str())?;
        let base = base
            .and_then(|href| reference::parse(href, Some(&page), encoding).ok())
            .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
            .unwrap_or(page);
        Ok(Self { base, encoding })
    }

    /// The host that references which [stay on it](Self::stays) lead to.
    pub(super) fn host(&self) -> Option<&str> {
        // Without a host, or where paths are opaque, nothing is known without parsing.
        self.base
            .host_str()
            .filter(|_| matches!(self.base.scheme(), "http" | "https"))
    }

    /// Whether a reference surely resolves, and to the host of the base: it has no scheme and no
    /// authority, and is short enough whatever its characters become. `false` says nothing. O(length),
    /// where parsing costs a hundred times more.
    pub(super) fn stays(&self, href: &str) -> bool {
        let bytes = href.as_bytes();
        // A caret of the base takes three bytes.
        let longest = 3 * self.base.as_str().len() + LONGEST_ENCODING * bytes.len();
        let is_path = match bytes {
            [b'\\', ..] | [b'/', b'/' | b'\\', ..] => false,
            [b'/' | b'?' | b'#', ..] => true,
            // Before the first slash, a colon could end a scheme.
            _ => !bytes.contains(&b':'),
        };
        // The parser drops tabs and line ends, wherever they are.
        is_path && longest <= URL_LENGTH_MAX && bytes.iter().all(|b| *b > b' ')
    }

    pub(super) fn resolve(&self, href: &str) -> Result<CanonicalUrl, UrlError> {
        CanonicalUrl::from_url(reference::parse(href, Some(&self.base), self.encoding)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn r4_what_stays_is_what_the_parser_says(
            href in prop_oneof![".{0,12}", "[a-c:/?#@\\\\. \t\n\u{e9}]{0,8}"],
            base in prop::sample::select(vec!["http://b.example/d/e?f", "https://b.example:81/", "mailto:x", "/up"]),
        ) {
            let page = CanonicalUrl::parse("http://page.example/x").unwrap();
            let resolver = Resolver::new(&page, Some(base), encoding_rs::WINDOWS_1251).unwrap();
            if let Some(host) = resolver.host() && resolver.stays(&href) {
                let target = resolver.resolve(&href);
                prop_assert_eq!(target.as_ref().map(CanonicalUrl::host), Ok(host), "{:?}", href);
            }
        }
    }
}
