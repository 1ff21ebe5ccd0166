//! Registrable domains (R7) as <https://github.com/publicsuffix/list/wiki/Format> says it: all rules that a host
//! matches are looked up, and of them the one that prevails.

use std::collections::HashSet;

/// The rules of a Public Suffix List by their kind, names in ASCII.
#[derive(Debug, Default)]
pub struct PlainSuffixes {
    /// `co.uk`
    plain: HashSet<String>,
    /// `ck` of `*.ck`
    wildcards: HashSet<String>,
    /// `www.ck` of `!www.ck`
    exceptions: HashSet<String>,
}

impl PlainSuffixes {
    /// Reads a list.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut suffixes = Self::default();
        for line in text.lines() {
            let Some(rule) = line.split_whitespace().next() else {
                continue;
            };
            if rule.starts_with("//") {
                continue;
            }
            let (rules, name) = if let Some(name) = rule.strip_prefix('!') {
                (&mut suffixes.exceptions, name)
            } else if let Some(name) = rule.strip_prefix("*.") {
                (&mut suffixes.wildcards, name)
            } else {
                (&mut suffixes.plain, rule)
            };
            rules.insert(idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_owned()));
        }
        suffixes
    }

    /// The names in all rules, without `*.` and `!`, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let all = [&self.plain, &self.wildcards, &self.exceptions];
        let mut names: Vec<&str> = all.into_iter().flatten().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// How many labels the public suffix of a host has.
    fn suffix_labels(&self, labels: &[&str]) -> usize {
        let last = |n: usize| labels[labels.len() - n..].join(".");
        // An exception prevails over all, and its suffix is one label shorter.
        for n in 1..=labels.len() {
            if self.exceptions.contains(&last(n)) {
                return n - 1;
            }
        }
        // Of the others the longest; without any, `*`.
        (1..=labels.len())
            .rev()
            .find(|n| self.plain.contains(&last(*n)) || self.wildcards.contains(&last(*n - 1)))
            .unwrap_or(1)
    }

    /// The registrable domain of a host in ASCII, without a trailing dot, that is no IP address: itself where
    /// it is a public suffix.
    #[must_use]
    pub fn registrable_domain(&self, host: &str) -> String {
        let labels: Vec<&str> = host.split('.').collect();
        let n = (self.suffix_labels(&labels) + 1).min(labels.len());
        labels[labels.len() - n..].join(".")
    }
}
