//! The header line of an ARC record.
//!
//! Version 1: `URL IP date media-type length`. Version 2: `URL IP date media-type result checksum
//! location offset file length`. Genuine files hold URLs with spaces, media types with spaces or
//! none at all, date and IP exchanged, and version 1 lines under a version 2 header; so the line is
//! read from both ends, and the IP address beside the date tells where the URL ends.

/// What is read from the header line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArcLine<'a> {
    /// The URL as written.
    pub(crate) url: &'a [u8],
    /// The date as written.
    pub(crate) date: &'a [u8],
    /// The length of the content in bytes; `None` where the last field is no length (negative).
    pub(crate) length: Option<u64>,
}

impl<'a> ArcLine<'a> {
    /// Reads a line without its line end; `None` where it is no ARC header.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        if !has_scheme(line) {
            return None;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut from_end = line.rsplitn(2, |b| *b == b' ');
        let length = parse_length(from_end.next()?)?;
        let rest = from_end.next()?;
        let (url_end, date) = address_and_date(rest)?;
        let url = rest.get(..url_end)?;
        (!url.is_empty()).then_some(Self { url, date, length })
    }
}

fn has_scheme(line: &[u8]) -> bool {
    let scheme = line
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        .count();
    line.first().is_some_and(u8::is_ascii_alphabetic)
        && (2..=32).contains(&scheme)
        && line.get(scheme) == Some(&b':')
}

/// `Some(None)` for a negative length, `None` for what is no number.
fn parse_length(text: &[u8]) -> Option<Option<u64>> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().ok())
}

/// Where the URL ends, and the date: the last pair of neighbours that are an address and a date in
/// either order; failing that, an address with anything beside it.
fn address_and_date(rest: &[u8]) -> Option<(usize, &[u8])> {
    let mut fields: Vec<(usize, &[u8])> = Vec::new();
    let mut at = 0;
    for field in rest.split(|b| *b == b' ') {
        fields.push((at, field));
        at += field.len() + 1;
    }
    let fields = fields.get(1..)?;
    let pairs = || {
        fields.windows(2).rev().filter_map(|pair| match pair {
            &[(start, a), (_, b)] => Some((start, a, b)),
            _ => None,
        })
    };
    let url_end = |start: usize| start.saturating_sub(1);
    let regular = || {
        pairs().find_map(|(start, a, b)| {
            if is_address(a) && is_date(b) {
                Some((url_end(start), b))
            } else if is_date(a) && is_address(b) {
                Some((url_end(start), a))
            } else {
                None
            }
        })
    };
    let undated = || {
        pairs().find_map(|(start, a, b)| (is_ip(a) && !b.is_empty()).then_some((url_end(start), b)))
    };
    regular().or_else(undated)
}

/// Ten digits or more, whatever follows.
fn is_date(field: &[u8]) -> bool {
    field.iter().take_while(|b| b.is_ascii_digit()).count() >= 10
}

/// An IP address, or one of the words that stand for none.
fn is_address(field: &[u8]) -> bool {
    is_ip(field) || matches!(field, b"None" | b"none" | b"-" | b"null" | b"unknown")
}

fn is_ip(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<(String, String, Option<u64>)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        ArcLine::parse(line.as_bytes()).map(|l| (text(l.url), text(l.date), l.length))
    }

    fn expect(line: &str, url: &str, date: &str, length: Option<u64>) {
        let expected = Some((url.to_owned(), date.to_owned(), length));
        assert_eq!(parsed(line), expected, "{line}");
    }

    #[test]
    fn reads_both_versions() {
        expect(
            "http://a.org/ 1.2.3.4 20080430204826 text/html 680",
            "http://a.org/",
            "20080430204826",
            Some(680),
        );
        expect(
            "http://a.org/ 1.2.3.4 20080430204826 text/html 200 abc - 17 f.arc 680",
            "http://a.org/",
            "20080430204826",
            Some(680),
        );
    }

    #[test]
    fn reads_odd_lines_of_genuine_files() {
        expect(
            "http://a.org/x 1.2.3.4 20000824015105 text/html; Charset=iso-8859-1 20567",
            "http://a.org/x",
            "20000824015105",
            Some(20_567),
        );
        expect(
            "http://a.org/x y  z 1.2.3.4 20000824015105 text/html 5",
            "http://a.org/x y  z",
            "20000824015105",
            Some(5),
        );
        expect(
            "http://a.org/ 1.2.3.4 20110804181142  39",
            "http://a.org/",
            "20110804181142",
            Some(39),
        );
        expect(
            "http://a.org/ 20031219215023 1.2.3.4 text/plain 285",
            "http://a.org/",
            "20031219215023",
            Some(285),
        );
        expect(
            "http://a.org/ None 2016020900 text/html 9",
            "http://a.org/",
            "2016020900",
            Some(9),
        );
        expect(
            "http://a.org/ 1.2.3.4 a0d1fd text/html 9",
            "http://a.org/",
            "a0d1fd",
            Some(9),
        );
        expect(
            "http://a.org/ 1.2.3.4 20120420130223 application/x -204",
            "http://a.org/",
            "20120420130223",
            None,
        );
    }

    #[test]
    fn refuses_what_is_no_header_line() {
        for line in [
            "",
            "HTTP/1.1 200 OK",
            "Location: http://a.org/ 5",
            "http://a.org/",
            "http://a.org/ 1.2.3.4 20080430204826 text/html",
            "org,a)/ 20080430204826 http://a.org/ text/html 200 X - - 5",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
