//! Canonical URLs (R4, R5).

use std::fmt;

use encoding_rs::UTF_8;
use url::Url;

use crate::reference;

/// Longest serialisation that is indexed, in bytes (R4).
pub const URL_LENGTH_MAX: usize = 8192;

/// Why a URL is not indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The WHATWG parser refuses it.
    #[error("not a URL: {0}")]
    Parse(#[from] url::ParseError),
    /// `mailto:`, `javascript:`, `ftp:`…
    #[error("scheme is neither http nor https")]
    Scheme,
    /// Longer than [`URL_LENGTH_MAX`].
    #[error("longer than {URL_LENGTH_MAX} bytes")]
    TooLong,
}

/// An `http` or `https` URL as Windlass identifies it (R4, R5): WHATWG-parsed and serialised, host in
/// ASCII lower case, without default port, user-info and fragment, at most [`URL_LENGTH_MAX`] bytes.
///
/// Equality is equality of the serialisation: scheme, `www.` and a trailing slash all count (R5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalUrl {
    text: String,
    host: (u32, u32),
    port: Option<u16>,
}

impl CanonicalUrl {
    /// Parses an absolute URL.
    ///
    /// # Errors
    /// [`UrlError`] where it is no absolute `http(s)` URL, or too long.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        Self::from_url(reference::parse(text, None, UTF_8)?)
    }

    /// Canonicalises a URL that is parsed already.
    ///
    /// # Errors
    /// [`UrlError`] where it is no `http(s)` URL, or too long.
    pub fn from_url(mut url: Url) -> Result<Self, UrlError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme);
        }
        if url.fragment().is_some() {
            url.set_fragment(None);
        }
        if !url.username().is_empty() || url.password().is_some() {
            // Cannot fail: the URL has a host, for its scheme is special.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        let port = url.port();
        let start = url.scheme().len() + 3;
        let length = url.host_str().map_or(0, str::len);
        let text = with_encoded_carets(String::from(url));
        if text.len() > URL_LENGTH_MAX {
            return Err(UrlError::TooLong);
        }
        // Both fit: the text is at most URL_LENGTH_MAX long.
        #[expect(clippy::cast_possible_truncation)]
        let host = (start as u32, (start + length) as u32);
        Ok(Self { text, host, port })
    }

    /// Puts a URL together from a host and a path that are plain: text that the parser would leave as
    /// it is, whatever stands around it. `None` where they are not, or the URL is too long. Costs a
    /// look at each byte in place of a parse; equal to what [`parse`](Self::parse) makes of it.
    ///
    /// Plain is a host of lower-case labels of letters, digits and single hyphens within, the last of
    /// them letters alone, and a path of `/`, letters, digits, `-` and `_`, which starts with `/`.
    #[must_use]
    pub fn from_plain(is_https: bool, host: &str, path: &str) -> Option<Self> {
        if !is_plain_host(host) || !is_plain_path(path) {
            return None;
        }
        let scheme = if is_https { "https://" } else { "http://" };
        let length = scheme.len() + host.len() + path.len();
        if length > URL_LENGTH_MAX {
            return None;
        }
        let mut text = String::with_capacity(length);
        text.push_str(scheme);
        text.push_str(host);
        text.push_str(path);
        let start = u32::try_from(scheme.len()).ok()?;
        let end = u32::try_from(scheme.len() + host.len()).ok()?;
        Some(Self {
            text,
            host: (start, end),
            port: None,
        })
    }

    /// The serialisation.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        if self.is_https() { "https" } else { "http" }
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.as_bytes().get(4) == Some(&b's')
    }

    /// The host in ASCII: a name, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text
            .get(self.host.0 as usize..self.host.1 as usize)
            .unwrap_or_default()
    }

    /// The port, where it is not the scheme's own.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Path and query: starts with `/`.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        let rest = self.text.get(self.host.1 as usize..).unwrap_or_default();
        rest.find('/')
            .and_then(|slash| rest.get(slash..))
            .unwrap_or("/")
    }
}

impl fmt::Display for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Percent-encodes `^` in the path, as the URL standard does since 2024. It may stand in queries, and can
/// stand nowhere else here.
fn with_encoded_carets(text: String) -> String {
    if memchr::memchr(b'^', text.as_bytes()).is_none() {
        return text;
    }
    let (path, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    path.replace('^', "%5E") + query
}

/// The longest host that is plain, in bytes: what DNS has room for (RFC 1035, 2.3.4). The parser lets longer
/// ones through.
const HOST_LENGTH_MAX: usize = 253;
/// The longest label of a plain host, in bytes.
const LABEL_LENGTH_MAX: usize = 63;

/// Without two hyphens in a row there is no punycode; with letters at its end it is no address.
fn is_plain_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_LENGTH_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.contains("--")
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= HOST_LENGTH_MAX
        && host.split('.').all(is_label)
        && last.bytes().all(|b| b.is_ascii_lowercase())
}

/// Without dots there are no dot segments.
fn is_plain_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_parts_make_what_the_parser_makes(
            is_https: bool,
            host in "[a-zA-Z0-9.-]{0,3}([a-z0-9-]{1,5}\\.){0,3}[a-z0-9]{1,4}",
            path in "/?[a-z0-9/_.%-]{0,8}",
        ) {
            if let Some(plain) = CanonicalUrl::from_plain(is_https, &host, &path) {
                let scheme = if is_https { "https" } else { "http" };
                let parsed = CanonicalUrl::parse(&format!("{scheme}://{host}{path}"));
                prop_assert_eq!(Ok(plain), parsed);
            }
        }
    }

    #[test]
    fn what_is_plain() {
        for (host, path, is_plain) in [
            ("www.example.com", "/a-b/c_1", true),
            ("localhost", "/", true),
            ("1.2.3.4", "/", false),
            ("0x7f.1", "/", false),
            ("xn--bcher-kva.example", "/", false),
            ("Example.com", "/", false),
            ("example.com.", "/", false),
            ("", "/", false),
            ("example.com", "", false),
            ("example.com", "/../a", false),
            ("example.com", "/a?b", false),
            ("example.com", "/%41", false),
        ] {
            assert_eq!(
                CanonicalUrl::from_plain(true, host, path).is_some(),
                is_plain,
                "{host}{path}"
            );
        }
        let path = format!("/{}", "x".repeat(URL_LENGTH_MAX));
        assert_eq!(CanonicalUrl::from_plain(true, "a.example", &path), None);
    }

    fn canonical(text: &str) -> String {
        CanonicalUrl::parse(text).unwrap().to_string()
    }

    #[test]
    fn r4_parsing() {
        assert_eq!(
            canonical("HTTP://User:Pw@EXAMPLE.com:80/a/../b/./c?x=%zz&y=1#f"),
            "http://example.com/b/c?x=%zz&y=1"
        );
        assert_eq!(
            canonical("https://bücher.example"),
            "https://xn--bcher-kva.example/"
        );
        assert_eq!(
            canonical("https://example.com:8443"),
            "https://example.com:8443/"
        );
        assert_eq!(
            canonical("http://u^@example.com/a^b/^?^"),
            canonical("http://example.com/a%5Eb/%5E?^")
        );
        assert_eq!(
            canonical("http://example.com/C:/../y"),
            "http://example.com/y"
        );
        assert_eq!(
            CanonicalUrl::parse("ftp://example.com/").unwrap_err(),
            UrlError::Scheme
        );
        assert_eq!(
            CanonicalUrl::parse(&format!("http://a.example/{}", "x".repeat(8192))).unwrap_err(),
            UrlError::TooLong
        );
    }

    #[test]
    fn parts() {
        let url = CanonicalUrl::parse("https://[::1]:81/p?q").unwrap();
        assert_eq!(
            (url.scheme(), url.host(), url.port(), url.path_and_query()),
            ("https", "[::1]", Some(81), "/p?q")
        );
        let url = CanonicalUrl::parse("http://a.example?q").unwrap();
        assert_eq!(
            (url.scheme(), url.host(), url.port(), url.path_and_query()),
            ("http", "a.example", None, "/?q")
        );
    }
}
