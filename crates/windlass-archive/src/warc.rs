//! The header of a WARC record (ISO 28500; 0.17, 0.18, 1.0 and 1.1 read alike).

use crate::start;

/// The fields that matter of a record's header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WarcHeader {
    pub(crate) record_type: Option<String>,
    pub(crate) target_uri: Option<Vec<u8>>,
    pub(crate) date: Option<String>,
    pub(crate) content_type: Option<String>,
    /// `Content-Length`; the outer `None` where it is missing, the inner where it is no number.
    pub(crate) content_length: Option<Option<u64>>,
    pub(crate) refers_to_uri: Option<Vec<u8>>,
    pub(crate) refers_to_date: Option<String>,
    /// One of these is there more than once.
    pub(crate) has_repeats: bool,
}

impl WarcHeader {
    /// Reads a header block, from its version line to the empty line. Names are compared without
    /// regard to case; of a field that is there twice the first counts; lines without a colon are
    /// passed over.
    pub(crate) fn parse(block: &[u8]) -> Self {
        let mut header = Self::default();
        let mut field: Option<(&[u8], Vec<u8>)> = None;
        for line in block.split(|b| *b == b'\n').skip(1) {
            let line = line.trim_ascii_end();
            if line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
                if let Some((_, value)) = &mut field {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                continue;
            }
            if let Some((name, value)) = field.take() {
                header.set(name, value);
            }
            field = memchr::memchr(b':', line).map(|colon| {
                let (name, value) = line.split_at(colon);
                let value = value.get(1..).unwrap_or_default();
                (name.trim_ascii(), value.trim_ascii().to_vec())
            });
        }
        if let Some((name, value)) = field {
            header.set(name, value);
        }
        header
    }

    /// Whether the content is called HTTP, or nothing.
    pub(crate) fn is_http(&self) -> bool {
        self.content_type
            .as_deref()
            .is_none_or(|t| t.trim().is_empty() || t.to_ascii_lowercase().contains("http"))
    }

    /// Whether the content is called JSON, as that of a WAT record is.
    pub(crate) fn is_json(&self) -> bool {
        self.content_type.as_deref().is_some_and(|t| {
            t.trim_start()
                .to_ascii_lowercase()
                .starts_with("application/json")
        })
    }

    fn set(&mut self, name: &[u8], value: Vec<u8>) {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        let is_repeated = if is("WARC-Type") {
            put(&mut self.record_type, text(&value).to_ascii_lowercase())
        } else if is("WARC-Target-URI") {
            put(&mut self.target_uri, value)
        } else if is("WARC-Date") {
            put(&mut self.date, text(&value))
        } else if is("Content-Type") {
            put(&mut self.content_type, text(&value))
        } else if is("Content-Length") {
            let length = std::str::from_utf8(&value)
                .ok()
                .and_then(|t| t.parse().ok());
            put(&mut self.content_length, length)
        } else if is("WARC-Refers-To-Target-URI") {
            put(&mut self.refers_to_uri, value)
        } else if is("WARC-Refers-To-Date") {
            put(&mut self.refers_to_date, text(&value))
        } else {
            false
        };
        self.has_repeats |= is_repeated;
    }
}

/// Sets what is not set yet; whether it was.
fn put<T>(slot: &mut Option<T>, value: T) -> bool {
    let was_set = slot.is_some();
    slot.get_or_insert(value);
    was_set
}

/// Where the last version line begins that stands at the end of another line of a header block: the writer was
/// stopped within that line, and began anew.
pub(crate) fn last_version_line(block: &[u8]) -> Option<usize> {
    let found = memchr::memmem::rfind_iter(block, b"WARC/").find(|&at| {
        let rest = block.get(at..).unwrap_or_default();
        start::version_line_len(rest).is_some()
    });
    found.filter(|at| *at > 0)
}

/// Where a header block ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockEnd {
    /// Behind its empty line, after so many bytes.
    EmptyLine(usize),
    /// Without one: after so many bytes another record's version line stands. The writer was stopped in
    /// the header, and began anew.
    VersionLine(usize),
}

/// The end of the header block at the start of `bytes`. `searched` bytes were looked at before without
/// finding it.
pub(crate) fn block_end(bytes: &[u8], searched: usize) -> Option<BlockEnd> {
    let from = searched.saturating_sub(start::VERSION_LINE_BYTES_MAX + 1);
    let rest = bytes.get(from..)?;
    memchr::memchr_iter(b'\n', rest).find_map(|at| {
        let after = from + at + 1;
        match bytes.get(after..)? {
            [b'\n', ..] => Some(BlockEnd::EmptyLine(after + 1)),
            [b'\r', b'\n', ..] => Some(BlockEnd::EmptyLine(after + 2)),
            line => start::version_line_len(line).map(|_| BlockEnd::VersionLine(after)),
        }
    })
}

/// Whether an empty line stands in `bytes`, behind another.
pub(crate) fn has_empty_line(bytes: &[u8]) -> bool {
    [&b"\n\n"[..], b"\n\r\n"]
        .iter()
        .any(|line| memchr::memmem::find(bytes, line).is_some())
}

/// A URI as archives write it, made a string: without angle brackets, and with the bytes that are
/// not UTF-8 percent-encoded.
pub(crate) fn uri_text(raw: &[u8]) -> String {
    let raw = raw.trim_ascii();
    let bare = raw
        .strip_prefix(b"<")
        .and_then(|r| r.strip_suffix(b">"))
        .unwrap_or(raw);
    let mut text = String::with_capacity(bare.len());
    for chunk in bare.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Whether a URI is `http` or `https`, the only ones that are pages (R4).
pub(crate) fn is_web(uri: &str) -> bool {
    ["http:", "https:"].iter().any(|scheme| {
        uri.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_without_regard_to_case_or_line_ends() {
        let block = b"WARC/1.0\nwarc-type: Response \nWARC-Target-URI:<http://a/\xe9 b>\r\n\
            Content-Length: 12\nX: y\n z\nWARC-Date: 2014\n\n";
        let header = WarcHeader::parse(block);
        assert_eq!(header.record_type.as_deref(), Some("response"));
        assert_eq!(
            header.target_uri.as_deref().map(uri_text).as_deref(),
            Some("http://a/%E9 b")
        );
        assert_eq!(header.content_length, Some(Some(12)));
        assert_eq!(header.date.as_deref(), Some("2014"));
        let end = BlockEnd::EmptyLine(block.len());
        assert_eq!(block_end(block, 0), Some(end));
    }

    #[test]
    fn tells_a_missing_length_from_a_broken_one() {
        let length = |block: &[u8]| WarcHeader::parse(block).content_length;
        assert_eq!(length(b"WARC/1.0\r\n\r\n"), None);
        assert_eq!(
            length(b"WARC/1.0\r\nContent-Length: -5\r\n\r\n"),
            Some(None)
        );
    }

    #[test]
    fn finds_the_end_of_the_block_across_reads() {
        let block = b"WARC/1.0\r\nA: b\r\n\r\nrest";
        for searched in 0..=16 {
            let end = Some(BlockEnd::EmptyLine(18));
            assert_eq!(block_end(block, searched), end, "{searched}");
        }
        let block = b"WARC/1.0\r\nA: WARC/1.0\r\nWARC/1.1.1111111111\r\n\r\n";
        for searched in 0..=44 {
            let found = block_end(block.get(..searched).unwrap(), 0);
            let end = Some(BlockEnd::VersionLine(23));
            assert!(found.is_none() || found == end, "{searched}");
            if found.is_none() {
                assert_eq!(block_end(block, searched), end, "{searched}");
            }
        }
    }
}
