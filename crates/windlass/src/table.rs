//! Tables for people: aligned by display width, cut to what a terminal holds.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of text under a header.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

/// Widest cell, in terminal columns; longer ones are cut with an ellipsis.
const CELL_WIDTH_MAX: usize = 60;

impl Table {
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        let columns = columns
            .iter()
            .map(|(name, align)| ((*name).to_owned(), *align))
            .collect();
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        self.rows
            .push(cells.iter().map(|cell| shown(cell)).collect());
    }

    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let width = |i: usize, name: &str| {
            let cells = self
                .rows
                .iter()
                .filter_map(|row| row.get(i))
                .map(|cell| cell.width());
            cells.chain([name.width()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, (name, _))| width(i, name))
            .collect();
        let bold = anstyle::Style::new().bold();
        let header: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        writeln!(out, "{bold}{}{bold:#}", self.line(&header, &widths))?;
        for row in &self.rows {
            writeln!(out, "{}", self.line(row, &widths))?;
        }
        Ok(())
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (i, ((cell, (_, align)), width)) in
            cells.iter().zip(&self.columns).zip(widths).enumerate()
        {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            if i > 0 {
                line.push_str("  ");
            }
            match align {
                Align::Left => line.extend([cell.as_str(), &padding]),
                Align::Right => line.extend([&padding, cell.as_str()]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Text that cannot disturb a terminal: control and direction-changing characters are replaced.
pub(crate) fn defused(text: &str) -> String {
    let each = text.chars();
    each.map(|c| if is_hostile(c) { '\u{fffd}' } else { c })
        .collect()
}

/// A cell: defused, and cut where it is long.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for c in defused(text).chars() {
        width += c.width().unwrap_or(0);
        if width > CELL_WIDTH_MAX {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

/// Control characters, and those that change the direction of text around them.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_by_display_width_and_defuses_controls() {
        let mut table = Table::new(&[("anchor", Align::Left), ("n", Align::Right)]);
        table.row(&["日本".into(), "1".into()]);
        table.row(&["a\u{1b}[31m\u{202e}".into(), "1,000".into()]);
        let mut out = Vec::new();
        table
            .write(&mut anstream::StripStream::new(&mut out))
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "anchor       n\n日本         1\na\u{fffd}[31m\u{fffd}  1,000\n"
        );
    }
}
