//! Tokens of a document, by the tokenisation chapter of the HTML standard.
//!
//! What depends on the open elements is asked of the caller: whether `<![CDATA[` opens a section, and
//! which elements hold raw text. Nothing is decoded or copied. O(length) over the whole document.

use memchr::{memchr, memchr_iter, memchr2, memmem};

/// A piece of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'d> {
    /// Text between markup, character references not decoded.
    Text(&'d str),
    /// The contents of a CDATA section.
    CData(&'d str),
    /// A start tag by its name as written; its attributes are in [`Tokeniser::attributes`].
    Start { name: &'d str, self_closing: bool },
    /// An end tag by its name as written.
    End(&'d str),
}

/// How the contents of an element are read that holds no markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RawText {
    /// Up to the end tag.
    Plain,
    /// Up to the end tag that is not inside `<!-- <script>`, as old pages hide scripts.
    Script,
    /// To the end of the document.
    Endless,
}

/// The attributes of a start tag, as written.
#[derive(Debug, Default)]
pub(super) struct Attributes<'d>(Vec<(&'d str, &'d str)>);

impl<'d> Attributes<'d> {
    /// The value of an attribute as written; of several with one name, that of the first.
    pub(super) fn get(&self, name: &str) -> Option<&'d str> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// Reads tokens in order.
#[derive(Debug)]
pub(super) struct Tokeniser<'d> {
    html: &'d str,
    at: usize,
    attributes: Attributes<'d>,
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

/// Whether a tag's name ends at this byte.
const fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}

impl<'d> Tokeniser<'d> {
    pub(super) fn new(html: &'d str) -> Self {
        Self {
            html,
            at: 0,
            attributes: Attributes::default(),
        }
    }

    /// The attributes of the start tag that was read last.
    pub(super) fn attributes(&self) -> &Attributes<'d> {
        &self.attributes
    }

    /// The next token. A tag that the end of the document cuts is none, as in the standard.
    pub(super) fn next(&mut self, allows_cdata: bool) -> Option<Token<'d>> {
        while self.at < self.html.len() {
            let markup = self.markup_start();
            if markup > self.at {
                let text = self.slice(self.at, markup);
                self.at = markup;
                return Some(Token::Text(text));
            }
            let token = match self.rest(1) {
                [b'/', first, ..] if first.is_ascii_alphabetic() => self.end_tag(),
                [b'/', b'>', ..] => {
                    self.at += 3;
                    None
                }
                [b'!', b'-', b'-', ..] => {
                    self.skip_comment();
                    None
                }
                [b'!', rest @ ..] if allows_cdata && rest.starts_with(b"[CDATA[") => {
                    Some(self.cdata())
                }
                // Also document types, of which nothing is needed.
                [b'/' | b'!' | b'?', ..] => {
                    self.skip_behind(b">");
                    None
                }
                _ => self.start_tag(),
            };
            if token.is_some() {
                return token;
            }
        }
        None
    }

    /// The contents of the element whose start tag was read last. Its end tag comes next.
    pub(super) fn raw_text(&mut self, name: &str, kind: RawText) -> &'d str {
        let start = self.at;
        let length = match kind {
            RawText::Plain => plain_end(self.rest(0), name),
            RawText::Script => script_end(self.rest(0)),
            RawText::Endless => None,
        };
        self.at = length.map_or(self.html.len(), |length| start + length);
        self.slice(start, self.at)
    }

    fn slice(&self, start: usize, end: usize) -> &'d str {
        // All bounds are those of the document or beside ASCII bytes, so this never comes out empty.
        self.html.get(start..end).unwrap_or_default()
    }

    fn rest(&self, offset: usize) -> &'d [u8] {
        self.html
            .as_bytes()
            .get(self.at + offset..)
            .unwrap_or_default()
    }

    /// Where the next `<` is that is not text.
    fn markup_start(&self) -> usize {
        let rest = self.rest(0);
        memchr_iter(b'<', rest)
            .find(|at| match rest.get(at + 1..).unwrap_or_default() {
                [b'/', ..] => at + 2 < rest.len(),
                [b'!' | b'?', ..] => true,
                [first, ..] => first.is_ascii_alphabetic(),
                [] => false,
            })
            .map_or(self.html.len(), |at| self.at + at)
    }

    /// Goes behind the next `end`, or to the end of the document.
    fn skip_behind(&mut self, end: &[u8]) {
        self.at =
            memmem::find(self.rest(0), end).map_or(self.html.len(), |at| self.at + at + end.len());
    }

    fn skip_comment(&mut self) {
        self.at += 4;
        let text = self.rest(0);
        if text.starts_with(b">") {
            self.at += 1;
        } else if text.starts_with(b"->") {
            self.at += 2;
        } else {
            let end = memmem::find_iter(text, b"--").find_map(|at| {
                match text.get(at + 2..).unwrap_or_default() {
                    [b'>', ..] => Some(at + 3),
                    [b'!', b'>', ..] => Some(at + 4),
                    // Of three hyphens the last two may be the end; matches do not overlap.
                    [b'-', b'>', ..] => Some(at + 4),
                    [b'-', b'!', b'>', ..] => Some(at + 5),
                    _ => None,
                }
            });
            self.at = end.map_or(self.html.len(), |end| self.at + end);
        }
    }

    fn cdata(&mut self) -> Token<'d> {
        let start = self.at + "<![CDATA[".len();
        let text = self.html.as_bytes().get(start..).unwrap_or_default();
        let (end, behind) = memmem::find(text, b"]]>")
            .map_or((self.html.len(), self.html.len()), |at| {
                (start + at, start + at + 3)
            });
        self.at = behind;
        Token::CData(self.slice(start, end))
    }

    fn end_tag(&mut self) -> Option<Token<'d>> {
        self.at += 2;
        let name = self.tag_name();
        self.read_attributes()?;
        Some(Token::End(name))
    }

    fn start_tag(&mut self) -> Option<Token<'d>> {
        self.at += 1;
        let name = self.tag_name();
        let self_closing = self.read_attributes()?;
        Some(Token::Start { name, self_closing })
    }

    fn tag_name(&mut self) -> &'d str {
        self.take_until(ends_name)
    }

    fn take_until(&mut self, is_end: impl Fn(u8) -> bool) -> &'d str {
        let start = self.at;
        let rest = self.rest(0);
        let length = rest.iter().position(|b| is_end(*b)).unwrap_or(rest.len());
        self.at = start + length;
        self.slice(start, self.at)
    }

    fn skip_space(&mut self) {
        self.take_until(|b| !is_space(b));
    }

    fn next_byte(&self) -> Option<u8> {
        self.html.as_bytes().get(self.at).copied()
    }

    /// Reads what is between a tag's name and what is behind its `>`. Whether the tag is self-closing,
    /// or `None` where the document ends inside it.
    fn read_attributes(&mut self) -> Option<bool> {
        self.attributes.0.clear();
        loop {
            self.skip_space();
            match self.next_byte()? {
                b'>' => {
                    self.at += 1;
                    return Some(false);
                }
                b'/' => {
                    self.at += 1;
                    if self.next_byte()? == b'>' {
                        self.at += 1;
                        return Some(true);
                    }
                }
                _ => {
                    let attribute = self.attribute()?;
                    self.attributes.0.push(attribute);
                }
            }
        }
    }

    fn attribute(&mut self) -> Option<(&'d str, &'d str)> {
        let start = self.at;
        // A `=` in front is part of the name.
        if self.next_byte()? == b'=' {
            self.at += 1;
        }
        self.take_until(|b| ends_name(b) || b == b'=');
        let name = self.slice(start, self.at);
        self.skip_space();
        if self.next_byte()? != b'=' {
            return Some((name, ""));
        }
        self.at += 1;
        self.skip_space();
        let value = match self.next_byte()? {
            quote @ (b'"' | b'\'') => {
                let start = self.at + 1;
                let Some(length) = memchr(quote, self.rest(1)) else {
                    self.at = self.html.len();
                    return None;
                };
                self.at = start + length + 1;
                self.slice(start, start + length)
            }
            _ => self.take_until(|b| is_space(b) || b == b'>'),
        };
        Some((name, value))
    }
}

/// Whether a text starts with a tag's name, whatever the case of its letters, that ends there.
fn starts_with_name(text: &[u8], name: &str) -> bool {
    text.split_at_checked(name.len())
        .is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(name.as_bytes())
                && rest.first().is_some_and(|b| ends_name(*b))
        })
}

/// Where the end tag `name` is.
fn plain_end(text: &[u8], name: &str) -> Option<usize> {
    memmem::find_iter(text, b"</")
        .find(|at| starts_with_name(text.get(at + 2..).unwrap_or_default(), name))
}

/// Where the end tag of a script is. Behind `<!--` a `<script` opens what the next `</script` closes,
/// until `-->`.
fn script_end(text: &[u8]) -> Option<usize> {
    let (mut is_escaped, mut is_nested) = (false, false);
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += if is_escaped {
            memchr2(b'<', b'-', rest)?
        } else {
            memchr(b'<', rest)?
        };
        let rest = text.get(at..).unwrap_or_default();
        at += 1;
        match rest {
            [b'-', b'-', b'>', ..] => (is_escaped, is_nested) = (false, false),
            [b'<', b'/', name @ ..] if starts_with_name(name, "script") => {
                if !is_nested {
                    return Some(at - 1);
                }
                is_nested = false;
            }
            [b'<', b'!', b'-', b'-', ..] if !is_escaped => {
                is_escaped = true;
                // The hyphens that open may be those that close.
                at += 1;
            }
            [b'<', name @ ..] if is_escaped && starts_with_name(name, "script") => {
                is_nested = true;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens in a short notation; elements whose contents are raw as in HTML.
    fn tokens(html: &str) -> Vec<String> {
        let mut tokeniser = Tokeniser::new(html);
        let mut all = Vec::new();
        while let Some(token) = tokeniser.next(html.starts_with("<svg>")) {
            match token {
                Token::Text(text) => all.push(text.to_owned()),
                Token::CData(text) => all.push(format!("cdata {text}")),
                Token::End(name) => all.push(format!("end {name}")),
                Token::Start { name, self_closing } => {
                    let mut shown = format!("start {name}");
                    for (name, value) in &tokeniser.attributes.0 {
                        shown += &format!(" {name}={value}");
                    }
                    if self_closing {
                        shown += " /";
                    }
                    all.push(shown);
                    let kind = match name {
                        "script" => RawText::Script,
                        "style" => RawText::Plain,
                        "plaintext" => RawText::Endless,
                        _ => continue,
                    };
                    all.push(format!("raw {}", tokeniser.raw_text(name, kind)));
                }
            }
        }
        all
    }

    #[test]
    fn tags_and_attributes() {
        for (html, expected) in [
            ("a<b>c</b >d", &["a", "start b", "c", "end b", "d"][..]),
            ("<a href=x/>", &["start a href=x/"]),
            ("<a href='x'/>", &["start a href=x /"]),
            ("<svg/>", &["start svg /"]),
            ("<br / >", &["start br"]),
            (
                "<a B = 'c>' d e=\"f\"g=h\ni>",
                &["start a B=c> d= e=f g=h i="],
            ),
            ("<a =b=c x\"y>", &["start a =b=c x\"y="]),
            ("<a b=>c", &["start a b=", "c"]),
            ("<a/b/c=d>", &["start a b= c=d"]),
            ("a < b <3 c<", &["a < b <3 c<"]),
            ("a</>b</ c>d<?e>f<!g>h", &["a", "b", "d", "f", "h"]),
            ("a</", &["a</"]),
            ("<!DOCTYPE html>a<b", &["a"]),
            ("a<b c='>", &["a"]),
            ("é<é>ü", &["é<é>ü"]),
        ] {
            assert_eq!(tokens(html), expected, "{html}");
        }
    }

    #[test]
    fn comments_and_sections() {
        for (html, expected) in [
            ("a<!-- <b> -- - --->c", &["a", "c"][..]),
            ("<!-->a<!--->b<!---->c<!----->d", &["a", "b", "c", "d"]),
            ("<!-- --!>a<!---!>b-->c", &["a", "c"]),
            ("<!-- ---!>a<!-- <!-->b", &["a", "b"]),
            ("<!----!>a<!--", &["a"]),
            ("<![CDATA[a>b]]>", &["b]]>"]),
            ("<svg><![CDATA[<a>]]>b", &["start svg", "cdata <a>", "b"]),
            ("<svg><![CDATA[]]", &["start svg", "cdata ]]"]),
        ] {
            assert_eq!(tokens(html), expected, "{html}");
        }
    }

    #[test]
    fn raw_text_ends_at_its_end_tag() {
        for (html, expected) in [
            (
                "<style></b></styles></STYLE x=y>a",
                &["start style", "raw </b></styles>", "end STYLE", "a"][..],
            ),
            ("<style>a</style", &["start style", "raw a</style"]),
            (
                "<script><!-- <script> </script> --></script>a",
                &[
                    "start script",
                    "raw <!-- <script> </script> -->",
                    "end script",
                    "a",
                ],
            ),
            (
                "<script><!-- </script>a",
                &["start script", "raw <!-- ", "end script", "a"],
            ),
            (
                "<script><!--><script></script>a",
                &["start script", "raw <!--><script>", "end script", "a"],
            ),
            (
                "<script><!-- <script> --></script>a",
                &["start script", "raw <!-- <script> -->", "end script", "a"],
            ),
            (
                "<script><!-- <script> </script> </script>a",
                &[
                    "start script",
                    "raw <!-- <script> </script> ",
                    "end script",
                    "a",
                ],
            ),
            (
                "<plaintext>a</plaintext>",
                &["start plaintext", "raw a</plaintext>"],
            ),
        ] {
            assert_eq!(tokens(html), expected, "{html}");
        }
    }
}
