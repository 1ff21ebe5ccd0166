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
/// Longer hosts, in bytes, are in no DNS (RFC 1035, 2.3.4): they are not remembered, so that what is stays
/// small.
const HOST_LENGTH_MAX: usize = 253;

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
            None if host.len() > HOST_LENGTH_MAX => {
                return self.list.registrable_domain(host);
            }
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
    /// What of the document's base [`reach`](Self::reach) leaves; the rest, and the fragment, is no part
    /// of any target.
    base: Url,
    /// The most of the base that is short enough to be part of a target (R4). A reference that takes more
    /// is not resolved against the whole: each would copy the base, and a page has room for a base of
    /// megabytes and a million references.
    reach: LeansOn,
    /// The directories of a base that has too long ones.
    directories: Directories,
    encoding: &'static Encoding,
}

/// The directories of a path that is too long to be part of a target, as far as they could be.
#[derive(Debug, Default)]
struct Directories {
    /// The beginning of the path.
    path: String,
    /// How long the path is to the end of each directory, `/` first.
    ends: Vec<usize>,
    /// How many there are, those included that the beginning lacks.
    number: usize,
}

impl Directories {
    fn of(path: &str) -> Self {
        let slashes = || memchr::memchr_iter(b'/', path.as_bytes());
        let ends: Vec<usize> = slashes()
            .map(|at| at + 1)
            .take_while(|end| *end <= URL_LENGTH_MAX)
            .collect();
        let length = ends.last().copied().unwrap_or_default();
        Self {
            path: path.get(..length).unwrap_or_default().to_owned(),
            ends,
            number: slashes().count(),
        }
    }

    /// A short path to resolve a relative one against that leaves so many directories, with what the whole
    /// path would give. `None` where that would be too long.
    fn without(&self, left: usize) -> Option<String> {
        // `/` cannot be left.
        let left = left.min(self.number.checked_sub(1)?);
        let end = *self.ends.get(self.number - left - 1)?;
        let mut path = self.path.get(..end)?.to_owned();
        path.push_str(&"d/".repeat(left));
        Some(path)
    }
}

/// How much of its base a reference takes over; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LeansOn {
    /// `//host/x`, `https://host/x`.
    Scheme,
    /// `/x`.
    Host,
    /// `x`, `../x`.
    Directory,
    /// `?x`.
    Path,
    /// `#x`, or nothing.
    Query,
}

impl LeansOn {
    /// What a cleaned reference takes over from an `http` or `https` base, and the reference without the
    /// base's scheme.
    fn of<'r>(reference: &'r str, base: &Url) -> (Self, &'r str) {
        let scheme = reference
            .split_once(':')
            .map(|(scheme, _)| scheme)
            .filter(|scheme| reference::is_scheme(scheme));
        let rest = match scheme {
            // The base's own scheme may stand before a relative reference.
            Some(scheme) if scheme.eq_ignore_ascii_case(base.scheme()) => {
                reference.get(scheme.len() + 1..).unwrap_or_default()
            }
            Some(_) => return (Self::Scheme, reference),
            None => reference,
        };
        let leans_on = match rest.as_bytes() {
            [b'/' | b'\\', b'/' | b'\\', ..] => Self::Scheme,
            [b'/' | b'\\', ..] => Self::Host,
            [b'?', ..] => Self::Path,
            [] | [b'#', ..] => Self::Query,
            _ => Self::Directory,
        };
        (leans_on, rest)
    }
}

/// Drops from a base what is too long to be part of a target, and tells what is left of it.
fn shortened(mut base: Url) -> (Url, LeansOn, Directories) {
    let none = Directories::default();
    base.set_fragment(None);
    if base.as_str().len() <= URL_LENGTH_MAX {
        return (base, LeansOn::Query, none);
    }
    if !matches!(base.scheme(), "http" | "https") {
        // Whatever leans on it is no target, and counted by its scheme.
        let end = if base.cannot_be_a_base() { "" } else { "//h/" };
        let short = Url::parse(&format!("{}:{end}", base.scheme()));
        return (short.unwrap_or(base), LeansOn::Query, none);
    }
    // Targets have no user-info; an http URL can lose it.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    let is_short = |url: &Url| url.as_str().len() <= URL_LENGTH_MAX;
    if is_short(&base) {
        return (base, LeansOn::Query, none);
    }
    base.set_query(None);
    if is_short(&base) {
        return (base, LeansOn::Path, none);
    }
    let directory = base.path().rsplit_once('/').map(|(d, _)| format!("{d}/"));
    base.set_path(&directory.unwrap_or_default());
    if is_short(&base) {
        return (base, LeansOn::Directory, none);
    }
    let directories = Directories::of(base.path());
    base.set_path("");
    if is_short(&base) {
        return (base, LeansOn::Host, directories);
    }
    let short = Url::parse(&format!("{}://h/", base.scheme()));
    (short.unwrap_or(base), LeansOn::Scheme, none)
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
        let (base, reach, directories) = shortened(base);
        Ok(Self {
            base,
            reach,
            directories,
            encoding,
        })
    }

    /// The host that references which [stay on it](Self::stays) lead to.
    pub(super) fn host(&self) -> Option<&str> {
        // Without a host, or where paths are opaque or the base is not whole, nothing is known without
        // parsing.
        let is_known =
            matches!(self.base.scheme(), "http" | "https") && self.reach == LeansOn::Query;
        self.base.host_str().filter(|_| is_known)
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
        if self.reach < LeansOn::Query {
            let cleaned = reference::cleaned(href);
            let (leans_on, path) = LeansOn::of(&cleaned, &self.base);
            if leans_on == LeansOn::Directory && self.reach == LeansOn::Host {
                let left = reference::directories_left(path);
                let directory = self.directories.without(left).ok_or(UrlError::TooLong)?;
                let mut base = self.base.clone();
                base.set_path(&directory);
                return self.resolve_against(href, &base);
            }
            if leans_on > self.reach {
                return Err(UrlError::TooLong);
            }
        }
        self.resolve_against(href, &self.base)
    }

    fn resolve_against(&self, href: &str, base: &Url) -> Result<CanonicalUrl, UrlError> {
        CanonicalUrl::from_url(reference::parse(href, Some(base), self.encoding)?)
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

    /// What becomes of a reference: its target, or the number that it is counted in.
    fn fate(target: Result<CanonicalUrl, UrlError>) -> Result<String, bool> {
        target
            .map(|url| url.to_string())
            .map_err(|error| error == UrlError::Scheme)
    }

    #[test]
    fn r4_a_long_base_resolves_what_it_can() {
        let page = CanonicalUrl::parse("http://page.example/x").unwrap();
        let long = "l".repeat(URL_LENGTH_MAX);
        for (base, resolved) in [
            (format!("http://b.example/d/e?q#{long}"), 22),
            (format!("http://{long}@b.example/d/e?q"), 22),
            (format!("http://b.example/d/e?{long}"), 19),
            (format!("http://b.example/d/{long}?q"), 18),
            (format!("http://b.example/{long}/e"), 14),
            (format!("http://b.example/a/b/{long}/c/e"), 12),
            (
                format!("http://b.example/{}", "l/".repeat(URL_LENGTH_MAX)),
                7,
            ),
            (format!("http://{long}.example/d/e"), 4),
            (format!("ftp://b.example/{long}"), 6),
            (format!("mailto:{long}"), 6),
        ] {
            let whole = Url::parse(&base).unwrap();
            let resolver = Resolver::new(&page, Some(&base), encoding_rs::UTF_8).unwrap();
            let mut targets = 0;
            for href in [
                "",
                "#f",
                "?x",
                "x",
                "./x/../y",
                " \t",
                "/x",
                "\\x",
                "http:/x",
                "http:x",
                "../x",
                "..",
                "../..//..\\./?q",
                "http:../../.%2E/../x",
                "x/../../..",
                "../y/z/../../../../w#/..",
                "\t.\n./\r../C:/../../x/",
                "//h.example/x",
                "http:\\/h.example",
                "https:h.example",
                "HTTPS://h.example/x",
                "mailto:x",
                "1:x",
            ] {
                let target = resolver.resolve(href);
                let expected = reference::parse(href, Some(&whole), encoding_rs::UTF_8)
                    .map_err(UrlError::from)
                    .and_then(CanonicalUrl::from_url);
                assert_eq!(fate(target.clone()), fate(expected), "{href:?} {whole:.40}");
                targets += usize::from(target.is_ok());
                if let (Some(host), Ok(target)) = (resolver.host(), target)
                    && resolver.stays(href)
                {
                    assert_eq!(target.host(), host, "{href:?}");
                }
            }
            assert_eq!(targets, resolved, "{whole:.40}");
        }
    }

    #[test]
    fn long_hosts_are_not_remembered() {
        let mut domains = Domains::new(Arc::new(PublicSuffixList::bundled()));
        let long = format!("{}.b.example.com", "l".repeat(HOST_LENGTH_MAX));
        assert_eq!(domains.of(&long), "example.com");
        assert_eq!(domains.of("a.example.com"), "example.com");
        assert_eq!(domains.known.len(), 1);
    }
}
