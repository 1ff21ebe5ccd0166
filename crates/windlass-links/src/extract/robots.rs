//! What pages say of all their links (R10).

/// Whether a robots directive says nofollow: comma-separated, ASCII-case-insensitive; `none` is
/// `noindex, nofollow`.
pub(super) fn says_nofollow(content: &str) -> bool {
    content
        .split(',')
        .map(str::trim)
        .any(|token| token.eq_ignore_ascii_case("nofollow") || token.eq_ignore_ascii_case("none"))
}

/// Whether an `X-Robots-Tag` says nofollow to everybody. What is said to one robot (`googlebot:
/// nofollow`) is not said to us.
pub(super) fn header_says_nofollow(value: &str) -> bool {
    let rest = match value.split_once(':') {
        Some((name, _)) if name.trim().eq_ignore_ascii_case("unavailable_after") => value,
        Some(_) => return false,
        None => value,
    };
    says_nofollow(rest)
}

/// The URL of a `meta http-equiv=refresh` value: what the HTML standard's shared declarative refresh
/// steps take; `None` where it only reloads the page.
pub(super) fn refresh_url(content: &str) -> Option<&str> {
    let rest = content.trim_start_matches(is_space);
    let after_time = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if after_time.len() == rest.len() {
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
        assert!(header_says_nofollow("nofollow") && !header_says_nofollow("googlebot: nofollow"));
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
        ] {
            assert_eq!(refresh_url(content), url, "{content}");
        }
    }
}
