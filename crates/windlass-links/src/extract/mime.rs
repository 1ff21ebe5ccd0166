//! Whether a body without a media type is HTML (R2).

/// Tags that, as the first thing in a document, make it HTML.
const TAGS: [&[u8]; 16] = [
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
];

/// Whether a body without a media type is HTML: the HTML part of the WHATWG MIME Sniffing standard's
/// "rules for identifying an unknown MIME type".
pub(super) fn looks_like_html(body: &[u8]) -> bool {
    let start = body
        .iter()
        .position(|b| !b.is_ascii_whitespace())
        .unwrap_or(body.len());
    let rest = body.get(start..).unwrap_or_default();
    rest.starts_with(b"<!--")
        || TAGS.iter().any(|tag| {
            rest.get(..tag.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(tag))
                && matches!(rest.get(tag.len()), Some(b' ' | b'>'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r2_what_looks_like_html() {
        assert!(
            looks_like_html(b" \n<!doctype html>") && looks_like_html(b"<a href=x>"[..3].as_ref())
        );
        assert!(
            !looks_like_html(b"<abbr>") && !looks_like_html(b"%PDF-1.4") && !looks_like_html(b"")
        );
    }
}
