//! Registrable domains (R7) by a Public Suffix List that the user can replace.

use std::fmt;

use publicsuffix::Psl;

use crate::surt::is_ip;

/// A list that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a public suffix list: {0}")]
pub struct PublicSuffixListError(String);

/// A Public Suffix List, ICANN and private sections (R7).
#[derive(Debug, Clone)]
pub struct PublicSuffixList {
    list: publicsuffix::List,
    version: String,
}

impl PublicSuffixList {
    /// The text of the list that travels with Windlass.
    pub const BUNDLED: &str = include_str!("../../../data/public_suffix_list.dat");

    /// Reads a list in the format of <https://publicsuffix.org/list/>.
    ///
    /// # Errors
    /// Where a rule does not parse, or there is no rule at all.
    pub fn parse(text: &str) -> Result<Self, PublicSuffixListError> {
        let list: publicsuffix::List = text
            .parse()
            .map_err(|e: publicsuffix::Error| PublicSuffixListError(e.to_string()))?;
        if list.is_empty() {
            return Err(PublicSuffixListError("it holds no rule".to_owned()));
        }
        let version = text
            .lines()
            .find_map(|line| line.strip_prefix("// VERSION:"))
            .map_or_else(
                || "unversioned".to_owned(),
                |version| version.trim().to_owned(),
            );
        Ok(Self { list, version })
    }

    /// The list that travels with Windlass.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the bundled list is read by a test")]
    pub fn bundled() -> Self {
        Self::parse(Self::BUNDLED).expect("the bundled list parses")
    }

    /// The list's `VERSION` line, or `unversioned`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The registrable domain of a canonical host (R7), borrowed from it.
    ///
    /// A host that is itself a public suffix, or an IP address, is its own registrable domain. A
    /// trailing dot stays, as in the URL standard's definition.
    #[must_use]
    pub fn registrable_domain<'a>(&self, host: &'a str) -> &'a str {
        if is_ip(host) {
            return host;
        }
        let bare = host.strip_suffix('.').unwrap_or(host);
        let Some(domain) = self.list.domain(bare.as_bytes()) else {
            return host;
        };
        // A registrable domain is a suffix of its host.
        let start = bare.len() - domain.as_bytes().len();
        host.get(start..).unwrap_or(host)
    }
}

/// A registrable domain (R7), in ASCII lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrableDomain(pub String);

impl fmt::Display for RegistrableDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r7_registrable_domain() {
        let list = PublicSuffixList::bundled();
        assert!(list.version().starts_with("20"), "{}", list.version());
        for (host, domain) in [
            ("www.example.com", "example.com"),
            ("example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("alice.github.io", "alice.github.io"),
            ("x.alice.github.io", "alice.github.io"),
            ("github.io", "github.io"),
            ("com", "com"),
            ("192.168.0.1", "192.168.0.1"),
            ("[::1]", "[::1]"),
            ("localhost", "localhost"),
            ("a.b.unlisted", "b.unlisted"),
            ("www.example.com.", "example.com."),
            ("foo.ck", "foo.ck"),
            ("www.ck", "www.ck"),
            ("a.www.ck", "www.ck"),
            ("", ""),
            (".", "."),
        ] {
            assert_eq!(list.registrable_domain(host), domain, "{host}");
        }
    }
}
