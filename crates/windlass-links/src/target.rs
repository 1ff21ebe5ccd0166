//! What a report is asked about: a target and a mode (R16).

use std::fmt;
use std::str::FromStr;

use crate::surt::{KeyRange, host_key, key_has_port};
use crate::url::{CanonicalUrl, UrlError};

/// How much around the target is meant (R16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// That URL.
    Exact,
    /// Every URL of that host whose path and query start with the target's.
    Prefix,
    /// Every URL on exactly that host.
    Domain,
    /// That host and every host below it.
    Subdomains,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Exact, Self::Prefix, Self::Domain, Self::Subdomains];

    /// The keyword.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Domain => "domain",
            Self::Subdomains => "subdomains",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no mode; allowed: exact, domain, subdomains, prefix")]
pub struct ModeError(String);

/// Keywords are case-insensitive.
impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| ModeError(text.chars().take(64).collect()))
    }
}

/// A text that is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is {cause}")]
pub struct TargetError {
    text: String,
    cause: Cause,
}

/// What is wrong with a text that is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Cause {
    #[error("neither a URL nor a host: {0}")]
    Parse(url::ParseError),
    #[error("neither a URL nor a host: {0}")]
    Url(UrlError),
    /// `*.example.com`, `*example.com/*`, `.example.com`.
    #[error(
        "no host: for a host and all below it, leave what is before its name away and take mode subdomains"
    )]
    HostPattern,
    /// `example.com/*`, `example.com/a*`.
    #[error(
        "a pattern: leave the '*' away, and take mode prefix for all that starts so, or domain or subdomains for \
         whole hosts; a URL that ends with '*' is asked for with its scheme"
    )]
    PathPattern,
}

impl From<UrlError> for Cause {
    fn from(error: UrlError) -> Self {
        match error {
            UrlError::Parse(error) => Self::Parse(error),
            error => Self::Url(error),
        }
    }
}

/// A canonicalised target (R4, R16).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    host: String,
    port: TargetPort,
    path_and_query: String,
    mode: Mode,
}

/// Which ports a target means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum TargetPort {
    /// It names none: any port.
    Any,
    /// It names one. A scheme's own port is stored as none.
    Named(u16),
}

impl Target {
    /// Reads a target: with or without scheme, in Unicode or punycode, percent-encoded or not.
    ///
    /// # Errors
    /// Where it is neither a URL nor a host, or a pattern such as `*.example.com`. With a scheme, a URL
    /// that looks like one is a URL.
    pub fn parse(text: &str, mode: Mode) -> Result<Self, TargetError> {
        let error = |cause: Cause| TargetError {
            text: text.chars().take(200).collect(),
            cause,
        };
        let trimmed = text.trim_matches(|c: char| c <= ' ');
        let (text_with_scheme, rest) = if let Some(rest) = behind_web_scheme(trimmed) {
            (trimmed.to_owned(), rest)
        } else if let Some(rest) = trimmed.strip_prefix("//") {
            (format!("http://{rest}"), rest)
        } else if has_scheme(trimmed) {
            return Err(error(Cause::Url(UrlError::Scheme)));
        } else {
            refuse_pattern(trimmed, mode).map_err(error)?;
            (format!("http://{trimmed}"), trimmed)
        };
        let url = CanonicalUrl::parse(&text_with_scheme).map_err(|cause| error(cause.into()))?;
        let port = match (url.port(), named_port(rest)) {
            (Some(port), _) | (None, Some(port)) => TargetPort::Named(port),
            (None, None) => TargetPort::Any,
        };
        Ok(Self {
            host: url.host().to_owned(),
            port,
            path_and_query: url.path_and_query().to_owned(),
            mode,
        })
    }

    /// The host in ASCII.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The key of the host (see [`host_key`]).
    #[must_use]
    pub fn host_key(&self) -> Vec<u8> {
        host_key(&self.host)
    }

    /// Path and query; starts with `/`.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The keys that can match: a URL matches if its key is in the range and
    /// [`has_port`](Self::has_port) says so.
    #[must_use]
    pub fn range(&self) -> KeyRange {
        match self.mode {
            Mode::Exact => KeyRange::exact(&self.host, &self.path_and_query),
            Mode::Prefix => KeyRange::prefix(&self.host, &self.path_and_query),
            Mode::Domain => KeyRange::host(&self.host),
            Mode::Subdomains => KeyRange::subdomains(&self.host),
        }
    }

    /// Whether the target names a port, so that the keys of the range must be checked.
    #[must_use]
    pub const fn names_port(&self) -> bool {
        matches!(self.port, TargetPort::Named(_))
    }

    /// Whether a key's port is the target's. A named default port (80, 443) means the URLs that
    /// carry none for that scheme, and those that carry it for the other.
    #[must_use]
    pub fn has_port(&self, key: &[u8]) -> bool {
        match self.port {
            TargetPort::Any => true,
            TargetPort::Named(port) => {
                key_has_port(key, Some(port))
                    || (key_has_port(key, None)
                        && match port {
                            80 => key.ends_with(b" http"),
                            443 => key.ends_with(b" https"),
                            _ => false,
                        })
            }
        }
    }

    /// Whether a URL matches: the plain statement of R16.
    #[must_use]
    pub fn matches(&self, key: &[u8]) -> bool {
        self.range().contains(key) && self.has_port(key)
    }
}

/// As on the wire: `example.com/a` (exact), `example.com/a*` (prefix), `example.com/*` (domain),
/// `*example.com/*` (subdomains).
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = match self.port {
            TargetPort::Any => String::new(),
            TargetPort::Named(port) => format!(":{port}"),
        };
        match self.mode {
            Mode::Exact => write!(f, "{}{port}{}", self.host, self.path_and_query),
            Mode::Prefix => write!(f, "{}{port}{}*", self.host, self.path_and_query),
            Mode::Domain => write!(f, "{}{port}/*", self.host),
            Mode::Subdomains => write!(f, "*{}{port}/*", self.host),
        }
    }
}

/// What follows `http:` or `https:` and slashes of either kind, of which the URL standard wants none; `None` where
/// that is no scheme, but a host with its port.
fn behind_web_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_web = ["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    let slashes = ['/', '\\'];
    (is_web && (rest.starts_with(slashes) || has_scheme(text)))
        .then(|| rest.trim_start_matches(slashes))
}

/// Whether a text starts like `scheme://`, or like `mailto:x`: what stands behind the colon is no port, and
/// before it no name with dots.
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        let port = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            && (rest.starts_with("//")
                || !scheme.contains('.') && port.bytes().any(|b| !b.is_ascii_digit()))
    })
}

/// Refuses what means a mode by its `*`, as targets are shown: taken as a URL, it would be one that nobody
/// links to, and its report empty.
fn refuse_pattern(text: &str, mode: Mode) -> Result<(), Cause> {
    if text.starts_with(['*', '.']) {
        return Err(Cause::HostPattern);
    }
    // The other modes are about hosts, whatever the path.
    if matches!(mode, Mode::Exact | Mode::Prefix) && text.ends_with('*') {
        return Err(Cause::PathPattern);
    }
    Ok(())
}

/// The port that the authority of `rest` (what follows `//`) names, also where it is the scheme's
/// own and the URL parser drops it.
fn named_port(rest: &str) -> Option<u16> {
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    let host_and_port = authority.rsplit('@').next()?;
    let (_, port) = host_and_port.rsplit_once(':')?;
    port.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surt::Surt;

    fn matches(target: &str, mode: Mode, url: &str) -> bool {
        let target = Target::parse(target, mode).unwrap();
        target.matches(Surt::of(&CanonicalUrl::parse(url).unwrap()).as_bytes())
    }

    #[test]
    fn r16_modes() {
        use Mode::{Domain, Exact, Prefix, Subdomains};
        for (target, mode, url, expected) in [
            ("ahrefs.com/api/", Exact, "https://ahrefs.com/api/", true),
            ("ahrefs.com/api/", Exact, "http://ahrefs.com/api/", true),
            ("ahrefs.com/api/", Exact, "http://ahrefs.com/api", false),
            ("ahrefs.com/api/", Exact, "http://ahrefs.com/api/x", false),
            ("ahrefs.com/api/", Prefix, "http://ahrefs.com/api/x?y", true),
            ("ahrefs.com/api/", Prefix, "http://ahrefs.com/api", false),
            ("ahrefs.com/a?b", Prefix, "http://ahrefs.com/a?bc", true),
            ("ahrefs.com/api/", Domain, "http://ahrefs.com/", true),
            (
                "ahrefs.com/api/",
                Domain,
                "http://www.ahrefs.com/api/",
                false,
            ),
            (
                "ahrefs.com/api/",
                Subdomains,
                "http://apiv2.ahrefs.com/",
                true,
            ),
            ("ahrefs.com/api/", Subdomains, "http://ahrefs.com/x", true),
            ("ahrefs.com", Subdomains, "http://notahrefs.com/", false),
            ("ahrefs.com", Exact, "http://ahrefs.com/", true),
            ("HTTPS://Ahrefs.COM", Exact, "http://ahrefs.com/", true),
            ("http:ahrefs.com/a", Exact, "https://ahrefs.com/a", true),
            (
                "Https:/ahrefs.com:443/a",
                Exact,
                "https://ahrefs.com/a",
                true,
            ),
            (
                "https:\\\\ahrefs.com\\a",
                Exact,
                "http://ahrefs.com/a",
                true,
            ),
            ("http:8080/a", Exact, "http://http:8080/a", true),
            ("ahrefs.com", Domain, "http://ahrefs.com:8080/x", true),
            ("ahrefs.com:8080", Domain, "http://ahrefs.com:8080/x", true),
            ("ahrefs.com:8080", Domain, "http://ahrefs.com/x", false),
            ("ahrefs.com:443", Domain, "https://ahrefs.com/x", true),
            ("ahrefs.com:443", Domain, "http://ahrefs.com/x", false),
            (
                "bücher.example",
                Domain,
                "http://xn--bcher-kva.example/",
                true,
            ),
            (
                "example.com/ä b",
                Exact,
                "http://example.com/%C3%A4%20b",
                true,
            ),
            (
                "example.com/%C3%A4%20b",
                Exact,
                "http://example.com/ä b",
                true,
            ),
        ] {
            assert_eq!(
                matches(target, mode, url),
                expected,
                "{target} {mode} {url}"
            );
        }
    }

    #[test]
    fn r16_shows_as_documented() {
        for (text, mode, shown) in [
            ("ahrefs.com/api/", Mode::Exact, "ahrefs.com/api/"),
            ("ahrefs.com/api/", Mode::Domain, "ahrefs.com/*"),
            ("ahrefs.com/api/", Mode::Subdomains, "*ahrefs.com/*"),
            ("ahrefs.com/api/", Mode::Prefix, "ahrefs.com/api/*"),
            ("apiv2.ahrefs.com", Mode::Exact, "apiv2.ahrefs.com/"),
        ] {
            assert_eq!(Target::parse(text, mode).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn r16_refuses_what_is_no_target() {
        for (text, cause) in [
            ("", "neither a URL nor a host: empty host"),
            ("http://", "neither a URL nor a host: empty host"),
            (
                "exa mple.com",
                "neither a URL nor a host: invalid international domain name",
            ),
            (
                "http://[::1",
                "neither a URL nor a host: invalid IPv6 address",
            ),
            (
                "ftp://",
                "neither a URL nor a host: scheme is neither http nor https",
            ),
            (
                "mailto:x@y.example",
                "neither a URL nor a host: scheme is neither http nor https",
            ),
        ] {
            assert_eq!(refusal(text, Mode::Exact), format!("'{text}' is {cause}"));
        }
        for text in [
            "example.com:",
            "localhost:80/x",
            "example.com:8080",
            "a.example:x@b.example",
        ] {
            assert!(Target::parse(text, Mode::Exact).is_ok(), "{text}");
        }
    }

    fn refusal(text: &str, mode: Mode) -> String {
        Target::parse(text, mode).unwrap_err().to_string()
    }

    #[test]
    fn r16_refuses_patterns() {
        for text in ["*.example.com", "*example.com/*", ".example.com", "*"] {
            for mode in Mode::ALL {
                assert!(
                    refusal(text, mode).contains("take mode subdomains"),
                    "{text}"
                );
            }
        }
        for text in ["example.com/*", "example.com/a*"] {
            for (mode, is_refused) in [
                (Mode::Exact, true),
                (Mode::Prefix, true),
                (Mode::Domain, false),
                (Mode::Subdomains, false),
            ] {
                let target = Target::parse(text, mode);
                assert_eq!(target.is_err(), is_refused, "{text} {mode}");
                let with_scheme = format!("http://{text}");
                assert!(Target::parse(&with_scheme, mode).is_ok(), "{text} {mode}");
            }
            assert!(refusal(text, Mode::Exact).contains("take mode prefix"));
        }
        assert!(Target::parse("http://*.example.com/", Mode::Exact).is_ok());
    }
}
