//! One archive in every packing gives the same records.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::Write;

use support::{data, gzip, read, warc_record, without_offsets};
use windlass_archive::{Payload, Record};

/// Real records one by one, and how many of them are captures.
fn real_records() -> (Vec<Vec<u8>>, usize) {
    let mut all = data("text-extraction.warc");
    all.extend(data("html-lang.warc"));
    all.extend(data("whirlwind.warc"));
    let mut starts: Vec<usize> = memchr::memmem::find_iter(&all, b"WARC/1.0\r\n").collect();
    starts.push(all.len());
    let records: Vec<_> = starts
        .windows(2)
        .map(|w| all[w[0]..w[1]].to_vec())
        .collect();
    assert_eq!(records.len(), 13);
    (records, 8)
}

fn zst_frame(record: &[u8], dictionary: &[u8]) -> Vec<u8> {
    let mut encoder =
        zstd::stream::write::Encoder::with_dictionary(Vec::new(), 3, dictionary).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(record).unwrap();
    encoder.finish().unwrap()
}

fn dictionary_frame(content: &[u8]) -> Vec<u8> {
    let mut frame = 0x184D_2A5D_u32.to_le_bytes().to_vec();
    frame.extend((content.len() as u32).to_le_bytes());
    frame.extend(content);
    frame
}

/// Offsets are those of the members, or positions in the decompressed stream.
fn offsets(records: &[Record]) -> Vec<u64> {
    records.iter().map(|r| r.offset).collect()
}

#[test]
fn every_packing_gives_the_same_records() {
    let (parts, captures) = real_records();
    let plain = parts.concat();
    let (expected, problems) = read(&plain);
    assert_eq!((expected.len(), problems), (captures, vec![]));
    let positions = offsets(&expected);
    let expected = without_offsets(expected);

    let samples: Vec<&[u8]> = parts.iter().flat_map(|p| p.chunks(512)).collect();
    let dictionary = zstd::dict::from_samples(&samples, 8 << 10).unwrap();
    let packed_dictionary = zst_frame(&dictionary, &[]);
    let frames = |dictionary: &[u8]| -> Vec<u8> {
        parts
            .iter()
            .flat_map(|p| zst_frame(p, dictionary))
            .collect()
    };
    let in_blocks: Vec<u8> = plain.chunks(1000).flat_map(gzip).collect();
    for (name, packed, has_own_members) in [
        (
            "gzip, a member each",
            parts.iter().flat_map(|p| gzip(p)).collect(),
            true,
        ),
        ("gzip, one stream", gzip(&plain), false),
        ("gzip, members without regard to records", in_blocks, false),
        ("zstd, a frame each", frames(&[]), true),
        ("zstd, one frame", zst_frame(&plain, &[]), false),
        (
            "zstd, with a dictionary",
            [dictionary_frame(&dictionary), frames(&dictionary)].concat(),
            true,
        ),
        (
            "zstd, with a packed dictionary",
            [dictionary_frame(&packed_dictionary), frames(&dictionary)].concat(),
            true,
        ),
    ] {
        let (records, problems) = read(&packed);
        assert_eq!(problems, [], "{name}");
        let found = offsets(&records);
        assert_eq!(without_offsets(records), expected, "{name}");
        if has_own_members {
            for offset in found {
                let member = &packed[usize::try_from(offset).unwrap()..];
                let is_start = member.starts_with(&[0x1f, 0x8b])
                    || member.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
                assert!(is_start, "{name}: no member at {offset}");
            }
        } else if name.contains("one") {
            assert_eq!(found, positions, "{name}");
        }
    }
}

#[test]
fn arc_packings_give_the_same_records() {
    let packed = data("example.arc.gz");
    let mut plain = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::MultiGzDecoder::new(packed.as_slice()),
        &mut plain,
    )
    .unwrap();
    let (expected, problems) = read(&packed);
    assert_eq!((expected.len(), problems), (4, vec![]));
    let expected = without_offsets(expected);
    for bytes in [gzip(&plain), zst_frame(&plain, &[]), plain] {
        let (records, problems) = read(&bytes);
        assert_eq!(problems, []);
        assert_eq!(without_offsets(records), expected);
    }
    // A plain ARC holds the same first pages, from the same crawl.
    let (records, problems) = read(&data("blackbook.arc"));
    assert_eq!((records.len(), problems), (7, vec![]));
    assert_eq!(without_offsets(records)[..2], expected[..2]);
}

#[test]
fn r1_a_wat_gives_the_pages_that_its_envelopes_describe() {
    let (records, problems) = read(&data("awesome-selfhosted.warc.wat.gz"));
    assert_eq!(problems, []);
    let pages: Vec<_> = records
        .iter()
        .map(|r| match &r.payload {
            Payload::Wat(page) => (r.target_uri.as_str(), page.status, page.is_html),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(!pages.is_empty());
    for (uri, status, is_html) in pages {
        assert!(uri.starts_with("https://awesome-selfhosted.net/"), "{uri}");
        assert_eq!((status, is_html), (200, true), "{uri}");
    }
    let Payload::Wat(first) = &records[0].payload else {
        panic!("no WAT page");
    };
    assert!(
        first
            .links
            .iter()
            .any(|l| l.path == "A@/href" && l.text.is_some())
    );
    assert!(first.headers.iter().any(|(name, _)| name == "Content-Type"));
}

#[test]
fn every_version_of_warc_is_read() {
    let record = |version: &str| {
        let record = support::response("http://a.org/", b"HTTP/1.1 200 OK\r\n\r\nx");
        let record = String::from_utf8(record).unwrap();
        record.replace("WARC/1.0", version).into_bytes()
    };
    for version in ["WARC/0.17", "WARC/0.18", "WARC/1.0", "WARC/1.1"] {
        let (records, problems) = read(&record(version));
        assert_eq!((records.len(), problems), (1, vec![]), "{version}");
    }
}

#[test]
fn r1_a_revisit_tells_what_it_refers_to() {
    let fields = "WARC-Type: revisit\r\nWARC-Target-URI: <http://a.org/>\r\n\
        WARC-Date: 2024-05-18T01:58:10Z\r\nWARC-Refers-To-Target-URI: http://a.org/x\r\n\
        WARC-Refers-To-Date: 2023-01-02T03:04:05Z";
    let (records, problems) = read(&warc_record(fields, b""));
    assert_eq!(problems, []);
    assert_eq!(records[0].target_uri, "http://a.org/");
    assert_eq!(
        records[0].payload,
        Payload::Revisit {
            refers_to_uri: Some("http://a.org/x".to_owned()),
            refers_to_time: "2023-01-02T03:04:05Z".parse().ok(),
        }
    );
}

#[test]
fn r1_a_resource_counts_where_its_uri_is_http() {
    let record = |uri: &str| {
        let fields = format!(
            "WARC-Type: resource\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n\
             Content-Type: text/html"
        );
        warc_record(&fields, b"<p>")
    };
    let both = [
        record("metadata://gnu.org/wget.log"),
        record("https://a.org/"),
    ]
    .concat();
    let (records, problems) = read(&both);
    assert_eq!((records.len(), problems), (1, vec![]));
    assert_eq!(
        records[0].payload,
        Payload::Resource {
            content_type: Some("text/html".to_owned()),
            body: b"<p>".to_vec(),
            body_cut: false,
        }
    );
}

/// The envelopes of a WAT describe all kinds of records, some with an HTTP message that is no capture of its own.
#[test]
fn r1_a_wat_of_other_records_gives_no_pages() {
    let read_wat = |envelope: &str| {
        let json = format!(
            r#"{{"Envelope":{{"Payload-Metadata":{{"HTTP-Response-Metadata":{{"Response-Message":{{"Status":"304"}}}}}},
            {envelope}}}}}"#
        );
        let fields = "WARC-Type: metadata\r\nWARC-Target-URI: http://a.org/\r\nWARC-Date: 2030-01-01T00:00:00Z\r\n\
                      Content-Type: application/json";
        let (records, problems) = read(&warc_record(fields, json.as_bytes()));
        assert_eq!(problems, [], "{envelope}");
        let shown = records
            .iter()
            .map(|r| format!("{} {}", r.target_uri, r.time));
        shown.collect::<Vec<_>>()
    };
    let of_warc = |kind: &str, uri: &str| {
        format!(
            r#""WARC-Header-Metadata":{{"WARC-Type":"{kind}","WARC-Date":"2024-05-18T01:58:10Z","WARC-Target-URI":"{uri}"}}"#
        )
    };
    let page = ["http://a.org/ 2024-05-18T01:58:10Z"];
    assert_eq!(read_wat(&of_warc("Response", "http://a.org/")), page);
    for kind in ["revisit", "request", "metadata"] {
        let none: [String; 0] = [];
        assert_eq!(read_wat(&of_warc(kind, "http://a.org/")), none, "{kind}");
    }
    assert!(read_wat(&of_warc("response", "dns:a.org")).is_empty());
    // Of an ARC, its record has URI and date.
    let of_arc = r#""ARC-Header-Metadata":{"Target-URI":"http://a.org/","Date":"20240518015810"}"#;
    assert_eq!(read_wat(of_arc), page);
}
