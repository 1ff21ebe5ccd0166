//! From references as written to canonical URLs (R4), and where they lead (R11).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};
use url::Url;

use crate::domain::PublicSuffixList;
use crate::url::{CanonicalUrl, UrlError};

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
            .and_then(|href| Url::options().base_url(Some(&page)).parse(href).ok())
            .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
            .unwrap_or(page);
        Ok(Self {
            base,
            encoding: encoding.output_encoding(),
        })
    }

    pub(super) fn resolve(&self, href: &str) -> Result<CanonicalUrl, UrlError> {
        let options = Url::options().base_url(Some(&self.base));
        if self.encoding == UTF_8 || href.is_ascii() {
            return CanonicalUrl::from_url(options.parse(href)?);
        }
        let encode: &dyn Fn(&str) -> Cow<'_, [u8]> = &|text| self.encoding.encode(text).0;
        CanonicalUrl::from_url(options.encoding_override(Some(encode)).parse(href)?)
    }
}
