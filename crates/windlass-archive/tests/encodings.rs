//! Bodies as they were sent, and as headers lie about them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::Write;

use support::{gzip, only_body, read, response};
use windlass_archive::{Payload, Record};

const PAGE: &[u8] =
    b"<!DOCTYPE html><p>A page of some length, so that encodings have work to do.</p>\n";

fn body_of(fields: &str, body: &[u8]) -> (Vec<u8>, Vec<&'static str>) {
    let mut http =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{fields}\r\n").into_bytes();
    http.extend_from_slice(body);
    only_body(&response("http://a.org/", &http))
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn br(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::BrotliCompress(
        &mut &bytes[..],
        &mut out,
        &brotli::enc::BrotliEncoderParams::default(),
    )
    .unwrap();
    out
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in bytes.chunks(32) {
        out.extend(format!("{:x}\r\n", chunk.len()).bytes());
        out.extend(chunk);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}

#[test]
fn a_body_that_is_announced_and_not_there_is_missing() {
    let empty = gzip(b"");
    for (fields, body, expected) in [
        ("Content-Length: 275622\r\n", &b""[..], true),
        (
            "Content-Length: 20\r\nContent-Encoding: gzip\r\n",
            b"",
            true,
        ),
        ("Content-Length: 0\r\n", b"", false),
        ("", b"", false),
        ("Content-Length: 275622\r\n", b"<", false),
        // An empty page, packed.
        (
            "Content-Length: 20\r\nContent-Encoding: gzip\r\n",
            &empty,
            false,
        ),
        ("Content-Length: x\r\n", b"", false),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{fields}\r\n");
        let (records, problems) = read(&response(
            "http://a.org/",
            &[head.as_bytes(), body].concat(),
        ));
        assert_eq!(problems, []);
        let [
            Record {
                payload: Payload::Response(found),
                ..
            },
        ] = records.as_slice()
        else {
            panic!("{records:?}");
        };
        assert_eq!(found.body_missing, expected, "{fields:?} {body:?}");
    }
}

#[test]
fn every_encoding_is_undone() {
    for (fields, body) in [
        ("", PAGE.to_vec()),
        ("Content-Encoding: identity\r\n", PAGE.to_vec()),
        ("Content-Encoding: gzip\r\n", gzip(PAGE)),
        ("content-encoding: X-GZIP\r\n", gzip(PAGE)),
        ("Content-Encoding: deflate\r\n", zlib(PAGE)),
        ("Content-Encoding: deflate\r\n", deflate(PAGE)),
        ("Content-Encoding: br\r\n", br(PAGE)),
        ("Content-Encoding: zstd\r\n", zst(PAGE)),
        ("Transfer-Encoding: chunked\r\n", chunked(PAGE)),
        (
            "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n",
            chunked(&gzip(PAGE)),
        ),
        ("Transfer-Encoding: gzip, chunked\r\n", chunked(&gzip(PAGE))),
        ("Content-Encoding: br, gzip\r\n", gzip(&br(PAGE))),
        (
            "Content-Encoding: deflate\r\nContent-Encoding: zstd\r\n",
            zst(&zlib(PAGE)),
        ),
        (
            "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
            gzip(PAGE),
        ),
    ] {
        assert_eq!(body_of(fields, &body), (PAGE.to_vec(), vec![]), "{fields}");
    }
}

#[test]
fn a_gzip_body_of_several_members_is_read_whole() {
    let (first, second) = PAGE.split_at(30);
    let body = [gzip(first), gzip(second)].concat();
    let undone = body_of("Content-Encoding: gzip\r\n", &body);
    assert_eq!(undone, (PAGE.to_vec(), vec![]));
}

#[test]
fn a_header_that_lies_is_not_believed() {
    for fields in [
        "Content-Encoding: gzip\r\n",
        "Content-Encoding: deflate\r\n",
        "Content-Encoding: br\r\n",
        "Content-Encoding: zstd\r\n",
        "Content-Encoding: utf-8\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n",
    ] {
        assert_eq!(body_of(fields, PAGE), (PAGE.to_vec(), vec![]), "{fields}");
    }
    // Says chunked, which the crawler has undone, and is gzip.
    let fields = "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n";
    assert_eq!(body_of(fields, &gzip(PAGE)), (PAGE.to_vec(), vec![]));
    // Says nothing, and is gzip.
    assert_eq!(body_of("", &gzip(PAGE)), (PAGE.to_vec(), vec![]));
}

#[test]
fn what_breaks_is_kept_up_to_the_break() {
    let page = PAGE.repeat(2000);
    for (fields, body) in [
        ("Content-Encoding: gzip\r\n", gzip(&page)),
        ("Content-Encoding: deflate\r\n", zlib(&page)),
        ("Content-Encoding: deflate\r\n", deflate(&page)),
        ("Transfer-Encoding: chunked\r\n", chunked(&page)),
        // Called HTML, and nothing else.
        ("", gzip(&page)),
    ] {
        let cut = &body[..body.len() - 20];
        let (kept, problems) = body_of(fields, cut);
        assert_eq!(problems, ["bad-encoding"], "{fields}");
        assert!(!kept.is_empty() && page.starts_with(&kept), "{fields}");
    }
    let (_, problems) = body_of(
        "Content-Encoding: compress\r\n",
        &[0x1f, 0x9d, 0x90, 1, 2, 3],
    );
    assert_eq!(problems, ["bad-encoding"]);
}

/// Crawlers and servers leave out the last chunk, or the connection breaks: what is inside decodes as far as
/// it has come.
#[test]
fn chunks_that_break_are_decoded_as_far_as_they_go() {
    // Lines that differ, so that what is packed is long: zstd decodes by blocks of 128 KiB.
    let page: Vec<u8> = (0..16_000_u32)
        .flat_map(|i| format!("<a href=/{}>{i}</a>\n", i.wrapping_mul(2_654_435_761)).into_bytes())
        .collect();
    for (coding, packed) in [
        ("gzip", gzip(&page)),
        ("deflate", zlib(&page)),
        ("deflate", deflate(&page)),
        ("br", br(&page)),
        ("zstd", zst(&page)),
    ] {
        let in_chunks = chunked(&packed);
        let whole = &in_chunks[..in_chunks.len() - b"0\r\n\r\n".len()];
        let inside = &in_chunks[..in_chunks.len() / 2];
        let one = [b"fffff\r\n", &packed[..]].concat();
        let garbage = [whole, b"xyz"].concat();
        for fields in [
            format!("Transfer-Encoding: chunked\r\nContent-Encoding: {coding}\r\n"),
            format!("Transfer-Encoding: {coding}, chunked\r\n"),
        ] {
            for (body, kept_min) in [
                // No last chunk, with or without the end of the line.
                (whole, page.len()),
                (&whole[..whole.len() - 2], page.len()),
                (&one, page.len()),
                (&garbage, page.len()),
                (inside, page.len() / 4),
            ] {
                let (kept, problems) = body_of(&fields, body);
                assert_eq!(problems, ["bad-encoding"], "{fields}");
                assert!(page.starts_with(&kept), "{fields}");
                assert!(kept.len() >= kept_min, "{fields} {}", kept.len());
            }
        }
    }
    // The crawler has undone what was inside, and kept the header.
    let fields = "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n";
    let in_chunks = chunked(PAGE);
    let (kept, problems) = body_of(fields, &in_chunks[..in_chunks.len() - 5]);
    assert_eq!((kept.as_slice(), problems), (PAGE, vec!["bad-encoding"]));
    // The inner one of two encodings, where the outer one breaks.
    let cut = gzip(&br(&page));
    let (kept, problems) = body_of("Content-Encoding: br, gzip\r\n", &cut[..cut.len() / 2]);
    assert_eq!(problems, ["bad-encoding"]);
    assert!(page.starts_with(&kept) && kept.len() > page.len() / 4);
}

#[test]
fn a_list_of_encodings_without_end_is_refused() {
    let fields = format!("Content-Encoding: {}gzip\r\n", "gzip, ".repeat(100_000));
    let (body, problems) = body_of(&fields, &gzip(PAGE));
    assert_eq!((body, problems), (gzip(PAGE), vec!["bad-encoding"]));
}

#[test]
fn bodies_that_hold_no_links_are_not_kept() {
    for (media_type, kept) in [
        ("image/png", 0),
        ("Video/mp4; x=y", 0),
        ("font/woff2", 0),
        ("image/svg+xml", 4),
        ("application/octet-stream", 4),
    ] {
        let http = format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n\r\nbody");
        let (body, problems) = only_body(&response("http://a.org/", http.as_bytes()));
        assert_eq!((body.len(), problems), (kept, vec![]), "{media_type}");
    }
}

#[test]
fn of_several_media_types_the_last_says_what_is_kept() {
    let says_gzip = |fields: &str| {
        let mut http = format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes();
        http.extend(gzip(PAGE));
        only_body(&response("http://a.org/", &http)).0
    };
    let (png, html) = ("Content-Type: image/png\r\n", "Content-Type: text/html\r\n");
    assert_eq!(says_gzip(&[png, html].concat()), PAGE);
    assert_eq!(says_gzip(&[html, png].concat()), b"");
    assert_eq!(says_gzip("Content-Type: image/png, text/html\r\n"), PAGE);
}
