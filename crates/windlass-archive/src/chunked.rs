//! The chunked transfer coding (RFC 9112, 7.1).

/// What undoing it gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unchunked {
    /// The whole body.
    Whole(Vec<u8>),
    /// The body does not begin with a chunk.
    NotChunked,
    /// The body up to where it breaks, and why it does.
    Broken(Vec<u8>, &'static str),
}

/// Undoes the coding. Chunk extensions and trailers are passed over; lines may end in LF alone.
pub(crate) fn undo(body: &[u8]) -> Unchunked {
    let mut out = Vec::new();
    let mut rest = body;
    let mut is_first = true;
    loop {
        let Some((size, after)) = size_line(rest) else {
            return match (is_first, rest.trim_ascii().is_empty()) {
                (true, _) => Unchunked::NotChunked,
                (_, true) => Unchunked::Broken(out, "the chunked body has no last chunk"),
                _ => Unchunked::Broken(out, "a chunk of the body has no size"),
            };
        };
        if size == 0 {
            return Unchunked::Whole(out);
        }
        let Some((chunk, after)) = after.split_at_checked(size) else {
            // Without a whole first chunk the line may as well be the beginning of a text.
            if is_first && !is_line(rest) {
                return Unchunked::NotChunked;
            }
            out.extend_from_slice(after);
            return Unchunked::Broken(out, "the body ends inside a chunk");
        };
        out.extend_from_slice(chunk);
        rest = after
            .strip_prefix(b"\r\n")
            .or_else(|| after.strip_prefix(b"\n"))
            .unwrap_or(after);
        is_first = false;
    }
}

/// The size on the first line of `bytes`, and what follows the line.
fn size_line(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let digits = bytes
        .iter()
        .take_while(|b| b.is_ascii_hexdigit())
        .take(16)
        .count();
    let size = std::str::from_utf8(bytes.get(..digits)?).ok()?;
    let size = usize::from_str_radix(size, 16).ok()?;
    let rest = bytes.get(digits..)?;
    let end = memchr::memchr(b'\n', rest.get(..rest.len().min(4096))?)?;
    let extension = rest.get(..end)?.trim_ascii();
    let is_size_line = extension.is_empty() || extension.starts_with(b";");
    is_size_line.then(|| (size, rest.get(end + 1..).unwrap_or_default()))
}

/// Whether the first line ends as HTTP's lines do.
fn is_line(bytes: &[u8]) -> bool {
    memchr::memchr(b'\n', bytes)
        .and_then(|at| bytes.get(at.checked_sub(1)?))
        .is_some_and(|b| *b == b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undoes_chunks_with_extensions_and_trailers() {
        for body in [
            "4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n",
            "4;a=b\r\nWiki\r\n005 \r\npedia\r\n0\r\nDate: x\r\n\r\n",
            "4\nWiki\n5\npedia\n0\n\n",
        ] {
            let expected = Unchunked::Whole(b"Wikipedia".to_vec());
            assert_eq!(undo(body.as_bytes()), expected, "{body:?}");
        }
    }

    #[test]
    fn leaves_alone_what_is_not_chunked() {
        for body in [
            "<html>\r\n",
            "ade is a drink\r\n",
            "",
            "\r\n4\r\n",
            "face\nbook",
        ] {
            assert_eq!(undo(body.as_bytes()), Unchunked::NotChunked, "{body:?}");
        }
    }

    #[test]
    fn keeps_what_comes_before_a_break() {
        for (body, kept) in [
            ("4\r\nWiki\r\n", "Wiki"),
            ("4\r\nWiki\r\n9\r\npedia", "Wikipedia"),
            ("4\r\nWiki\r\nxyz", "Wiki"),
            ("9\r\nWiki", "Wiki"),
        ] {
            match undo(body.as_bytes()) {
                Unchunked::Broken(bytes, _) => assert_eq!(bytes, kept.as_bytes(), "{body:?}"),
                other => panic!("{body:?}: {other:?}"),
            }
        }
    }
}
