//! Tests of strings.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use memchr::memmem::Finder;

/// Whether the needle occurs with no letter, digit or mark directly before or after it.
pub(super) fn has_word(text: &str, needle: &Finder<'_>) -> bool {
    let length = needle.needle().len();
    let mut from = 0;
    // Occurrences may overlap: each search begins one character after the occurrence before.
    while let Some(rest) = text.get(from..) {
        let Some(found) = needle.find(rest.as_bytes()) else {
            return false;
        };
        let start = from + found;
        let before = text.get(..start).and_then(|t| t.chars().next_back());
        let after = text.get(start + length..).and_then(|t| t.chars().next());
        if !before.is_some_and(is_of_word) && !after.is_some_and(is_of_word) {
            return true;
        }
        from = start
            + text
                .get(start..)
                .and_then(|t| t.chars().next())
                .map_or(1, char::len_utf8);
    }
    false
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
            let finder = Finder::new(word);
            assert_eq!(has_word(text, &finder), expected, "{text} {word}");
        }
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
