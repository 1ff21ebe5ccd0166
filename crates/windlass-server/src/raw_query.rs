//! Requests typed by hand: `"`, `<` and `>` bare in the query, and no `/` before it.
//!
//! All three belong to the filter grammar, and clients such as curl send them as typed; the HTTP
//! library answers 400 without a word, because no URI has them. So they are percent-encoded in the
//! request line on its way in, and an empty path becomes `/` (section 1 of the wire contract). Finding the request line
//! takes a look at where each request ends; a request whose end takes more than a plain `content-length` to find leaves
//! the rest of its connection as it is.

use std::io;
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read at once while request lines are looked for.
const READ_BYTES: usize = 8192;
/// How much of a header line is kept: enough for those that matter here.
const LINE_BYTES_MAX: usize = 256;

/// Where in the requests of a connection the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Before a request: empty lines are allowed here.
    #[default]
    Start,
    /// In the method of a request line.
    Method,
    /// Behind the method, before the first byte of the target.
    Target,
    /// In the rest of a request line.
    RequestLine,
    /// In a header line.
    Header,
    /// In a body that has so many bytes left.
    Body(u64),
    /// In what is not understood; it has no end.
    Opaque,
}

/// What stands for a byte that no URI has.
fn encoded(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'"' => Some(b"%22"),
        b'<' => Some(b"%3C"),
        b'>' => Some(b"%3E"),
        _ => None,
    }
}

/// Encodes request lines in the bytes of a connection.
#[derive(Debug, Default)]
struct RequestLines {
    place: Place,
    /// The header line so far.
    line: Vec<u8>,
    /// What the headers so far say of the body; `None`: what is not understood.
    body: Option<u64>,
}

impl RequestLines {
    /// Copies bytes, encoding what must be.
    fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some(&byte) = bytes.first() {
            let length = match self.place {
                Place::Opaque => bytes.len(),
                Place::Body(left) => {
                    let length = usize::try_from(left).map_or(bytes.len(), |n| n.min(bytes.len()));
                    let left = left - length as u64;
                    self.place = if left == 0 {
                        Place::Start
                    } else {
                        Place::Body(left)
                    };
                    length
                }
                Place::Start if matches!(byte, b'\r' | b'\n') => 1,
                Place::Start => {
                    self.place = Place::Method;
                    self.body = Some(0);
                    0
                }
                Place::Method => match bytes.iter().position(|b| matches!(b, b' ' | b'\n')) {
                    None => bytes.len(),
                    Some(end) if bytes.get(end) == Some(&b' ') => {
                        self.place = Place::Target;
                        end + 1
                    }
                    // A line of one word; the HTTP library refuses it.
                    Some(end) => {
                        self.place = Place::RequestLine;
                        end
                    }
                },
                Place::Target => {
                    if byte == b'?' {
                        out.push(b'/');
                    }
                    self.place = Place::RequestLine;
                    0
                }
                Place::RequestLine => match encoded(byte) {
                    Some(encoded) => {
                        out.extend_from_slice(encoded);
                        bytes = bytes.get(1..).unwrap_or_default();
                        0
                    }
                    None if byte == b'\n' => {
                        self.place = Place::Header;
                        1
                    }
                    None => {
                        let is_end = |byte: &u8| *byte == b'\n' || encoded(*byte).is_some();
                        bytes.iter().position(is_end).unwrap_or(bytes.len())
                    }
                },
                Place::Header => {
                    let end = memchr(b'\n', bytes);
                    let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
                    let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
                    self.line
                        .extend_from_slice(text.get(..room).unwrap_or(text));
                    if end.is_some() {
                        self.end_header();
                    }
                    text.len() + usize::from(end.is_some())
                }
            };
            let (taken, rest) = bytes.split_at(length);
            out.extend_from_slice(taken);
            bytes = rest;
        }
    }

    fn end_header(&mut self) {
        let mut line = mem::take(&mut self.line);
        let may_be_cut = line.len() == LINE_BYTES_MAX;
        self.end_header_line(line.trim_ascii(), may_be_cut);
        // Its room is used again.
        line.clear();
        self.line = line;
    }

    fn end_header_line(&mut self, text: &[u8], may_be_cut: bool) {
        if text.is_empty() {
            self.place = match self.body {
                Some(0) => Place::Start,
                Some(length) => Place::Body(length),
                None => Place::Opaque,
            };
            return;
        }
        let colon = text.iter().position(|b| *b == b':').unwrap_or(text.len());
        let (name, value) = text.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.body = None;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = str::from_utf8(value).ok().and_then(|v| v.parse().ok());
            // The first digits of a number are another number.
            let length = length.filter(|_| !may_be_cut);
            // A second one, of another value, is as little understood as one that is no number.
            self.body = match (self.body, length) {
                (Some(before), Some(length)) if before == 0 || before == length => Some(length),
                _ => None,
            };
        }
    }
}

/// A connection whose request lines are encoded as they are read.
#[derive(Debug)]
pub(crate) struct RawQueryStream<T> {
    inner: T,
    lines: RequestLines,
    /// Encoded, and not taken yet from `taken` on.
    ready: Vec<u8>,
    taken: usize,
}

impl<T> RawQueryStream<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            lines: RequestLines::default(),
            ready: Vec::new(),
            taken: 0,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for RawQueryStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.taken == this.ready.len() {
            if this.lines.place == Place::Opaque {
                return Pin::new(&mut this.inner).poll_read(context, buffer);
            }
            let mut bytes = [const { MaybeUninit::uninit() }; READ_BYTES];
            let mut read = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut read))?;
            this.ready.clear();
            this.taken = 0;
            this.lines.push(read.filled(), &mut this.ready);
        }
        let left = this.ready.get(this.taken..).unwrap_or_default();
        let length = left.len().min(buffer.remaining());
        buffer.put_slice(left.get(..length).unwrap_or_default());
        this.taken += length;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for RawQueryStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, however the bytes are cut.
    fn pushed(text: &str) -> String {
        let whole = {
            let mut out = Vec::new();
            RequestLines::default().push(text.as_bytes(), &mut out);
            out
        };
        let mut lines = RequestLines::default();
        let mut out = Vec::new();
        for byte in text.as_bytes() {
            lines.push(std::slice::from_ref(byte), &mut out);
        }
        assert_eq!(out, whole);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn request_lines_are_encoded_and_nothing_else_is() {
        let get = "GET /?a<>\"b\" HTTP/1.1\r\nhost: <x>\r\n\r\n";
        let get_encoded = "GET /?a%3C%3E%22b%22 HTTP/1.1\r\nhost: <x>\r\n\r\n";
        let post = "POST /?a>b HTTP/1.1\nContent-Length : 4\nContent-length: 4\n\n<\n\n>";
        let post = post.replace("Length :", "Length:");
        let post_encoded = post.replace("a>b", "a%3Eb");
        assert_eq!(
            pushed(&format!("\r\n{get}{post}{get}")),
            format!("\r\n{get_encoded}{post_encoded}{get_encoded}")
        );
        // The first digits of what is longer than a line that is kept, or spaces before it.
        let zeros = format!("content-length: {}9", "0".repeat(LINE_BYTES_MAX));
        let spaces = format!("content-length:{}9", " ".repeat(LINE_BYTES_MAX));
        let cut = format!("content-length: {}45", "0".repeat(LINE_BYTES_MAX - 17));
        for header in [
            "transfer-encoding: chunked",
            "content-length: x",
            "content-length: 3\r\ncontent-length: 5",
            &zeros,
            &spaces,
            &cut,
        ] {
            let odd = format!("GET /?a>b HTTP/1.1\r\n{header}\r\n\r\n");
            let odd_encoded = odd.replace("a>b", "a%3Eb");
            assert_eq!(
                pushed(&format!("{odd}{get}")),
                format!("{odd_encoded}{get}")
            );
        }
    }

    #[test]
    fn an_empty_path_is_the_root() {
        for (text, expected) in [
            ("GET ?a=\"?\" HTTP/1.1\n\n", "GET /?a=%22?%22 HTTP/1.1\n\n"),
            (
                "GET /?? HTTP/1.1\n\nGET ? HTTP/1.0\n\n",
                "GET /?? HTTP/1.1\n\nGET /? HTTP/1.0\n\n",
            ),
            ("GET http://a?b HTTP/1.1\n", "GET http://a?b HTTP/1.1\n"),
            // What is no request stays none.
            ("GET\r\n\r\n? <", "GET\r\n\r\n? %3C"),
        ] {
            assert_eq!(pushed(text), expected);
        }
    }
}
