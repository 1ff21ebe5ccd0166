//! The JSON body of the wire contract: compact, raw UTF-8, keys in table order.

use std::io::{self, Write};

use crate::report::{Cell, Group, Report};

pub(super) fn report(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{{\"{}\":[", report.table().rows_key)?;
    for (i, group) in report.groups().iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        object(report, group, out)?;
    }
    out.write_all(b"],\"stats\":{")?;
    for (i, (name, value)) in report.stats().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(out, "{comma}\"{name}\":{value}")?;
    }
    out.write_all(b"}}")
}

/// A group as an object.
pub(super) fn object(report: &Report<'_>, group: &Group, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{")?;
    for (i, (column, cell)) in report.cells(group).enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(out, "{comma}\"{}\":", column.name)?;
        match cell {
            Cell::Text(text) => string(text, out)?,
            Cell::Integer(number) => write!(out, "{number}")?,
            Cell::Date(time) => write!(out, "\"{time}\"")?,
        }
    }
    out.write_all(b"}")
}

/// A string: only `"`, `\` and control characters are escaped.
pub(super) fn string(text: &str, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}
