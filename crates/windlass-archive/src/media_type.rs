//! What a `Content-Type` says: WHATWG MIME Sniffing and Fetch, whose rules browsers share. The one place
//! that tells what is HTML (R2).

use std::borrow::Cow;

/// The media type of an HTTP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    essence: String,
    charset: Option<String>,
}

impl MediaType {
    /// The media type that header fields declare: "extract a MIME type" of the Fetch standard. Of all
    /// `Content-Type` fields, and of the values of each between commas, the last that names a media type
    /// counts; a `charset` holds on for the same type after it. `None` where none names one: then the body
    /// is to be sniffed.
    #[must_use]
    pub fn of(headers: &[(String, Vec<u8>)]) -> Option<Self> {
        let fields = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("Content-Type"));
        let mut all = Cow::Borrowed(&[][..]);
        for (_, value) in fields {
            if all.is_empty() {
                all = Cow::Borrowed(value.as_slice());
            } else {
                let joined = all.to_mut();
                joined.extend_from_slice(b", ");
                joined.extend_from_slice(value);
            }
        }
        Self::last(&all)
    }

    /// The same of one field's value.
    pub(crate) fn last(value: &[u8]) -> Option<Self> {
        let mut found: Option<Self> = None;
        let mut charset = None;
        for value in Values(value) {
            let Some(mut media_type) = Self::parse(value) else {
                continue;
            };
            if media_type.essence == "*/*" {
                continue;
            }
            let is_same = found
                .as_ref()
                .is_some_and(|before| before.essence == media_type.essence);
            if !is_same {
                charset.clone_from(&media_type.charset);
            } else if media_type.charset.is_none() {
                media_type.charset.clone_from(&charset);
            }
            found = Some(media_type);
        }
        found
    }

    /// "Parse a MIME type", of whose parameters `charset` alone matters.
    fn parse(value: &[u8]) -> Option<Self> {
        let value = trimmed(value);
        let (essence, parameters) = match memchr::memchr(b';', value) {
            Some(end) => (value.get(..end)?, value.get(end..)?),
            None => (value, &[][..]),
        };
        let slash = memchr::memchr(b'/', essence)?;
        let (kind, subtype) = (
            essence.get(..slash)?,
            trimmed_end(essence.get(slash + 1..)?),
        );
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut essence = [kind, b"/", subtype].concat();
        essence.make_ascii_lowercase();
        Some(Self {
            essence: String::from_utf8(essence).ok()?,
            charset: charset(parameters),
        })
    }

    /// Whether this is HTML as R2 has it: `text/html` or `application/xhtml+xml`.
    #[must_use]
    pub fn is_html(&self) -> bool {
        matches!(self.essence.as_str(), "text/html" | "application/xhtml+xml")
    }

    /// The `charset` parameter, as written.
    #[must_use]
    pub fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
    }

    /// Whether a document of this type can hold no links, for it is no text.
    pub(crate) fn is_no_text(&self) -> bool {
        let (kind, subtype) = self.essence.split_once('/').unwrap_or_default();
        // An SVG is text and may hold links.
        matches!(kind, "image" | "video" | "audio" | "font") && !subtype.starts_with("svg")
    }
}

/// The values of a list: between commas that stand in no quotes ("get, decode, and split").
struct Values<'a>(&'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = unquoted(self.0, b',');
        let (value, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..).unwrap_or_default();
        Some(value)
    }
}

/// Where `wanted` first stands outside quotes; the length where it does not.
fn unquoted(bytes: &[u8], wanted: u8) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let found = bytes.iter().position(|&byte| {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && byte == b'\\' {
            is_escaped = true;
        } else if byte == b'"' {
            is_quoted = !is_quoted;
        } else {
            return byte == wanted && !is_quoted;
        }
        false
    });
    found.unwrap_or(bytes.len())
}

/// The first `charset` among parameters, each of which a `;` begins.
fn charset(mut parameters: &[u8]) -> Option<String> {
    while let Some((_, rest)) = parameters.split_first() {
        let name_end = rest
            .iter()
            .position(|b| matches!(b, b';' | b'='))
            .unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(name_end)?;
        let Some(rest) = rest.strip_prefix(b"=") else {
            parameters = rest;
            continue;
        };
        // Quotes count at the start of a value alone.
        let (value, end) = match rest.strip_prefix(b"\"") {
            Some(inner) => {
                let (value, length) = unescaped(inner);
                let behind = rest.get(1 + length..).unwrap_or_default();
                let end = memchr::memchr(b';', behind).unwrap_or(behind.len());
                (value, 1 + length + end)
            }
            None => {
                let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
                (trimmed_end(rest.get(..end)?).to_vec(), end)
            }
        };
        parameters = rest.get(end..).unwrap_or_default();
        let is_quoted = rest.starts_with(b"\"");
        if trimmed_start(name).eq_ignore_ascii_case(b"charset")
            && (is_quoted || !value.is_empty())
            && value
                .iter()
                .all(|b| matches!(b, b'\t' | b' '..=b'~' | 0x80..))
        {
            return Some(String::from_utf8_lossy(&value).into_owned());
        }
    }
    None
}

/// The text of a quoted string behind its first quote, and its length with the last one.
fn unescaped(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut value = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => {
                value.push(bytes.get(at).copied().unwrap_or(b'\\'));
                at = (at + 1).min(bytes.len());
            }
            byte => value.push(byte),
        }
    }
    (value, at)
}

/// One or more token characters of HTTP (RFC 9110, 5.6.2).
fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' ')
}

fn trimmed_start(mut bytes: &[u8]) -> &[u8] {
    while let Some((&first, rest)) = bytes.split_first()
        && is_space(first)
    {
        bytes = rest;
    }
    bytes
}

fn trimmed_end(mut bytes: &[u8]) -> &[u8] {
    while let Some((&last, rest)) = bytes.split_last()
        && is_space(last)
    {
        bytes = rest;
    }
    bytes
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    trimmed_end(trimmed_start(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fields: &[&str]) -> String {
        let headers: Vec<_> = fields
            .iter()
            .map(|value| ("content-TYPE".to_owned(), value.as_bytes().to_vec()))
            .collect();
        MediaType::of(&headers).map_or_else(String::new, |media_type| {
            format!(
                "{};{}",
                media_type.essence,
                media_type.charset.unwrap_or_default()
            )
        })
    }

    #[test]
    fn r2_one_value() {
        for (value, expected) in [
            ("Text/HTML; Charset=\"UTF-8\"", "text/html;UTF-8"),
            ("application/xhtml+xml", "application/xhtml+xml;"),
            (" text/html ;x;charset=a;charset=b", "text/html;a"),
            ("text/html;charset=;charset= a ", "text/html; a"),
            ("text/html;x=\"a;charset=b\\\"c\";charset=d", "text/html;d"),
            ("text/html;charset=\"a\\b;c\"d;e", "text/html;ab;c"),
            ("text/html;charset='a'", "text/html;'a'"),
            ("text/html;charset=\"a\\", "text/html;a\\"),
            ("text/html; charset =a", "text/html;"),
            ("text/html charset=utf-8", ""),
            ("text/html:charset=utf-8", ""),
            ("text html", ""),
            ("html", ""),
            ("/html", ""),
            ("text/", ""),
            ("text/h\u{e4}", ""),
            ("*/*", ""),
            ("text/*", "text/*;"),
            ("", ""),
        ] {
            assert_eq!(shown(&[value]), expected, "{value}");
        }
    }

    #[test]
    fn r2_several_values_and_fields() {
        for (fields, expected) in [
            // The examples of the Fetch standard.
            (&["text/plain;charset=utf-8, text/html"][..], "text/html;"),
            (
                &["text/html;charset=gbk;a=b, text/html;x=y"],
                "text/html;gbk",
            ),
            (
                &["text/html;charset=gbk;a=b", "text/html;x=y"],
                "text/html;gbk",
            ),
            (
                &["text/html;charset=gbk", "x/x", "text/html;x=y"],
                "text/html;",
            ),
            (&["text/html", "cannot-parse"], "text/html;"),
            (&["text/html", "*/*"], "text/html;"),
            (&["text/html", ""], "text/html;"),
            (&["text/html, text/html; charset=utf-8"], "text/html;utf-8"),
            (&["text/html;x=\"a, image/png"], "text/html;"),
            (&["text/html;x=\",\\\",\",image/png,,"], "image/png;"),
            (&["image/png", "text/html"], "text/html;"),
            (&[], ""),
        ] {
            assert_eq!(shown(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn what_holds_no_links() {
        for (value, expected) in [
            ("image/png", true),
            ("Video/mp4; x=y", true),
            ("image/svg+xml", false),
            ("image/png, text/html", false),
            ("application/pdf", false),
        ] {
            let is_no_text = MediaType::last(value.as_bytes()).map(|m| m.is_no_text());
            assert_eq!(is_no_text, Some(expected), "{value}");
        }
    }
}
