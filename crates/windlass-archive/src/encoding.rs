//! Transfer and content encodings of HTTP bodies, undone — also where the headers lie about them.
//!
//! What is said is tried: `Transfer-Encoding` from its last coding to its first, then
//! `Content-Encoding` likewise. Crawlers often undo an encoding and keep the header, so a body that
//! is not in the encoding named is taken as it is, silently: no chunk size at its start, no gzip,
//! zlib or zstd magic, or (deflate and br have none) it does not decode and is text already. What
//! begins right and then breaks is kept up to the break and reported, and the encodings inside it are
//! undone as far as they go: a chunked body without its last chunk is still gzip. One encoding is undone
//! without being said: a body called HTML that begins with the gzip magic.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

use crate::chunked;
use crate::gzip::MAGIC as GZIP_MAGIC;
use crate::media_type::MediaType;

/// More codings than this on one body are an attack, not an encoding.
const CODINGS_MAX: usize = 8;

/// More gzip members than this in one body are an attack: those of 64 KiB that some writers make come to 256
/// in the longest body, and each takes microseconds, though it may hold nothing.
const GZIP_MEMBERS_MAX: usize = 10_000;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A body with its encodings undone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// It was longer than the limit.
    pub(crate) cut: bool,
    /// An encoding that could not be undone to its end.
    pub(crate) problem: Option<String>,
}

/// What trying one coding gave.
enum Undone {
    Done { bytes: Vec<u8>, cut: bool },
    NotThis,
    Broken { bytes: Vec<u8>, why: String },
}

/// Undoes the encodings of `raw`, holding no more than `bytes_max` after each. `raw_cut` says that
/// `raw` is only the beginning of the body as archived.
pub(crate) fn undo(
    headers: &[(String, Vec<u8>)],
    raw: &[u8],
    raw_cut: bool,
    bytes_max: usize,
) -> Body {
    let mut body: Cow<'_, [u8]> = Cow::Borrowed(raw);
    let mut cut = raw_cut;
    let mut broken = None;
    let codings = codings(headers);
    let is_attack = codings.len() > CODINGS_MAX;
    for coding in codings.iter().filter(|_| !is_attack) {
        let undone = undo_one(coding, &body, bytes_max);
        take(undone, &mut body, &mut cut, &mut broken);
    }
    if codings.is_empty()
        && body.starts_with(&GZIP_MAGIC)
        && MediaType::of(headers).is_some_and(|t| t.is_html())
    {
        take(gunzip(&body, bytes_max), &mut body, &mut cut, &mut broken);
    }
    if body.len() > bytes_max {
        cut = true;
        body = match body {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(..bytes_max).unwrap_or(bytes)),
            Cow::Owned(mut bytes) => {
                bytes.truncate(bytes_max);
                Cow::Owned(bytes)
            }
        };
    }
    let problem = if is_attack {
        Some(format!(
            "the body is said to be encoded {} times, more than {CODINGS_MAX}; taken as it is",
            codings.len()
        ))
    } else {
        let kept = body.len();
        broken.map(|why| format!("{why}; kept the first {kept} bytes of the body"))
    };
    Body {
        bytes: body.into_owned(),
        cut,
        problem,
    }
}

/// Goes on with what undoing a coding gave.
fn take(undone: Undone, body: &mut Cow<'_, [u8]>, cut: &mut bool, broken: &mut Option<String>) {
    match undone {
        Undone::Done { bytes, cut: more } => {
            *cut |= more;
            *body = Cow::Owned(bytes);
        }
        Undone::NotThis => {}
        Undone::Broken { bytes, why } => {
            // A body that was cut, or has broken, before cannot end well.
            if !*cut {
                broken.get_or_insert(why);
            }
            *body = Cow::Owned(bytes);
        }
    }
}

/// The codings in the order in which they are undone, lower case.
fn codings(headers: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut all = Vec::new();
    for name in ["Transfer-Encoding", "Content-Encoding"] {
        let values = headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase())
            .collect::<Vec<_>>();
        let mut listed: Vec<String> = values
            .iter()
            .flat_map(|value| value.split(','))
            .map(|coding| coding.trim().to_owned())
            .filter(|coding| !matches!(coding.as_str(), "" | "identity" | "none"))
            .collect();
        // The same header twice (a proxy's habit) says the same coding once.
        if values.len() > 1 {
            listed.dedup();
        }
        all.extend(listed.into_iter().rev());
    }
    all
}

fn undo_one(coding: &str, body: &[u8], bytes_max: usize) -> Undone {
    if body.is_empty() {
        return Undone::NotThis;
    }
    match coding {
        "chunked" => match chunked::undo(body) {
            chunked::Unchunked::Whole(bytes) => Undone::Done { bytes, cut: false },
            chunked::Unchunked::NotChunked => Undone::NotThis,
            chunked::Unchunked::Broken(bytes, why) => Undone::Broken {
                bytes,
                why: why.to_owned(),
            },
        },
        "gzip" | "x-gzip" if body.starts_with(&GZIP_MAGIC) => gunzip(body, bytes_max),
        "gzip" | "x-gzip" => not_or_broken(body, "gzip"),
        "deflate" if is_zlib(body) => finish("deflate", ZlibDecoder::new(body), bytes_max),
        "deflate" => without_magic("deflate", body, DeflateDecoder::new(body), bytes_max),
        // RFC 7932 knows windows up to 16 MiB; this pattern asks for one of up to 1 GiB.
        "br" if body.first().is_some_and(|b| b & 0x7f == 0x11) => not_or_broken(body, "br"),
        "br" => {
            let decoder = brotli_decompressor::Decompressor::new(body, 16 << 10);
            without_magic("br", body, decoder, bytes_max)
        }
        "zstd" if body.starts_with(&ZSTD_MAGIC) => match unzstd(body) {
            Ok(decoder) => finish("zstd", decoder, bytes_max),
            Err(error) => Undone::Broken {
                bytes: Vec::new(),
                why: format!("the body's zstd encoding does not decode: {error}"),
            },
        },
        other => not_or_broken(body, other),
    }
}

fn unzstd(body: &[u8]) -> io::Result<zstd::stream::read::Decoder<'static, &[u8]>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
    // RFC 9659: 8 MiB is the largest window of an HTTP body.
    decoder.window_log_max(23)?;
    Ok(decoder)
}

fn gunzip(body: &[u8], bytes_max: usize) -> Undone {
    let mut rest = body;
    let mut out = Vec::new();
    let mut members = 0;
    while rest.starts_with(&GZIP_MAGIC) {
        members += 1;
        if members > GZIP_MEMBERS_MAX {
            return Undone::Broken {
                bytes: out,
                why: format!("the body's gzip encoding has more than {GZIP_MEMBERS_MAX} members"),
            };
        }
        let mut decoder = GzDecoder::new(rest);
        let (cut, error) = drain(&mut decoder, &mut out, bytes_max);
        if cut {
            return Undone::Done {
                bytes: out,
                cut: true,
            };
        }
        if let Some(error) = error {
            return broken("gzip", out, &error);
        }
        rest = decoder.into_inner();
    }
    Undone::Done {
        bytes: out,
        cut: false,
    }
}

fn finish(coding: &str, mut decoder: impl Read, bytes_max: usize) -> Undone {
    let mut bytes = Vec::new();
    match drain(&mut decoder, &mut bytes, bytes_max) {
        (cut, None) => Undone::Done { bytes, cut },
        (_, Some(error)) => broken(coding, bytes, &error),
    }
}

fn without_magic(coding: &str, body: &[u8], decoder: impl Read, bytes_max: usize) -> Undone {
    match finish(coding, decoder, bytes_max) {
        Undone::Broken { .. } if is_text(body) => Undone::NotThis,
        other => other,
    }
}

fn broken(coding: &str, bytes: Vec<u8>, error: &io::Error) -> Undone {
    Undone::Broken {
        bytes,
        why: format!("the body's {coding} encoding does not decode to its end: {error}"),
    }
}

/// Not in the encoding named. Text was decoded before it was archived; for the rest it is unknown
/// what it is.
fn not_or_broken(body: &[u8], coding: &str) -> Undone {
    if is_text(body) {
        return Undone::NotThis;
    }
    Undone::Broken {
        bytes: body.to_vec(),
        why: format!("the body is said to be encoded with {coding:?} but is not"),
    }
}

/// Reads to the end or until `out` holds `bytes_max` bytes; whether more would follow, and the error
/// that stopped it.
fn drain(reader: &mut impl Read, out: &mut Vec<u8>, bytes_max: usize) -> (bool, Option<io::Error>) {
    let room = bytes_max.saturating_sub(out.len()) as u64 + 1;
    let error = reader.take(room).read_to_end(out).err();
    let cut = out.len() > bytes_max;
    out.truncate(bytes_max);
    (cut, error)
}

/// The two bytes of a zlib header (RFC 1950).
fn is_zlib(body: &[u8]) -> bool {
    matches!(body.first_chunk(), Some(&[cmf, flg]) if cmf & 15 == 8
        && u16::from_be_bytes([cmf, flg]) % 31 == 0)
}

/// No control characters but those of text, as the WHATWG MIME standard tells text from binary.
fn is_text(body: &[u8]) -> bool {
    let head = body.get(..body.len().min(512)).unwrap_or_default();
    !head
        .iter()
        .any(|b| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f))
}
