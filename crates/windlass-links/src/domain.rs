//! Registrable domains (R7) by a Public Suffix List that the user can replace.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use publicsuffix::{Psl, Type};

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
        let list: publicsuffix::List = with_nested_suffixes(text)
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
    /// A host that is itself a public suffix, or an IP address, is its own registrable domain; so is one
    /// with an empty label before the suffix, which nobody can register. A trailing dot stays, as in the
    /// URL standard's definition.
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
        host.get(start..)
            .filter(|domain| !domain.starts_with('.'))
            .unwrap_or(host)
    }

    /// Whether a rule of the list, and not its default alone, says what the public suffix of a host is. The host may
    /// be in Unicode.
    #[must_use]
    pub fn lists_suffix_of(&self, host: &str) -> bool {
        self.suffix(host)
            .is_some_and(|suffix| suffix.typ().is_some())
    }

    /// What the registrable domain of a canonical host is called: its label before the public suffix.
    ///
    /// A host that is itself a suffix of the private section (`github.io`), or stands under no listed one
    /// (`localhost`), is called by its first label. IP addresses and suffixes of registries (`co.uk`) have no
    /// name.
    #[must_use]
    pub fn name<'a>(&self, host: &'a str) -> Option<&'a str> {
        if is_ip(host) {
            return None;
        }
        let domain = self.registrable_domain(host);
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let is_of_registry = self.suffix(domain).is_some_and(|suffix| {
            suffix.as_bytes().len() == domain.len() && suffix.typ() == Some(Type::Icann)
        });
        let name = domain.split('.').next().unwrap_or_default();
        (!is_of_registry && !name.is_empty()).then_some(name)
    }

    /// The public suffix of a host, without a trailing dot.
    fn suffix<'a>(&self, host: &'a str) -> Option<publicsuffix::Suffix<'a>> {
        let bare = host.strip_suffix('.').unwrap_or(host);
        self.list.suffix(bare.as_bytes())
    }
}

/// What an exception's rule begins with, and one for any label.
const EXCEPTION: char = '!';
const WILDCARD: &str = "*.";

/// The rule on a line of a list, if one is there.
fn rule(line: &str) -> Option<&str> {
    let rule = line.split_whitespace().next()?;
    (!rule.starts_with("//")).then_some(rule)
}

/// A list with each suffix written out that one wildcard makes and that lies on the way to another rule:
/// `mtls.run.app` is a suffix by `*.run.app`, but for the crate it is nothing where `*.mtls.run.app` stands too.
fn with_nested_suffixes(text: &str) -> Cow<'_, str> {
    let rules = || text.lines().filter_map(rule);
    let wildcards: HashSet<&str> = rules().filter_map(|r| r.strip_prefix(WILDCARD)).collect();
    let mut listed: HashSet<&str> = rules().map(|r| r.trim_start_matches(EXCEPTION)).collect();
    let mut missing: HashMap<&str, Vec<&str>> = HashMap::new();
    for rule in rules() {
        let mut rest = rule;
        while let Some((_, name)) = rest.split_once('.') {
            rest = name;
            if let Some((_, parent)) = name.split_once('.')
                && wildcards.contains(parent)
                && listed.insert(name)
            {
                missing.entry(parent).or_default().push(name);
            }
        }
    }
    if missing.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut whole = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        // Beside the wildcard, for they belong to its section.
        let parent = rule(line).and_then(|rule| rule.strip_prefix(WILDCARD));
        let names = parent.and_then(|parent| missing.remove(parent));
        for line in std::iter::once(line).chain(names.into_iter().flatten()) {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    Cow::Owned(whole)
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
            // Wildcards in a wildcard's place.
            ("run.app", "run.app"),
            ("a.run.app", "a.run.app"),
            ("mtls.run.app", "mtls.run.app"),
            ("a.mtls.run.app", "a.mtls.run.app"),
            ("b.a.mtls.run.app", "b.a.mtls.run.app"),
            ("c.b.a.mtls.run.app", "b.a.mtls.run.app"),
            ("www.x..de", "www.x..de"),
            ("www..example.de", "example.de"),
            ("x..co.uk.", "x..co.uk."),
            ("", ""),
            (".", "."),
        ] {
            assert_eq!(list.registrable_domain(host), domain, "{host}");
        }
    }

    #[test]
    fn r7_rules_inside_a_wildcard_leave_it_whole() {
        let list = "// BEGIN ICANN DOMAINS\nx\n*.x\n!e.x\n*.b.a.x\nq.p.e.x\nc.d.x\nd.x\n\
                    // BEGIN PRIVATE DOMAINS\n*.p.y\nc.b.p.y // and more\n";
        let list = PublicSuffixList::parse(list).unwrap();
        for (host, domain) in [
            ("1.a.x", "1.a.x"),
            ("a.x", "a.x"),
            ("b.a.x", "b.a.x"),
            ("1.b.a.x", "1.b.a.x"),
            ("1.2.b.a.x", "1.2.b.a.x"),
            ("e.x", "e.x"),
            ("1.e.x", "e.x"),
            ("1.d.x", "1.d.x"),
            ("1.c.d.x", "1.c.d.x"),
            ("b.p.y", "b.p.y"),
            ("1.b.p.y", "1.b.p.y"),
            ("1.c.b.p.y", "1.c.b.p.y"),
            ("p.y", "p.y"),
            ("1.y", "1.y"),
        ] {
            assert_eq!(list.registrable_domain(host), domain, "{host}");
        }
        // The private section calls what it lists by name.
        assert_eq!((list.name("b.p.y"), list.name("a.x")), (Some("b"), None));
    }

    #[test]
    fn a_suffix_is_listed_or_not() {
        let list = PublicSuffixList::bundled();
        for (host, expected) in [
            ("example.com", true),
            ("example.com.", true),
            ("alice.github.io", true),
            ("com", true),
            ("foo.ck", true),
            ("президент.рф", true),
            ("xn--d1abbgf6aiiy.xn--p1ai", true),
            ("node.js", false),
            ("localhost", false),
            ("", false),
        ] {
            assert_eq!(list.lists_suffix_of(host), expected, "{host}");
        }
    }

    #[test]
    fn domains_have_names() {
        let list = PublicSuffixList::bundled();
        for (host, name) in [
            ("www.example.com", Some("example")),
            ("example.com.", Some("example")),
            ("a.b.example.co.uk", Some("example")),
            ("x.alice.github.io", Some("alice")),
            ("github.io", Some("github")),
            ("wordpress.com", Some("wordpress")),
            ("www.ck", Some("www")),
            ("localhost", Some("localhost")),
            ("a.b.unlisted", Some("b")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva")),
            ("co.uk", None),
            ("com", None),
            ("foo.ck", None),
            ("192.168.0.1", None),
            ("[::1]", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(list.name(host), name, "{host}");
        }
    }
}
