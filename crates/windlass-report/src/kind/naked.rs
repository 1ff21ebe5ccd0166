//! K2: the anchor is a URL, or a host with or without a path.

use std::net::Ipv4Addr;

use windlass_links::PublicSuffixList;

use crate::filter::is_of_word;

/// Endings of hosts that are mostly those of files: `readme.md`, `setup.py`.
const FILE_ENDINGS: [&str; 4] = ["md", "mov", "py", "zip"];

/// Whether a folded text is, whole, a URL with its scheme, a host that begins with `www.`, an IPv4 address, or a
/// host below a suffix of the list; hosts with or without port and path. `own` is the target's registrable
/// domain, in the spellings that it has.
pub(super) fn is_url(text: &str, suffixes: &PublicSuffixList, own: &[String]) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    if let Some((scheme, rest)) = text.split_once("://")
        && is_scheme(scheme)
    {
        return names_host(rest);
    }
    let Some(host) = host(text) else {
        return false;
    };
    if host.starts_with("www.") || host.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let ending = host.rsplit('.').next().unwrap_or_default();
    suffixes.lists_suffix_of(host)
        && (!FILE_ENDINGS.contains(&ending)
            || own
                .iter()
                .any(|own| suffixes.registrable_domain(host) == own))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

/// Whether what follows `://` begins with something that may be a host.
fn names_host(rest: &str) -> bool {
    let authority = rest.split(['/', '\\', '?', '#']).next();
    authority.is_some_and(|authority| authority.contains(is_of_word))
}

/// The host that a text without scheme begins with, if that is all but a port, a path, a query and a fragment:
/// two labels or more.
fn host(text: &str) -> Option<&str> {
    let authority = text.split(['/', '?', '#']).next()?;
    let host = match authority.split_once(':') {
        Some((host, port)) => {
            let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            is_port.then_some(host)?
        }
        None => authority,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    (host.contains('.') && host.split('.').all(is_label)).then_some(host)
}

fn is_label(label: &str) -> bool {
    let is_of_label = |c| is_of_word(c) || c == '-' || c == '_';
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(is_of_label)
}
