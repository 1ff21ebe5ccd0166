//! Tests of strings.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use memchr::memmem::Finder;

/// A text that is looked for where it stands alone: with no letter, digit or mark directly before or after it.
pub(super) struct Word<'a> {
    pub(super) finder: Finder<'a>,
    /// By how many bytes the text is moved, at least, to lie on itself again.
    period: usize,
}

impl<'a> Word<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            finder: Finder::new(text),
            period: period(text.as_bytes()),
        }
    }

    /// Whether it stands alone anywhere in a text. Time grows with the lengths of both, however often it occurs.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let word = self.finder.needle();
        if word.is_empty() {
            return nothing_stands_alone(text);
        }
        // The bytes of a word that two of its occurrences, as near to each other as may be, do not share.
        let unshared = word.get(word.len() - self.period..).unwrap_or(word);
        let mut found = self.finder.find(text.as_bytes());
        while let Some(start) = found {
            let end = start + word.len();
            let before = text.get(..start).and_then(|t| t.chars().next_back());
            let after = text.get(end..).and_then(|t| t.chars().next());
            if !before.is_some_and(is_of_word) && !after.is_some_and(is_of_word) {
                return true;
            }
            // Occurrences may overlap, which makes looking at all of each of them quadratic (Galil, 1979).
            let next = start + self.period;
            let rest = |from: usize| text.as_bytes().get(from..).unwrap_or_default();
            found = match rest(end).starts_with(unshared) {
                true => Some(next),
                false => self.finder.find(rest(next)).map(|at| next + at),
            };
        }
        false
    }
}

/// Whether there is a place between characters with nothing of a word on either side.
fn nothing_stands_alone(text: &str) -> bool {
    let mut is_before = false;
    for c in text.chars() {
        let is_after = is_of_word(c);
        if !is_before && !is_after {
            return true;
        }
        is_before = is_after;
    }
    !is_before
}

/// The shortest period of bytes, by the failure function of Knuth, Morris and Pratt; their length where they have none.
fn period(bytes: &[u8]) -> usize {
    let mut borders: Vec<usize> = Vec::with_capacity(bytes.len());
    let mut border = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            while border > 0 && bytes.get(border) != Some(byte) {
                border = borders.get(border - 1).copied().unwrap_or_default();
            }
            border += usize::from(bytes.get(border) == Some(byte));
        }
        borders.push(border);
    }
    bytes.len() - border
}

/// Whether a character is a letter, digit or mark: general category L*, Nd or M*.
pub(crate) fn is_of_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    category == GeneralCategory::DecimalNumber
        || GeneralCategoryGroup::Letter.contains(category)
        || GeneralCategoryGroup::Mark.contains(category)
}

/// Whether a host is that domain or below it.
pub(super) fn is_at_or_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

/// The host of a URL in its serialised form, without port; empty where there is none.
pub(super) fn host(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else {
        return "";
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => host,
        None => authority,
    };
    // The colons of an IPv6 address stand in brackets.
    let end = match host.find(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    host.get(..end).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn word_stands_alone() {
        for (text, word, expected) in [
            ("seo", "seo", true),
            ("best seo tools", "seo", true),
            ("best seo tools", "seo tools", true),
            ("seos", "seo", false),
            ("aseo", "seo", false),
            ("aseo seo", "seo", true),
            ("seo2", "seo", false),
            ("seo_x", "seo", true),
            ("(seo)", "seo", true),
            ("éseo", "seo", false),
            // A combining mark belongs to the word; so does a digit of another script.
            ("seo\u{301}", "seo", false),
            ("seo٣", "seo", false),
            // A number that is no digit does not.
            ("seo½", "seo", true),
            ("日本語", "日本", false),
            ("日本、語", "日本", true),
            // An occurrence that overlaps one that does not stand alone.
            ("ba a a", "a a", true),
            ("$11.99/month", "$11.99", true),
            ("", "", true),
            ("a b", "", false),
            ("a - b", "", true),
            ("ab", "x", false),
        ] {
            assert_eq!(Word::new(word).is_in(text), expected, "{text} {word}");
        }
    }

    /// Each place is looked at.
    fn stands_alone_anywhere(text: &str, word: &str) -> bool {
        (0..=text.len()).any(|start| {
            let (Some(before), Some(rest)) = (text.get(..start), text.get(start..)) else {
                return false;
            };
            rest.strip_prefix(word).is_some_and(|after| {
                !before.chars().next_back().is_some_and(is_of_word)
                    && !after.chars().next().is_some_and(is_of_word)
            })
        })
    }

    proptest! {
        #[test]
        fn a_word_is_found_where_looking_at_each_place_finds_it(
            text in "[ab é-]{0,24}",
            word in "[ab é-]{0,5}",
        ) {
            prop_assert_eq!(Word::new(&word).is_in(&text), stands_alone_anywhere(&text, &word));
        }

        #[test]
        fn a_period_is_the_shortest_way_onto_itself(text in "[ab]{1,12}") {
            let bytes = text.as_bytes();
            let shortest = (1..=bytes.len()).find(|by| bytes.ends_with(&bytes[..bytes.len() - by]));
            prop_assert_eq!(Some(period(bytes)), shortest);
        }
    }

    #[test]
    fn a_long_word_that_is_nearly_everywhere_takes_no_time() {
        let (text, word) = ("a".repeat(1 << 22), "a".repeat(1 << 21));
        assert!(!Word::new(&word).is_in(&text));
        assert!(Word::new(&word).is_in(&format!("{text} {word}")));
    }

    #[test]
    fn hosts_of_urls() {
        for (url, expected) in [
            ("https://blog.example.com/a?b=c:d@e", "blog.example.com"),
            ("http://example.com:8080/", "example.com"),
            ("http://example.com?x=/y", "example.com"),
            ("http://[2001:db8::1]:8080/", "[2001:db8::1]"),
            ("http://[2001:db8::1]/", "[2001:db8::1]"),
            ("http://user:pass@example.com/", "example.com"),
            ("http://example.com", "example.com"),
            ("mailto:a@example.com", ""),
            ("", ""),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }

    #[test]
    fn subdomain_is_at_or_below() {
        for (host, domain, expected) in [
            ("blogspot.com", "blogspot.com", true),
            ("x.blogspot.com", "blogspot.com", true),
            ("notblogspot.com", "blogspot.com", false),
            ("com", "blogspot.com", false),
            ("x.example.com", ".example.com", false),
        ] {
            assert_eq!(is_at_or_below(host, domain), expected, "{host} {domain}");
        }
    }
}
