//! Whether a response is HTML (R2).

/// What a `Content-Type` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MediaType {
    pub(super) is_html: bool,
    pub(super) charset: Option<String>,
}

impl MediaType {
    /// Reads a header value; `None` where it names no media type.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split(';');
        let essence = parts.next()?.trim();
        let (kind, subtype) = essence.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() || essence == "*/*" {
            return None;
        }
        let charset = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches(['"', '\'']).to_owned())
        });
        let is_html = ["text/html", "application/xhtml+xml"]
            .iter()
            .any(|html| essence.eq_ignore_ascii_case(html));
        Some(Self { is_html, charset })
    }
}

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
    fn r2_media_types() {
        let parse = |value| MediaType::parse(value).map(|m| (m.is_html, m.charset));
        assert_eq!(
            parse("Text/HTML; Charset=\"UTF-8\""),
            Some((true, Some("UTF-8".to_owned())))
        );
        assert_eq!(parse("application/xhtml+xml"), Some((true, None)));
        assert_eq!(parse("text/plain"), Some((false, None)));
        assert_eq!(parse("html"), None);
        assert!(
            looks_like_html(b" \n<!doctype html>") && looks_like_html(b"<a href=x>"[..3].as_ref())
        );
        assert!(
            !looks_like_html(b"<abbr>") && !looks_like_html(b"%PDF-1.4") && !looks_like_html(b"")
        );
    }
}
