//! What pages say of all their links (R10).

/// Whether a robots directive says nofollow: comma-separated, ASCII-case-insensitive; `none` is
/// `noindex, nofollow`.
pub(super) fn says_nofollow(content: &str) -> bool {
    content
        .split(',')
        .map(str::trim)
        .any(|token| token.eq_ignore_ascii_case("nofollow") || token.eq_ignore_ascii_case("none"))
}

/// Directives of `X-Robots-Tag` that have a value behind a colon, as Google and Bing document them; any
/// other word before a colon is a robot's name.
const VALUED: [&str; 4] = [
    "max-image-preview",
    "max-snippet",
    "max-video-preview",
    "unavailable_after",
];

/// Whether an `X-Robots-Tag` says nofollow to everybody. What is said to one robot (`googlebot: noindex,
/// nofollow`) is not said to us; a name holds for all that follows it.
pub(super) fn header_says_nofollow(value: &str) -> bool {
    value
        .split(',')
        .take_while(|item| !names_robot(item))
        .any(says_nofollow)
}

/// Whether an item of the list is `name: directive`. The colon of a time of day has no name before it: the
/// date of `unavailable_after` may have a comma.
fn names_robot(item: &str) -> bool {
    item.split_once(':').is_some_and(|(name, _)| {
        let name = name.trim();
        !name.is_empty()
            && !name.contains(|c: char| c.is_ascii_whitespace())
            && !VALUED
                .iter()
                .any(|valued| name.eq_ignore_ascii_case(valued))
    })
}

/// The URL of a `meta http-equiv=refresh` value: what the HTML standard's shared declarative refresh
/// steps take; `None` where it only reloads the page.
pub(super) fn refresh_url(content: &str) -> Option<&str> {
    let rest = content.trim_start_matches(is_space);
    let after_time = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if after_time.len() == rest.len() {
        return None;
    }
    if !after_time.is_empty() && !after_time.starts_with(|c| is_space(c) || matches!(c, ';' | ','))
    {
        return None;
    }
    let rest = after_time.trim_start_matches(is_space);
    let rest = rest
        .strip_prefix([';', ','])
        .unwrap_or(rest)
        .trim_start_matches(is_space);
    let named = rest
        .get(..3)
        .filter(|start| start.eq_ignore_ascii_case("url"))
        .and_then(|_| {
            let after = rest.get(3..)?.trim_start_matches(is_space);
            Some(after.strip_prefix('=')?.trim_start_matches(is_space))
        });
    let url = named.unwrap_or(rest);
    let url = match url.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = url.get(1..)?;
            inner.split(quote).next().unwrap_or(inner)
        }
        _ => url,
    };
    (!url.is_empty()).then_some(url)
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r10_page_nofollow() {
        assert!(says_nofollow("noindex, NOFOLLOW") && says_nofollow("none"));
        assert!(!says_nofollow("index, follow") && !says_nofollow("nofollowed"));
    }

    #[test]
    fn r10_page_nofollow_in_a_header() {
        for (value, expected) in [
            ("nofollow", true),
            ("noindex, nofollow, max-snippet:-1", true),
            ("max-snippet: -1, max-image-preview:large, NoFollow", true),
            ("Max-Video-Preview:0,none", true),
            (
                "nofollow, unavailable_after: 25 Jun 2010 15:00:00 PST",
                true,
            ),
            (
                "unavailable_after: Wed, 03 Dec 2025 13:09:53 GMT, nofollow",
                true,
            ),
            ("max-snippet:-1", false),
            ("unavailable_after: 25 Jun 2010 15:00:00 PST", false),
            ("googlebot: nofollow", false),
            ("googlebot: noindex, nofollow", false),
            ("googlebot : max-snippet:-1, nofollow", false),
            ("noindex, otherbot: noindex, nofollow", false),
            ("nofollow, otherbot: noindex", true),
            ("", false),
        ] {
            assert_eq!(header_says_nofollow(value), expected, "{value}");
        }
    }

    #[test]
    fn r8_refresh() {
        for (content, url) in [
            ("5", None),
            ("0;url=/a", Some("/a")),
            (" 0 ; URL = '/a b' x", Some("/a b")),
            ("0, /a", Some("/a")),
            ("0;url=", None),
            ("url=/a", None),
            ("1x;url=/a", None),
            ("1url=/a", None),
            ("1.5.;url=/a", Some("/a")),
            (".;url=/a", Some("/a")),
            ("1\t/a", Some("/a")),
            ("1 url/a", Some("url/a")),
        ] {
            assert_eq!(refresh_url(content), url, "{content}");
        }
    }
}
