//! The HTTP message inside a record, as servers have written it: RFC 9112 where they kept to it.

use crate::limits::Limits;

/// A response's head, and where its body begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body_at: usize,
    /// The empty line that ends the header is there.
    pub(crate) is_ended: bool,
}

/// Reads the head of a response. The status text may be missing, the version may be odd (`HTTP`,
/// `HTTP/2`) and lines may end in LF alone, or after any number of CRs; a header that is never ended by an empty
/// line is taken whole, with an empty body. Interim responses (RFC 9110, 15.2), which some crawlers keep before
/// the response itself, are passed over.
pub(crate) fn head(content: &[u8], limits: &Limits) -> Result<Head, String> {
    let mut start = 0;
    loop {
        let rest = content.get(start..).unwrap_or_default();
        let mut head = one_head(rest, limits)?;
        head.body_at += start;
        let behind = content.get(head.body_at..).unwrap_or_default();
        let is_interim = matches!(head.status, 100..=199) && status(behind).is_ok();
        if !is_interim {
            return Ok(head);
        }
        start = head.body_at;
        if start > limits.header_bytes_max {
            let limit = limits.header_bytes_max;
            return Err(format!(
                "the interim HTTP headers are longer than {limit} bytes"
            ));
        }
    }
}

fn one_head(content: &[u8], limits: &Limits) -> Result<Head, String> {
    let status = status(content)?;
    let limit = limits.header_bytes_max;
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    let mut at = line_end(content, 0);
    let is_ended = loop {
        if at > limit {
            return Err(format!("the HTTP header is longer than {limit} bytes"));
        }
        let next = line_end(content, at);
        let line = content.get(at..next).unwrap_or_default();
        let bare = trim_line_end(line);
        at = next;
        if bare.is_empty() {
            break !line.is_empty();
        }
        if bare.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
            // A folded line goes on with the field before it (RFC 9112, 5.2).
            if let Some((_, value)) = headers.last_mut() {
                value.push(b' ');
                value.extend_from_slice(bare.trim_ascii());
            }
        } else if let Some(colon) = memchr::memchr(b':', bare) {
            let (name, value) = bare.split_at(colon);
            let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            headers.push((name, value.to_vec()));
        }
    };
    Ok(Head {
        status,
        headers,
        body_at: at,
        is_ended,
    })
}

/// The status code of `HTTP/1.1 200 OK` and its relatives.
fn status(content: &[u8]) -> Result<u16, String> {
    let line = trim_line_end(content.get(..line_end(content, 0)).unwrap_or_default());
    let wrong = || {
        let found = String::from_utf8_lossy(line.get(..line.len().min(60)).unwrap_or_default());
        format!("expected an HTTP status line such as 'HTTP/1.1 200 OK', found {found:?}")
    };
    let (protocol, rest) = line.split_at_checked(4).ok_or_else(wrong)?;
    if !protocol.eq_ignore_ascii_case(b"HTTP") {
        return Err(wrong());
    }
    let mut fields = rest
        .split(|b| matches!(b, b' ' | b'\t'))
        .skip(1)
        .filter(|field| !field.is_empty());
    // Text may stick to the code, but no fourth digit.
    match fields.next().and_then(|f| f.split_first_chunk::<3>()) {
        Some((code, rest))
            if code.iter().all(u8::is_ascii_digit)
                && !rest.first().is_some_and(u8::is_ascii_digit) =>
        {
            Ok(code.iter().fold(0, |acc, b| acc * 10 + u16::from(b - b'0')))
        }
        _ => Err(wrong()),
    }
}

/// The index behind the line end that follows `at`.
fn line_end(content: &[u8], at: usize) -> usize {
    let rest = content.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(content.len(), |n| at + n + 1)
}

fn trim_line_end(mut line: &[u8]) -> &[u8] {
    while let Some((b'\r' | b'\n', rest)) = line.split_last() {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<(u16, usize, String), String> {
        head(content.as_bytes(), &Limits::default()).map(|h| {
            let body = content.get(h.body_at..).unwrap_or_default().to_owned();
            (h.status, h.headers.len(), body)
        })
    }

    #[test]
    fn reads_heads_as_servers_write_them() {
        for (content, status, headers, body) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", 200, 1, "body"),
            ("HTTP/1.1 200\r\n\r\nbody", 200, 0, "body"),
            ("HTTP/1.1 200 \r\nA: b\r\n\r\n", 200, 1, ""),
            ("HTTP 502 Bad Gateway\n\n", 502, 0, ""),
            ("HTTP/2 404\nA: b\nC: d\n\nbody", 404, 2, "body"),
            ("HTTP/1.1 410 Gone\r\r\n\r\n", 410, 0, ""),
            (
                "http/1.0 301 Moved\r\nA: b\r\n c\r\nno colon\r\n\r\nx",
                301,
                1,
                "x",
            ),
            ("HTTP/1.1  200  OK\r\nA: b", 200, 1, ""),
            ("HTTP/1.1 200OK\r\n\r\n", 200, 0, ""),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
                 HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody",
                200,
                1,
                "body",
            ),
            ("HTTP/1.1 103 Early Hints\r\n\r\nbody", 103, 0, "body"),
            (
                "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n",
                200,
                0,
                "HTTP/1.1 404 Not Found\r\n\r\n",
            ),
        ] {
            assert_eq!(
                read(content),
                Ok((status, headers, body.to_owned())),
                "{content:?}"
            );
        }
    }

    #[test]
    fn interim_heads_are_bounded() {
        let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1 << 16);
        let refused = read(&many).unwrap_err();
        assert!(refused.contains("interim"), "{refused}");
    }

    #[test]
    fn joins_folded_fields() {
        let head = head(
            b"HTTP/1.1 200 OK\r\nA: b\r\n\t c\r\n\r\n",
            &Limits::default(),
        );
        assert_eq!(head.unwrap().headers, [("A".to_owned(), b"b c".to_vec())]);
    }

    #[test]
    fn refuses_what_is_no_response() {
        for content in [
            "",
            "SSH-2.0-OpenSSH_5.3p1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1",
        ] {
            assert!(read(content).is_err(), "{content:?}");
        }
    }
}
