//! One JSON object a row, each on its line. No stats: every line has the same keys.

use std::io::{self, Write};

use super::json;
use crate::report::Report;

pub(super) fn report(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    for group in report.groups() {
        json::object(report, group, out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
