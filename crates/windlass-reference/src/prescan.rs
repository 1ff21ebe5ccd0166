//! The encoding that a document declares in its first bytes (R3): the HTML standard's "prescan a byte stream to
//! determine its encoding", step by step.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// The bytes have ended, and with them the prescan.
struct Ended;

/// A position in the bytes.
struct Position<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// What a document declares, from its first 1024 bytes.
#[must_use]
pub fn prescan(document: &[u8]) -> Option<&'static Encoding> {
    let bytes = &document[..document.len().min(1024)];
    if bytes.starts_with(&[0x3c, 0, 0x3f, 0, 0x78, 0]) {
        return Some(UTF_16LE);
    }
    if bytes.starts_with(&[0, 0x3c, 0, 0x3f, 0, 0x78]) {
        return Some(UTF_16BE);
    }
    match (Position { bytes, at: 0 }).scan() {
        Ok(encoding) => Some(encoding),
        Err(Ended) => xml_encoding(bytes),
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    (from..bytes.len()).find(|at| bytes[*at..].starts_with(needle))
}

impl Position<'_> {
    fn byte(&self) -> Result<u8, Ended> {
        self.bytes.get(self.at).copied().ok_or(Ended)
    }

    fn go_to(&mut self, is_end: impl Fn(u8) -> bool) -> Result<(), Ended> {
        while !is_end(self.byte()?) {
            self.at += 1;
        }
        Ok(())
    }

    /// Whether the bytes here are these, whatever the case of their letters.
    fn is_at(&self, text: &[u8]) -> bool {
        self.bytes[self.at..].len() >= text.len()
            && self.bytes[self.at..][..text.len()].eq_ignore_ascii_case(text)
    }

    fn scan(mut self) -> Result<&'static Encoding, Ended> {
        loop {
            self.byte()?;
            let next = |n: usize| self.bytes.get(self.at + n).copied().unwrap_or_default();
            let is_tag = next(1).is_ascii_alphabetic();
            let is_end_tag = next(1) == b'/' && next(2).is_ascii_alphabetic();
            if self.is_at(b"<!--") {
                self.at = find(self.bytes, self.at + 2, b"-->").ok_or(Ended)? + 2;
            } else if self.is_at(b"<meta") && (is_space(next(5)) || next(5) == b'/') {
                self.at += 5;
                if let Some(encoding) = self.meta()? {
                    return Ok(encoding);
                }
            } else if self.is_at(b"<") && (is_tag || is_end_tag) {
                self.go_to(|byte| is_space(byte) || byte == b'>')?;
                while self.attribute()?.is_some() {}
            } else if self.is_at(b"<!") || self.is_at(b"</") || self.is_at(b"<?") {
                self.go_to(|byte| byte == b'>')?;
            }
            self.at += 1;
        }
    }

    fn meta(&mut self) -> Result<Option<&'static Encoding>, Ended> {
        let mut names: Vec<String> = Vec::new();
        let (mut got_pragma, mut need_pragma) = (false, None);
        let mut charset: Option<Result<&'static Encoding, ()>> = None;
        while let Some((name, value)) = self.attribute()? {
            if names.contains(&name) {
                continue;
            }
            if name == "http-equiv" && value == "content-type" {
                got_pragma = true;
            }
            if name == "content"
                && charset.is_none()
                && let Some(encoding) = encoding_in_content(&value)
            {
                charset = Some(Ok(encoding));
                need_pragma = Some(true);
            }
            if name == "charset" {
                charset = Some(Encoding::for_label(value.as_bytes()).ok_or(()));
                need_pragma = Some(false);
            }
            names.push(name);
        }
        Ok(match (need_pragma, charset) {
            (None, _) | (_, None | Some(Err(()))) => None,
            (Some(true), _) if !got_pragma => None,
            (_, Some(Ok(encoding))) if encoding == UTF_16LE || encoding == UTF_16BE => Some(UTF_8),
            (_, Some(Ok(encoding))) if encoding == X_USER_DEFINED => Some(WINDOWS_1252),
            (_, Some(Ok(encoding))) => Some(encoding),
        })
    }

    /// "Get an attribute"; bytes become the characters of their numbers.
    fn attribute(&mut self) -> Result<Option<(String, String)>, Ended> {
        let lower = |byte: u8| char::from(byte.to_ascii_lowercase());
        self.go_to(|byte| !is_space(byte) && byte != b'/')?;
        if self.byte()? == b'>' {
            return Ok(None);
        }
        let (mut name, mut value) = (String::new(), String::new());
        loop {
            let byte = self.byte()?;
            if byte == b'=' && !name.is_empty() {
                break;
            }
            if is_space(byte) {
                self.go_to(|byte| !is_space(byte))?;
                if self.byte()? != b'=' {
                    return Ok(Some((name, value)));
                }
                break;
            }
            if byte == b'/' || byte == b'>' {
                return Ok(Some((name, value)));
            }
            name.push(lower(byte));
            self.at += 1;
        }
        self.at += 1;
        self.go_to(|byte| !is_space(byte))?;
        let quote = self.byte()?;
        if quote == b'"' || quote == b'\'' {
            loop {
                self.at += 1;
                let byte = self.byte()?;
                if byte == quote {
                    self.at += 1;
                    return Ok(Some((name, value)));
                }
                value.push(lower(byte));
            }
        }
        loop {
            let byte = self.byte()?;
            if is_space(byte) || byte == b'>' {
                return Ok(Some((name, value)));
            }
            value.push(lower(byte));
            self.at += 1;
        }
    }
}

/// "Extracting a character encoding from a meta element"; `content` is in lower case.
fn encoding_in_content(content: &str) -> Option<&'static Encoding> {
    let is_space = |c: char| c.is_ascii() && is_space(c as u8);
    let mut rest = content;
    let value = loop {
        let (_, behind) = rest.split_once("charset")?;
        rest = behind.trim_start_matches(is_space);
        if let Some(value) = rest.strip_prefix('=') {
            break value.trim_start_matches(is_space);
        }
    };
    let label = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split_once(quote)?.0,
        _ => value.split(|c| is_space(c) || c == ';').next()?,
    };
    Encoding::for_label(label.as_bytes())
}

/// "Get an XML encoding".
fn xml_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    if !bytes.starts_with(b"<?xml") {
        return None;
    }
    let bytes = &bytes[..find(bytes, 0, b">")?];
    let mut at = find(bytes, 0, b"encoding")? + 8;
    while *bytes.get(at)? <= 0x20 {
        at += 1;
    }
    if bytes[at] != b'=' {
        return None;
    }
    at += 1;
    while *bytes.get(at)? <= 0x20 {
        at += 1;
    }
    let quote = bytes[at];
    if quote != b'"' && quote != b'\'' {
        return None;
    }
    let label = &bytes[at + 1..find(bytes, at + 1, &[quote])?];
    if label.iter().any(|byte| *byte <= 0x20) {
        return None;
    }
    let encoding = Encoding::for_label(label)?;
    let is_utf_16 = encoding == UTF_16LE || encoding == UTF_16BE;
    Some(if is_utf_16 { UTF_8 } else { encoding })
}
