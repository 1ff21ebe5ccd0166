//! What the readers hand on: one [`Record`] for each capture that an archive describes, one
//! [`Problem`] for each thing that was wrong with it.

use crate::time::CaptureTime;

/// One capture as the archive tells it, not yet interpreted: bodies are undone of transfer and
/// content encodings, but nothing has been decoded to text.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where the record starts: the offset of its gzip member or zstd frame in the file where each
    /// record has its own, else its offset in the decompressed stream.
    pub offset: u64,
    /// The target URI as the archive writes it, without angle brackets; not yet parsed. Bytes that
    /// are not UTF-8 are percent-encoded.
    pub target_uri: String,
    /// When it was captured.
    pub time: CaptureTime,
    /// What was captured.
    pub payload: Payload,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// An HTTP response (WARC `response`, an ARC document).
    Response(Response),
    /// A document without HTTP (WARC `resource`): its media type, if any, and its bytes.
    Resource {
        /// The record's `Content-Type`.
        content_type: Option<String>,
        /// The body, cut at the limit.
        body: Vec<u8>,
        /// The body was longer than the limit and was cut.
        body_cut: bool,
    },
    /// A WARC `revisit`: the document was fetched again and found unchanged (R1).
    Revisit {
        /// `WARC-Refers-To-Target-URI`.
        refers_to_uri: Option<String>,
        /// `WARC-Refers-To-Date`.
        refers_to_time: Option<CaptureTime>,
    },
    /// A WAT `metadata` record that describes an HTTP response.
    Wat(WatPage),
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields in order, names as written, values as bytes without surrounding white space.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body with transfer and content encodings undone, cut at the limit.
    pub body: Vec<u8>,
    /// The body was longer than the limit and was cut.
    pub body_cut: bool,
    /// `Content-Length` announces a body, and the record has none of it: what was asked for was the head, or nothing came.
    pub body_missing: bool,
}

impl Response {
    /// The first header field of that name (ASCII case-insensitive).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        header(&self.headers, name)
    }
}

/// The first field called `name` (ASCII case-insensitive) in `headers`.
#[must_use]
pub fn header<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_slice())
}

/// What a WAT record says of an HTML response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WatPage {
    /// The HTTP status.
    pub status: u16,
    /// HTTP header fields.
    pub headers: Vec<(String, Vec<u8>)>,
    /// `HTML-Metadata` was there: the response was seen as HTML.
    pub is_html: bool,
    /// `Head.Base`.
    pub base: Option<String>,
    /// `Head.Title`.
    pub title: Option<String>,
    /// `Head.Metas`: (name or http-equiv, lower case; content).
    pub metas: Vec<(String, String)>,
    /// `HTML-Metadata.Links` and `Head.Link`, in order.
    pub links: Vec<WatLink>,
}

/// One entry of a WAT record's link lists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WatLink {
    /// `path`, such as `A@/href`, `IMG@/src`, `LINK@/href`.
    pub path: String,
    /// `url` as written.
    pub url: String,
    /// `text`.
    pub text: Option<String>,
    /// `alt`.
    pub alt: Option<String>,
    /// `rel`.
    pub rel: Option<String>,
}

/// The kind of a [`Problem`]; kebab-case in output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file cannot be opened or read.
    Io,
    /// Neither WARC, ARC nor WAT, in no packing we know.
    UnknownFormat,
    /// A gzip member or zstd frame is damaged or cut short.
    Compression,
    /// A record header cannot be made sense of.
    BadHeader,
    /// A record's length is wrong, or the file ends inside it.
    BadLength,
    /// The capture date is missing or not a date between 1970 and 2106.
    BadDate,
    /// The target URI is missing or does not parse, or is no http(s) URL.
    BadTargetUri,
    /// The HTTP message inside a record cannot be made sense of.
    BadHttp,
    /// A transfer or content encoding could not be undone.
    BadEncoding,
    /// A body was longer than the limit and was cut.
    BodyCut,
    /// A WAT record's JSON is broken or lacks what a capture needs.
    BadWat,
    /// A revisit that cannot refer to an earlier capture of the same page.
    Revisit,
}

impl ProblemKind {
    /// The name in output: kebab-case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::UnknownFormat => "unknown-format",
            Self::Compression => "compression",
            Self::BadHeader => "bad-header",
            Self::BadLength => "bad-length",
            Self::BadDate => "bad-date",
            Self::BadTargetUri => "bad-target-uri",
            Self::BadHttp => "bad-http",
            Self::BadEncoding => "bad-encoding",
            Self::BodyCut => "body-cut",
            Self::BadWat => "bad-wat",
            Self::Revisit => "revisit",
        }
    }
}

/// Something wrong at a place in a file, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at offset {offset}: {}: {message}", kind.name())]
pub struct Problem {
    /// Where, counted like [`Record::offset`].
    pub offset: u64,
    /// What kind.
    pub kind: ProblemKind,
    /// What was found, what was expected, what happens now.
    pub message: String,
}
