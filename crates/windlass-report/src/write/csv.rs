//! CSV by RFC 4180: a header row, lines end with CRLF, quotes only where they are needed.

use std::io::{self, Write};

use super::{RowWriter, bare};
use crate::report::Cell;

pub(super) struct Rows<W> {
    out: W,
}

impl<W: Write> Rows<W> {
    pub(super) fn begin(names: impl Iterator<Item = &'static str>, mut out: W) -> io::Result<Self> {
        for (i, name) in names.enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(out, "{comma}{name}")?;
        }
        out.write_all(b"\r\n")?;
        Ok(Self { out })
    }
}

impl<W: Write> RowWriter for Rows<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.out.write_all(b",")?;
            }
            match cell {
                Cell::Text(text) => field(text, &mut self.out)?,
                // A line of one column would be a blank line.
                Cell::Missing if cells.len() == 1 => self.out.write_all(b"\"\"")?,
                Cell::Missing => {}
                Cell::Integer(_) | Cell::Date(_) | Cell::Boolean(_) => bare(*cell, &mut self.out)?,
            }
        }
        self.out.write_all(b"\r\n")
    }

    fn finish(self: Box<Self>, _stats: &[(&'static str, u64)]) -> io::Result<()> {
        Ok(())
    }
}

/// A text field, with an apostrophe before what a spreadsheet would run as a formula.
fn field(text: &str, out: &mut impl Write) -> io::Result<()> {
    // An empty text is quoted: it is there, which a missing one is not, and a line of one column
    // would be a blank line.
    let is_quoted = text.is_empty() || text.contains([',', '"', '\r', '\n']);
    let quote: &[u8] = if is_quoted { b"\"" } else { b"" };
    out.write_all(quote)?;
    let mut plain = 0;
    let mut at_start = true;
    for (at, c) in text.char_indices() {
        let inserted: &[u8] = match c {
            '"' => b"\"",
            _ if at_start && starts_formula(c) => b"'",
            _ => b"",
        };
        if !inserted.is_empty() {
            out.write_all(text.as_bytes().get(plain..at).unwrap_or_default())?;
            out.write_all(inserted)?;
            plain = at;
        }
        at_start = begins_cell(c) || (at_start && may_be_dropped(c));
    }
    out.write_all(text.as_bytes().get(plain..).unwrap_or_default())?;
    out.write_all(quote)
}

/// Whether a spreadsheet takes a cell that begins so for a formula: also in the full-width forms.
const fn starts_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

/// Whether a spreadsheet that is set to other separators than the comma begins a cell after it.
const fn begins_cell(c: char) -> bool {
    matches!(c, ';' | '\t' | '\r' | '\n')
}

/// Whether a spreadsheet may pass it over before it looks how a cell begins: white space, quotes,
/// control characters and what is not seen.
fn may_be_dropped(c: char) -> bool {
    let is_unseen = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c == '"' || c.is_whitespace() || c.is_control() || is_unseen
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn formulas_are_defused_wherever_a_cell_may_begin() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum(a1)", "'@sum(a1)"),
            ("＝1＋1", "'＝1＋1"),
            ("|calc", "|calc"),
            ("a=b+c-d@e", "a=b+c-d@e"),
            ("  =1", "  '=1"),
            ("\u{a0}\u{feff}\0=1", "\u{a0}\u{feff}\0'=1"),
            ("\t=1", "\t'=1"),
            ("\tplain", "\tplain"),
            // Separators that a spreadsheet may be set to.
            ("a;=1", "a;'=1"),
            ("a\t=1", "a\t'=1"),
            ("a\n =1", "\"a\n '=1\""),
            ("a;\"=1\"", "\"a;\"\"'=1\"\"\""),
            ("\"=1\"", "\"\"\"'=1\"\"\""),
            // One is enough: a cell that begins with an apostrophe is text.
            ("==1", "'==1"),
            ("'=1", "'=1"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("größe", "größe"),
        ] {
            let mut found = Vec::new();
            field(text, &mut found).unwrap();
            assert_eq!(String::from_utf8(found).unwrap(), expected, "{text:?}");
        }
    }
}
