//! Where a record starts: the one question that all resynchronising asks.

use crate::arc::ArcLine;

/// The longest ARC header line that is believed.
pub(crate) const ARC_LINE_BYTES_MAX: usize = 64 << 10;

/// Bytes behind a version line that [`find`] wants to see before it believes the line.
pub(crate) const LOOK_AHEAD_BYTES: usize = 256;

/// The longest version line, with its line end.
pub(crate) const VERSION_LINE_BYTES_MAX: usize = 21;

/// The two families of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `WARC/…`
    Warc,
    /// A line of an ARC file.
    Arc,
}

/// The family of the record that starts with the first of these bytes, if one does.
pub(crate) fn family(bytes: &[u8]) -> Option<Family> {
    if version_line_len(bytes).is_some() {
        return Some(Family::Warc);
    }
    let line = bytes.get(..memchr::memchr(b'\n', bytes)?)?;
    ArcLine::parse(line).map(|_| Family::Arc)
}

/// Whether a gzip member or zstd frame that unpacks to these bytes may hold records. Weaker than
/// [`family`], since the bytes may end anywhere.
pub(crate) fn may_begin(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"WARC/") {
        return true;
    }
    let scheme = bytes
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    (3..=16).contains(&scheme) && bytes.get(scheme) == Some(&b':')
}

/// The length of the `WARC/x.y` line at the start of `bytes`, with its line end.
pub(crate) fn version_line_len(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"WARC/")?;
    let line = rest.get(..rest.len().min(VERSION_LINE_BYTES_MAX - 5))?;
    let end = memchr::memchr(b'\n', line)?;
    let version = line.get(..end)?.trim_ascii_end();
    let is_version = version.first().is_some_and(u8::is_ascii_digit)
        && version.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    is_version.then_some(5 + end + 1)
}

/// The first place in `bytes` where a record of the family starts at the start of a line.
/// `at_line_start` says whether the first byte is at one.
pub(crate) fn find(bytes: &[u8], family: Option<Family>, at_line_start: bool) -> Option<usize> {
    let warc = (family != Some(Family::Arc))
        .then(|| find_warc(bytes, at_line_start))
        .flatten();
    let arc = (family != Some(Family::Warc))
        .then(|| find_arc(bytes, at_line_start))
        .flatten();
    match (warc, arc) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn find_warc(bytes: &[u8], at_line_start: bool) -> Option<usize> {
    memchr::memmem::find_iter(bytes, b"WARC/").find(|&at| {
        let line_start = match at.checked_sub(1) {
            None => at_line_start,
            Some(before) => bytes.get(before) == Some(&b'\n'),
        };
        let rest = bytes.get(at..).unwrap_or_default();
        line_start && version_line_len(rest).is_some_and(|n| is_field(rest.get(n..)))
    })
}

/// A `Name:` follows the version line.
fn is_field(bytes: Option<&[u8]>) -> bool {
    let bytes = bytes.unwrap_or_default();
    let name = bytes
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'-')
        .count();
    (1..64).contains(&name) && bytes.get(name) == Some(&b':')
}

fn find_arc(bytes: &[u8], at_line_start: bool) -> Option<usize> {
    let first = at_line_start.then_some(0);
    let starts = first
        .into_iter()
        .chain(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
    let is_start = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        if !may_begin(rest) {
            return false;
        }
        let line = rest.get(..rest.len().min(ARC_LINE_BYTES_MAX));
        let line = line.unwrap_or_default();
        memchr::memchr(b'\n', line)
            .and_then(|end| line.get(..end))
            .is_some_and(|line| ArcLine::parse(line).is_some())
    };
    starts.into_iter().find(|&at| is_start(at))
}
