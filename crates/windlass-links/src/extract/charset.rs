//! The encoding of a document (R3), as the WHATWG Encoding and HTML standards say.

use std::borrow::Cow;
use std::str::Utf8Error;

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// How far the prescan for `meta` reads.
const PRESCAN_LENGTH: usize = 1024;
/// How much of a document the detection reads.
const DETECTION_LENGTH: usize = 1 << 18;
/// What the escapes of ISO-2022-JP begin with.
const ESCAPE: u8 = 0x1b;

/// Decodes a document: BOM, HTTP `charset`, `meta` prescan, detection, windows-1252. Undecodable
/// bytes become U+FFFD. Returns the encoding for URLs too.
#[must_use]
pub fn decode<'a>(body: &'a [u8], http_charset: Option<&str>) -> (Cow<'a, str>, &'static Encoding) {
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        let rest = body.get(length..).unwrap_or_default();
        return (encoding.decode_without_bom_handling(rest).0, encoding);
    }
    let encoding = http_charset
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .or_else(|| prescan(body.get(..PRESCAN_LENGTH).unwrap_or(body)))
        .unwrap_or_else(|| detect(body));
    (encoding.decode_without_bom_handling(body).0, encoding)
}

/// What the text itself looks like. Valid UTF-8 is UTF-8: an archive, unlike a browser, has the whole
/// document before it.
fn detect(body: &[u8]) -> &'static Encoding {
    if body.is_ascii() {
        // ISO-2022-JP writes Japanese in ASCII, between escapes.
        let is_escaped = memchr::memchr(ESCAPE, body).is_some();
        return match is_escaped.then(|| guess(body)) {
            Some(encoding) if encoding == ISO_2022_JP => encoding,
            _ => WINDOWS_1252,
        };
    }
    match std::str::from_utf8(body) {
        Ok(_) => UTF_8,
        Err(error) if is_cut(body, error) => UTF_8,
        Err(_) => guess(body),
    }
}

/// Whether a body is UTF-8 up to its last character, of which its end is missing: crawlers cut long bodies at any byte.
/// Where all before it is ASCII, that one may as well be a letter of another encoding.
fn is_cut(body: &[u8], error: Utf8Error) -> bool {
    let whole = body.get(..error.valid_up_to()).unwrap_or_default();
    error.error_len().is_none() && !whole.is_ascii()
}

/// What the detector that Firefox uses says of the beginning.
fn guess(body: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new();
    let start = body.get(..DETECTION_LENGTH).unwrap_or(body);
    detector.feed(start, start.len() == body.len());
    detector.guess(None, true)
}

/// The HTML standard's "prescan a byte stream to determine its encoding", with its fallback, "get an
/// XML encoding".
fn prescan(start: &[u8]) -> Option<&'static Encoding> {
    // A declaration of XML in UTF-16, without a BOM.
    if start.starts_with(b"<\0?\0x\0") {
        return Some(UTF_16LE);
    }
    if start.starts_with(b"\0<\0?\0x") {
        return Some(UTF_16BE);
    }
    meta(start).or_else(|| xml_encoding(start))
}

/// What the first `meta` that names an encoding says. `None` also where the bytes end inside one.
fn meta(start: &[u8]) -> Option<&'static Encoding> {
    let mut at = 0;
    while let Some(rest) = start.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(b"<!--") {
            // `<!-->` is a whole comment.
            at += 2 + memchr::memmem::find(rest.get(2..)?, b"-->")? + 3;
            continue;
        }
        if is_tag(rest, b"<meta") {
            at += 5;
            let mut attributes = Attributes { bytes: start, at };
            let encoding = meta_encoding(&mut attributes)?;
            at = attributes.at;
            if encoding.is_some() {
                return encoding;
            }
        } else if matches!(rest, [b'<', b'/', c, ..] | [b'<', c, ..] if c.is_ascii_alphabetic()) {
            at += rest
                .iter()
                .position(|b| b.is_ascii_whitespace() || *b == b'>')?;
            let mut attributes = Attributes { bytes: start, at };
            while attributes.advance()?.is_some() {}
            at = attributes.at;
        } else if matches!(rest, [b'<', b'!' | b'/' | b'?', ..]) {
            at += memchr::memchr(b'>', rest)?;
        }
        at += 1;
    }
    None
}

fn is_tag(rest: &[u8], tag: &[u8]) -> bool {
    rest.get(..tag.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(tag))
        && rest
            .get(tag.len())
            .is_some_and(|b| b.is_ascii_whitespace() || *b == b'/')
}

/// The encoding that a `meta` names; the outer `None` where the bytes end inside it.
fn meta_encoding(attributes: &mut Attributes<'_>) -> Option<Option<&'static Encoding>> {
    let (mut got_pragma, mut need_pragma) = (false, None);
    // A label that names nothing is a failure that stays: `content` says no more then.
    let mut charset: Option<Option<&'static Encoding>> = None;
    let mut seen: Vec<Vec<u8>> = Vec::new();
    while let Some((name, value)) = attributes.advance()? {
        if seen.contains(&name) {
            continue;
        }
        match name.as_slice() {
            b"http-equiv" => got_pragma |= value == b"content-type",
            b"content" if charset.is_none() => {
                if let Some(encoding) = charset_in_content(&value) {
                    charset = Some(Some(encoding));
                    need_pragma = Some(true);
                }
            }
            b"charset" => {
                charset = Some(Encoding::for_label(&value));
                need_pragma = Some(false);
            }
            _ => {}
        }
        seen.push(name);
    }
    let is_said = need_pragma.is_some_and(|need| !need || got_pragma);
    Some(
        charset
            .flatten()
            .filter(|_| is_said)
            .map(as_declared_inside),
    )
}

/// A document that can say in ASCII that it is UTF-16 is not.
fn as_not_utf_16(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16BE || encoding == UTF_16LE {
        UTF_8
    } else {
        encoding
    }
}

fn as_declared_inside(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == X_USER_DEFINED {
        WINDOWS_1252
    } else {
        as_not_utf_16(encoding)
    }
}

/// "Extracting a character encoding from a meta element".
fn charset_in_content(content: &[u8]) -> Option<&'static Encoding> {
    let mut rest = content;
    loop {
        let at = rest
            .windows(7)
            .position(|w| w.eq_ignore_ascii_case(b"charset"))?;
        rest = rest.get(at + 7..)?.trim_ascii_start();
        if let Some(value) = rest.strip_prefix(b"=") {
            let value = value.trim_ascii_start();
            let label = match value.split_first()? {
                (quote @ (b'"' | b'\''), inner) => {
                    inner.get(..inner.iter().position(|b| b == quote)?)?
                }
                _ => value
                    .split(|b| b.is_ascii_whitespace() || *b == b';')
                    .next()?,
            };
            return Encoding::for_label(label);
        }
    }
}

/// "Get an XML encoding": the declaration of XHTML documents.
fn xml_encoding(start: &[u8]) -> Option<&'static Encoding> {
    let is_space = |b: &u8| *b <= b' ';
    let behind_spaces = |bytes: &'_ [u8]| bytes.iter().take_while(|b| is_space(b)).count();
    let declaration = start.strip_prefix(b"<?xml")?;
    let declaration = declaration.get(..memchr::memchr(b'>', declaration)?)?;
    let at = memchr::memmem::find(declaration, b"encoding")?;
    let rest = declaration.get(at + 8..)?;
    let rest = rest.get(behind_spaces(rest)..)?.strip_prefix(b"=")?;
    let value = rest.get(behind_spaces(rest)..)?;
    let (quote, inner) = value
        .split_first()
        .filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let label = inner.get(..inner.iter().position(|b| b == quote)?)?;
    if label.iter().any(is_space) {
        return None;
    }
    Encoding::for_label(label).map(as_not_utf_16)
}

/// The standard's "get an attribute", over and over. `None` where the bytes end, with which the prescan ends
/// too.
struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// An attribute's name and value in lower case.
type Attribute = (Vec<u8>, Vec<u8>);

impl Attributes<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// The next attribute; the inner `None` at the tag's end.
    fn advance(&mut self) -> Option<Option<Attribute>> {
        while self
            .peek()
            .is_some_and(|b| b.is_ascii_whitespace() || b == b'/')
        {
            self.at += 1;
        }
        if self.peek()? == b'>' {
            return Some(None);
        }
        let mut name = Vec::new();
        loop {
            let byte = self.peek()?;
            match byte {
                b'=' if !name.is_empty() => break,
                b'/' | b'>' => return Some(Some((name, Vec::new()))),
                byte if byte.is_ascii_whitespace() => {
                    self.skip_spaces();
                    if self.peek()? != b'=' {
                        return Some(Some((name, Vec::new())));
                    }
                    break;
                }
                byte => name.push(byte.to_ascii_lowercase()),
            }
            self.at += 1;
        }
        self.at += 1;
        self.skip_spaces();
        let value = self.value()?;
        Some(Some((name, value)))
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        match self.peek()? {
            quote @ (b'"' | b'\'') => loop {
                self.at += 1;
                let byte = self.peek()?;
                if byte == quote {
                    self.at += 1;
                    return Some(value);
                }
                value.push(byte.to_ascii_lowercase());
            },
            _ => loop {
                let byte = self.peek()?;
                if byte.is_ascii_whitespace() || byte == b'>' {
                    return Some(value);
                }
                value.push(byte.to_ascii_lowercase());
                self.at += 1;
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(body: &[u8], http: Option<&str>) -> &'static str {
        decode(body, http).1.name()
    }

    #[test]
    fn r3_order_of_evidence() {
        assert_eq!(
            name(b"\xef\xbb\xbf<meta charset=koi8-r>", Some("windows-1251")),
            "UTF-8"
        );
        assert_eq!(
            name(b"<meta charset=koi8-r>", Some("windows-1251")),
            "windows-1251"
        );
        assert_eq!(name(b"<meta charset=koi8-r>", Some("nonsense")), "KOI8-R");
        assert_eq!(name(b"plain", None), "windows-1252");
        assert_eq!(name("gr\u{fc}n".as_bytes(), None), "UTF-8");
    }

    #[test]
    fn r3_japanese_in_ascii_is_detected() {
        let body = b"<a href=x>\x1b$BF|K\\8l\x1b(B</a>";
        let (text, encoding) = decode(body, None);
        assert_eq!(
            (text.as_ref(), encoding),
            ("<a href=x>\u{65e5}\u{672c}\u{8a9e}</a>", ISO_2022_JP)
        );
        for body in [
            &b"<p>\x1b[31mred\x1b[0m"[..],
            b"<p>\x1b",
            b"<p>\x1b$B\x20\x1b(B",
        ] {
            assert_eq!(name(body, None), "windows-1252", "{body:?}");
        }
        assert_eq!(name(b"<meta charset=koi8-r>\x1b$BF|\x1b(B", None), "KOI8-R");
    }

    #[test]
    fn r3_utf_8_that_ends_inside_a_character_is_utf_8() {
        let text = "<p>Größe und Länge, 日本語".as_bytes();
        for cut in [1, 2] {
            assert_eq!(name(&text[..text.len() - cut], None), "UTF-8");
        }
        // The same byte is a letter where nothing else says UTF-8.
        assert_eq!(name(b"<p>caf\xe9", None), "windows-1252");
    }

    #[test]
    fn r3_prescan() {
        for (html, expected) in [
            (
                &b"<!-- <meta charset=koi8-r> --><META CHARSET='gb18030'>"[..],
                "gb18030",
            ),
            (
                b"<meta http-equiv=Content-Type content='text/html; charset=shift_jis'>",
                "Shift_JIS",
            ),
            (
                b"<meta content='text/html; charset=shift_jis'>",
                "windows-1252",
            ),
            (
                b"<meta content='x;charset=\"euc-kr\"' http-equiv=content-type>",
                "EUC-KR",
            ),
            (b"<meta charset=utf-16>", "UTF-8"),
            (b"<meta charset=x-user-defined>", "windows-1252"),
            (
                b"<a title='<meta charset=koi8-r>'><meta charset=big5>",
                "Big5",
            ),
            (
                b"<?xml version=\"1.0\" encoding=\"EUC-JP\"?><html>",
                "EUC-JP",
            ),
            (b"<meta charset", "windows-1252"),
            // Whatever the bytes end in says nothing.
            (b"<meta charset=koi8-r ", "windows-1252"),
            (b"<meta charset=koi8-r", "windows-1252"),
            (b"<meta charset='koi8-r", "windows-1252"),
            (b"<?xml encoding='koi8-r'?><meta charset=big5 ", "KOI8-R"),
            (b"<?xml encoding='koi8-r'?><!-- ", "KOI8-R"),
            (b"<?xml encoding='koi8-r'?><a b", "KOI8-R"),
            // A label that names nothing is said, and is nothing.
            (
                b"<meta charset=bogus content='x;charset=koi8-r' http-equiv=content-type>",
                "windows-1252",
            ),
            (
                b"<meta content='x;charset=koi8-r' charset=bogus http-equiv=content-type>",
                "windows-1252",
            ),
            (
                b"<meta content='x;charset=bogus' charset=koi8-r><meta charset=big5>",
                "KOI8-R",
            ),
            (b"<meta charset=bogus><meta charset=big5>", "Big5"),
            // Of a declaration of XML no label with white space, and no name but that of an encoding.
            (b"<?xml encoding=\" koi8-r \"?>", "windows-1252"),
            (b"<?xml encoding=\"koi8\n-r\"?>", "windows-1252"),
            (b"<?xml encoding\x01=\x02'koi8-r'?>", "KOI8-R"),
            (b"<?xml encoding='utf-16'?>", "UTF-8"),
            (b"<?xml encoding='koi8-r'", "windows-1252"),
            (b" <?xml encoding='koi8-r'?>", "windows-1252"),
            (b"<!-->x<meta charset=koi8-u>", "KOI8-U"),
        ] {
            assert_eq!(
                name(html, None),
                expected,
                "{}",
                String::from_utf8_lossy(html)
            );
        }
        for (spaces, expected) in [(1003, "KOI8-R"), (1004, "windows-1252")] {
            let late = [vec![b' '; spaces], b"<meta charset=koi8-r>".to_vec()].concat();
            assert_eq!(name(&late, None), expected, "{spaces}");
        }
    }

    #[test]
    fn r3_xml_in_utf_16_is_told_without_a_bom() {
        let xml = "<?xml version='1.0'?><a href=x>\u{e9}</a>";
        let (little, big): (Vec<u8>, Vec<u8>) = (
            xml.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            xml.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        );
        for (body, encoding) in [(little, UTF_16LE), (big, UTF_16BE)] {
            let (text, found) = decode(&body, None);
            assert_eq!((text.as_ref(), found), (xml, encoding));
            assert_eq!(name(&body, Some("koi8-r")), "KOI8-R");
        }
    }
}
