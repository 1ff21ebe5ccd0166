//! Archives that are damaged, or made to do harm: what is whole is read, the rest is reported, and
//! memory stays bounded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{Cursor, Read, Write};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use support::{data, gzip, read, response, warc_record, without_offsets};
use windlass_archive::{Archive, Limits, Payload, Problem, Record};

/// Limits so small that every one of them is met.
const SMALL: Limits = Limits {
    body_bytes_max: 1000,
    header_bytes_max: 600,
    look_back_bytes_max: 2000,
};

fn kinds(problems: &[Problem]) -> Vec<&'static str> {
    problems.iter().map(|p| p.kind.name()).collect()
}

/// Everything that comes of a reader.
fn drain(reader: impl Read + Send + 'static) -> (Vec<Record>, Vec<Problem>) {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    match Archive::from_reader(reader, Limits::default()) {
        Err(problem) => problems.push(problem),
        Ok(archive) => archive.for_each(|item| match item {
            Ok(record) => records.push(record),
            Err(problem) => problems.push(problem),
        }),
    }
    (records, problems)
}

/// How many records of a file are no captures.
fn skipped(bytes: &[u8]) -> u64 {
    let archive = Archive::from_reader(Cursor::new(bytes.to_vec()), Limits::default());
    archive.map_or(0, |mut archive| {
        archive.by_ref().for_each(drop);
        archive.skipped()
    })
}

/// The records of `all`, one after the other in a member each.
fn members(records: &[Vec<u8>]) -> Vec<u8> {
    records.iter().flat_map(|record| gzip(record)).collect()
}

fn pages(n: usize) -> Vec<Vec<u8>> {
    (0..n)
        .map(|i| {
            let http = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>page {i}</p>");
            response(&format!("http://a.org/{i}"), http.as_bytes())
        })
        .collect()
}

fn uris(records: &[Record]) -> Vec<&str> {
    records.iter().map(|r| r.target_uri.as_str()).collect()
}

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[test]
fn a_cut_file_gives_the_records_before_the_cut_and_a_problem() {
    let plain = [data("text-extraction.warc"), data("html-lang.warc")].concat();
    let starts: Vec<usize> = memchr::memmem::find_iter(&plain, b"WARC/1.0").collect();
    let members: Vec<u8> = starts
        .iter()
        .zip(starts.iter().skip(1).chain([&plain.len()]))
        .flat_map(|(from, to)| gzip(&plain[*from..*to]))
        .collect();
    let arc = data("example.arc.gz");
    for whole in [plain.clone(), members, gzip(&plain), zst(&plain), arc] {
        let (expected, problems) = read(&whole);
        assert_eq!(problems, []);
        for length in 0..whole.len() {
            let (records, problems) = read(&whole[..length]);
            assert_eq!(records, expected[..records.len()], "cut at {length}");
            // Without a problem nothing is missing but separators, or what was no capture.
            let explained = !problems.is_empty() || is_between_records(&whole, length);
            assert!(explained, "cut at {length}: no problem");
        }
    }
}

/// The bytes end where a record may: behind its content, or behind the blank lines that follow.
fn is_between_records(whole: &[u8], length: usize) -> bool {
    if whole.starts_with(&[0x1f, 0x8b]) {
        let mut decoder = flate2::read::MultiGzDecoder::new(&whole[..length]);
        return decoder.read_to_end(&mut Vec::new()).is_ok();
    }
    let starts = memchr::memmem::find_iter(whole, b"WARC/1.0").chain([whole.len()]);
    starts
        .into_iter()
        .any(|start| start <= length + 4 && length <= start)
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

#[test]
fn a_flipped_bit_costs_one_record_of_a_gzip_file() {
    let whole = members(&pages(12));
    let (expected, _) = read(&whole);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let (records, problems) = read(&bytes);
        let kept = records.iter().filter(|r| expected.contains(r)).count();
        assert!(
            kept + 1 >= expected.len(),
            "bit at {at}: {kept} of 12 kept, {problems:?}"
        );
        // Name, time and flags of a member's header are not covered by its checksum.
        if kept < expected.len() {
            assert!(!problems.is_empty(), "bit at {at}");
        }
    }
}

#[test]
fn a_flipped_bit_costs_at_most_two_records_of_a_plain_file() {
    let whole = pages(12).concat();
    let (expected, _) = read(&whole);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let (records, _) = read(&bytes);
        let kept = records.iter().filter(|r| expected.contains(r)).count();
        // A broken version line takes the record with it, and what is left of the record makes the
        // length of the one before look wrong; that one is kept.
        assert!(kept + 2 >= expected.len(), "bit at {at}: {kept} of 12 kept");
    }
}

#[test]
fn damage_in_a_zstd_frame_costs_that_frame() {
    let frames: Vec<Vec<u8>> = pages(5).iter().map(|p| zst(p)).collect();
    let mut bytes = frames.concat();
    let third = frames[0].len() + frames[1].len();
    for byte in &mut bytes[third + 6..third + 20] {
        *byte = 0xff;
    }
    let (records, problems) = read(&bytes);
    assert_eq!(
        uris(&records),
        [
            "http://a.org/0",
            "http://a.org/1",
            "http://a.org/3",
            "http://a.org/4"
        ]
    );
    assert_eq!(kinds(&problems), ["compression"]);
    assert_eq!(problems[0].offset, third as u64);
}

#[test]
fn wrong_lengths_cost_nothing_but_a_problem() {
    for packing in [<[Vec<u8>]>::concat, members] {
        for wrong in [
            "0",
            "1",
            "40",
            "70",
            "80",
            "120",
            "900",
            "99999999999999999999",
            "-1",
            "x",
        ] {
            let mut records = pages(4);
            let text = String::from_utf8(records[1].clone()).unwrap();
            let http_length = text
                .split("\r\n\r\n")
                .skip(1)
                .collect::<Vec<_>>()
                .join("\r\n\r\n");
            let right = format!("Content-Length: {}", http_length.trim_end().len());
            assert!(text.contains(&right));
            records[1] = text
                .replace(&right, &format!("Content-Length: {wrong}"))
                .into_bytes();
            let (found, problems) = read(&packing(&records));
            let found = uris(&found);
            for uri in ["http://a.org/0", "http://a.org/2", "http://a.org/3"] {
                assert!(found.contains(&uri), "{wrong}: {found:?}");
            }
            assert_eq!(kinds(&problems), ["bad-length"], "{wrong}: {problems:?}");
            assert_eq!(
                found.contains(&"http://a.org/1"),
                wrong.parse::<u64>().is_ok()
            );
        }
    }
}

#[test]
fn a_wrong_length_leaves_the_body_whole() {
    let right = pages(2);
    let (expected, _) = read(&right.concat());
    let body = |records: &[Record]| match &records[0].payload {
        Payload::Response(response) => response.body.clone(),
        other => panic!("{other:?}"),
    };
    for wrong in [55, 57, 60, 62, 63, 64, 65, 66, 67, 68, 70, 300] {
        let mut records = right.clone();
        let text = String::from_utf8(records[0].clone()).unwrap();
        let length = text.split("Content-Length: ").nth(1).unwrap();
        let length = length.split("\r\n").next().unwrap();
        records[0] = text
            .replace(
                &format!("Content-Length: {length}"),
                &format!("Content-Length: {wrong}"),
            )
            .into_bytes();
        let (found, problems) = read(&records.concat());
        assert_eq!(body(&found), body(&expected), "{wrong}");
        assert_eq!(found.len(), 2, "{wrong}");
        let is_right = wrong.to_string() == length;
        assert_eq!(problems.is_empty(), is_right, "{wrong}");
    }
}

#[test]
fn a_header_that_is_cut_short_costs_nothing_of_the_next_record() {
    let [first, second, third] = <[Vec<u8>; 3]>::try_from(pages(3)).unwrap();
    let (expected, _) = read(&[first.clone(), third.clone()].concat());
    let version_line = b"WARC/1.0\r\n".len();
    let header = memchr::memmem::find(&second, b"\r\n\r\n").unwrap();
    for length in version_line..header + 3 {
        let cut = &second[..length];
        let (records, problems) = read(&[&first, cut, &third].concat());
        let found = without_offsets(records);
        assert_eq!(found, without_offsets(expected.clone()), "{length}");
        // Without a whole field there is nothing to tell it by, and nothing to take for the next's.
        if length >= b"WARC/1.0\r\nWARC-Type:".len() {
            assert_eq!(kinds(&problems), ["bad-header"], "{length}");
            assert_eq!(problems[0].offset, first.len() as u64);
            let passed = format!("has no end; passed over {length} bytes");
            assert!(problems[0].message.contains(&passed), "{}", problems[0]);
        }
    }
    // A header of its own that ends a line like a version line.
    let uri = "http://a.org/WARC/1.0";
    let (records, problems) = read(&response(uri, b"HTTP/1.1 200 OK\r\n\r\n"));
    assert_eq!((uris(&records), problems), (vec![uri], vec![]));
}

#[test]
fn a_wrong_length_of_what_is_no_capture_costs_no_records() {
    let body = "x".repeat(10_000);
    let http = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    let responses: Vec<u8> = (0..100)
        .flat_map(|i| response(&format!("http://a.org/{i}"), http.as_bytes()))
        .collect();
    for wrong in [700_000, 1_000_000, 900_000_000] {
        let request = format!(
            "WARC/1.0\r\nWARC-Type: request\r\nContent-Length: {wrong}\r\n\r\n\
             GET / HTTP/1.1\r\n\r\n\r\n\r\n"
        );
        let (records, problems) = read(&[request.as_bytes(), &responses].concat());
        assert_eq!(records.len(), 100, "{wrong}");
        assert_eq!(kinds(&problems), ["bad-length"], "{wrong}");
    }
    // Where too much is claimed and there, what is not looked through is told.
    let request = "WARC/1.0\r\nWARC-Type: request\r\nContent-Length: 30000000\r\n\r\n";
    let (records, problems) = read(&[request.as_bytes(), &responses.repeat(20)].concat());
    assert!(records.len() < 2000);
    assert_eq!(kinds(&problems), ["bad-length"]);
    let message = &problems[0].message;
    assert!(message.contains("bytes are left out"), "{message}");
}

#[test]
fn a_damaged_dictionary_is_damage() {
    let mut bytes = 0x184D_2A5D_u32.to_le_bytes().to_vec();
    bytes.extend(40u32.to_le_bytes());
    // The magic of a trained dictionary, and no such dictionary.
    bytes.extend(0xEC30_A437_u32.to_le_bytes());
    bytes.extend([0xff; 36]);
    for page in pages(2) {
        bytes.extend(zst(&page));
    }
    let (records, problems) = read(&bytes);
    assert_eq!(kinds(&problems), ["compression"], "{problems:?}");
    let message = &problems[0].message;
    assert!(message.contains("dictionary is damaged"), "{message}");
    // Frames that do without are read.
    assert_eq!(uris(&records), ["http://a.org/0", "http://a.org/1"]);
}

#[test]
fn a_header_of_a_member_without_end_is_told_from_the_end_of_the_file() {
    let mut long = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
    long.extend(vec![b'n'; 200_000]);
    let first = gzip(&pages(1)[0]);
    for (length, expected) in [(long.len(), "is longer than"), (50_000, "the file ends")] {
        let (records, problems) = read(&[&first, &long[..length]].concat());
        assert_eq!((records.len(), kinds(&problems)), (1, vec!["compression"]));
        let message = &problems[0].message;
        assert!(message.contains(expected), "{message}");
    }
}

/// Members or frames that each unpack to the start of a record, and then through all that follow: they
/// fail together, where the last one does. `head` begins a member, `block` its next stretch of so many
/// unpacked bytes as they are.
fn failing_together(head: &[u8], block: impl Fn(usize) -> Vec<u8>, end: u8) -> Vec<u8> {
    let record = b"WARC/1.0\r\nA: b\r\n";
    let unit = [head, &block(record.len() + head.len()), record].concat();
    let mut bytes = unit.repeat(4_000_000 / unit.len());
    bytes.extend(head);
    bytes.extend([end; 100]);
    bytes
}

/// Shapes that make a reader do the same work over and over, from minutes to hours of it; none of them is long.
#[test]
fn time_is_in_proportion_to_the_file() {
    let stored = |n: usize| {
        let n = u16::try_from(n).unwrap();
        [&[0][..], &n.to_le_bytes(), &(!n).to_le_bytes()].concat()
    };
    let raw = |n: usize| u32::try_from(n << 3).unwrap().to_le_bytes()[..3].to_vec();
    let small = b"WARC/1.0\r\nA: b\r\n\r\n";
    let bytes_alone: Vec<Vec<u8>> = (0..=255u8).map(|byte| gzip(&[byte])).collect();
    let dictionary_bytes = 16u32 << 20;
    let empty_members = [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".as_slice(),
        &gzip(b"").repeat(800_000),
    ];
    for (shape, bytes, found) in [
        (
            "headers without end",
            b"WARC/1.0\r\nA: b\r\n".repeat(200_000),
            (0, 200_000),
        ),
        (
            "headers in headers",
            b"WARC/1.0\r\nWARC-Type: xWARC/1.0\r\nWARC-Type: y\r\nB: ".repeat(100_000),
            (0, 1),
        ),
        (
            "gzip members that fail together",
            failing_together(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], stored, 7),
            (0, 1),
        ),
        (
            "zstd frames that fail together",
            failing_together(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x58], raw, 7),
            (0, 1),
        ),
        (
            "a gzip member for each byte",
            small
                .repeat(20_000)
                .iter()
                .flat_map(|byte| bytes_alone[usize::from(*byte)].clone())
                .collect(),
            (0, 20_000),
        ),
        (
            "a long dictionary for many frames",
            [
                &0x184D_2A5D_u32.to_le_bytes()[..],
                &dictionary_bytes.to_le_bytes(),
                &vec![b'd'; 16 << 20],
                &zst(small).repeat(50_000),
            ]
            .concat(),
            (0, 50_000),
        ),
        (
            "a body of empty gzip members",
            response("http://a.org/", &empty_members.concat()),
            (1, 1),
        ),
    ] {
        let begun = Instant::now();
        let (mut records, mut problems) = (0, 0);
        match Archive::from_reader(Cursor::new(bytes), Limits::default()) {
            Err(_) => problems += 1,
            Ok(archive) => archive.for_each(|item| match item {
                Ok(_) => records += 1,
                Err(_) => problems += 1,
            }),
        }
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(60), "{shape}: {took:?}");
        assert_eq!(records, found.0, "{shape}");
        assert!(problems >= found.1, "{shape}: {problems}");
    }
}

#[test]
fn opening_holds_no_more_problems_than_it_must() {
    let mut damaged = gzip(b"WARC/");
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let mut bytes = damaged.repeat(100_000);
    let opened = Archive::from_reader(Cursor::new(bytes.clone()), Limits::default());
    assert!(opened.unwrap().bytes_read() < 1 << 20);
    bytes.extend(gzip(&pages(1)[0]));
    let (records, problems) = read(&bytes);
    assert_eq!((records.len(), problems.len()), (1, 100_000));
}

#[test]
fn zero_padding_is_passed_over_and_reported() {
    let zeros = vec![0; 100_000];
    let [first, second] = <[Vec<u8>; 2]>::try_from(pages(2)).unwrap();
    let between = [first.clone(), zeros.clone(), second.clone()].concat();
    let in_gzip = [gzip(&first), zeros.clone(), gzip(&second)].concat();
    let at_end = [gzip(&first), gzip(&second), zeros].concat();
    for bytes in [between, in_gzip, at_end] {
        let (records, problems) = read(&bytes);
        assert_eq!(records.len(), 2);
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}

#[test]
fn files_that_are_no_archives_are_told() {
    let html = b"<html><p>no archive</p></html>".repeat(1000);
    for bytes in [
        Vec::new(),
        b"\n".to_vec(),
        html.clone(),
        gzip(&html),
        zst(&html),
        vec![0; 1 << 20],
        b"PK\x03\x04\x14\x00".to_vec(),
        // What is stored in it as it is would not be all.
        [b"PK\x03\x04\x14\x00".to_vec(), members(&pages(3))].concat(),
        b"org,a)/ 20240518015810 http://a.org/ text/html 200 ABC - - 12 34 a.warc.gz\n".to_vec(),
    ] {
        let (records, problems) = read(&bytes);
        assert_eq!(
            (records.len(), kinds(&problems)),
            (0, vec!["unknown-format"])
        );
    }
}

#[test]
fn a_capture_that_lacks_something_is_reported_with_the_reason() {
    let http = b"HTTP/1.1 200 OK\r\n\r\n";
    let uri = "WARC-Type: response\r\nWARC-Target-URI: http://a.org/";
    for (fields, kind) in [
        (
            format!("{uri}\r\nWARC-Date: 1815-06-18T11:30:00Z"),
            "bad-date",
        ),
        (uri.to_owned(), "bad-date"),
        (
            "WARC-Type: response\r\nWARC-Date: 2024-05-18".to_owned(),
            "bad-target-uri",
        ),
        ("WARC-Date: 2024-05-18".to_owned(), "bad-header"),
    ] {
        let (records, problems) = read(&warc_record(&fields, http));
        assert_eq!(
            (records.len(), kinds(&problems)),
            (0, vec![kind]),
            "{fields}"
        );
    }
    let wat = "WARC-Type: metadata\r\nContent-Type: application/json\r\nWARC-Date: 2024";
    let (_, problems) = read(&warc_record(wat, b"{\"Envelope\":{"));
    assert_eq!(kinds(&problems), ["bad-wat"]);
    let nested = format!("{{\"Envelope\":{}", "[".repeat(1_000_000));
    let (_, problems) = read(&warc_record(wat, nested.as_bytes()));
    assert_eq!(kinds(&problems), ["bad-wat"]);
    let ignored = format!("{{\"a\":{}", "[".repeat(1_000_000));
    let (_, problems) = read(&warc_record(wat, ignored.as_bytes()));
    assert_eq!(kinds(&problems), ["bad-wat"]);
}

/// A record of any length that is nowhere in memory.
fn long_record(length: u64, filler: &'static str) -> impl Read + Send + 'static {
    let http = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    let header = format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.org/long\r\n\
         WARC-Date: 2024-05-18T01:58:10Z\r\nContent-Length: {length}\r\n\r\n{http}"
    );
    let filler = Cycle(filler.as_bytes(), 0).take(length - http.len() as u64);
    let rest = [b"\r\n\r\n".to_vec(), pages(1).concat()].concat();
    Cursor::new(header).chain(filler).chain(Cursor::new(rest))
}

/// The same bytes for ever.
struct Cycle(&'static [u8], usize);

impl Read for Cycle {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        for byte in out.iter_mut() {
            *byte = self.0[self.1];
            self.1 = (self.1 + 1) % self.0.len();
        }
        Ok(out.len())
    }
}

#[test]
fn memory_is_bounded_whatever_the_file_claims() {
    let before = peak_bytes();
    let cut = |(records, problems): (Vec<Record>, Vec<Problem>)| {
        assert_eq!(uris(&records), ["http://a.org/long", "http://a.org/0"]);
        assert_eq!(kinds(&problems), ["body-cut"]);
        let Payload::Response(response) = &records[0].payload else {
            panic!("no response");
        };
        assert_eq!(response.body.len(), Limits::default().body_bytes_max);
        assert!(response.body_cut);
    };
    // A single record of 1 GB.
    cut(drain(long_record(1 << 30, "<a href=x>")));
    // The same as a gzip bomb, 1000 to 1.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut long_record(1 << 28, "a"), &mut bomb).unwrap();
    cut(drain(Cursor::new(bomb.finish().unwrap())));
    // A record that is passed over, of 1 GB.
    let skipped =
        Cursor::new("WARC/1.0\r\nWARC-Type: metadata\r\nContent-Length: 1073741824\r\n\r\n");
    let rest = [b"\r\n\r\n".to_vec(), pages(1).concat()].concat();
    let file = skipped
        .chain(Cycle(b"x\n", 0).take(1 << 30))
        .chain(Cursor::new(rest));
    let (records, problems) = drain(file);
    assert_eq!((records.len(), problems), (1, vec![]));
    // A header of 10 MB, of the record and of its HTTP message.
    for header in [
        Cursor::new("WARC/1.0\r\n".to_owned()),
        Cursor::new(
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.org/\r\n\
             WARC-Date: 2024-05-18\r\nContent-Length: 10485777\r\n\r\nHTTP/1.1 200 OK\r\n"
                .to_owned(),
        ),
    ] {
        let rest = [b"\r\n\r\n".to_vec(), pages(1).concat()].concat();
        let file = header
            .chain(Cycle(b"a: b ", 0).take(10 << 20))
            .chain(Cursor::new(rest));
        let (records, problems) = drain(file);
        assert_eq!(uris(&records), ["http://a.org/0"]);
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
    // Encodings that unpack to far more than the limit.
    let zeros = vec![b' '; 256 << 20];
    let mut brotli_bomb = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 1,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut zeros.as_slice(), &mut brotli_bomb, &params).unwrap();
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("br", brotli_bomb),
        ("zstd", zst(&zeros)),
    ];
    drop(zeros);
    let inputs = 256 << 20;
    for (coding, body) in bombs {
        let mut http =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n").into_bytes();
        http.extend(body);
        let (_, problems) = support::only_body(&response("http://a.org/", &http));
        assert_eq!(problems, ["body-cut"], "{coding}");
    }
    let grown = peak_bytes().saturating_sub(before);
    assert!(grown < inputs + (160 << 20), "memory grew by {grown} bytes");
}

#[test]
fn an_error_of_the_reader_ends_the_file() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let (records, problems) = drain(Cursor::new(pages(3).concat()).chain(Failing));
    assert_eq!(records.len(), 3);
    assert_eq!(kinds(&problems), ["io"]);
    let (_, problems) = drain(Failing);
    assert_eq!(kinds(&problems), ["io"]);
}

#[test]
fn bytes_read_come_to_the_length_of_the_file() {
    let file = data("example.arc.gz");
    let mut archive = Archive::from_reader(Cursor::new(file.clone()), Limits::default()).unwrap();
    assert_eq!(archive.by_ref().filter(Result::is_ok).count(), 4);
    assert_eq!(archive.bytes_read(), file.len() as u64);
    assert_eq!(archive.skipped(), 2);
}

/// Bytes that look like archives often enough.
fn archive_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        proptest::sample::select(vec![
            b"WARC/1.0\r\n".to_vec(),
            b"WARC/1.0\nWARC-Type: response\n".to_vec(),
            b"WARC-Target-URI: http://a.org/\r\nWARC-Date: 2024\r\n".to_vec(),
            b"WARC-Type: metadata\r\nContent-Type: application/json\r\n".to_vec(),
            b"Content-Length: 30\r\n\r\n".to_vec(),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: br\r\n\r\n"
                .to_vec(),
            b"\r\n\r\n".to_vec(),
            b"5\r\nabcde\r\n0\r\n\r\n".to_vec(),
            b"http://a.org/ 1.2.3.4 20240518015810 text/html 40\n".to_vec(),
            b"{\"Envelope\":{\"Payload-Metadata\":{\"HTTP-Response-Metadata\":{}}}}".to_vec(),
            vec![0; 50],
            gzip(b"WARC/1.0\r\nA: b\r\n\r\n"),
            zst(b"WARC/1.0\r\nA: b\r\n\r\n"),
            vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
            vec![0x28, 0xb5, 0x2f, 0xfd, 4],
            vec![0x5d, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4],
        ]),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// No input makes the reader panic or go on for ever, and how the bytes are packed or handed
    /// over does not matter.
    #[test]
    fn any_bytes_are_read_to_their_end(bytes in archive_like()) {
        let (records, problems) = read(&bytes);
        // Whatever is there is handed on, reported, or counted as no capture.
        prop_assert!(!records.is_empty() || !problems.is_empty() || skipped(&bytes) > 0);
        let slow = drain(OneByte(Cursor::new(bytes.clone())));
        prop_assert_eq!(&slow, &(records, problems));
        let (small, _) = windlass_archive::read_all(&bytes, SMALL);
        for record in small {
            if let Payload::Response(response) = record.payload {
                prop_assert!(response.body.len() <= SMALL.body_bytes_max);
            }
        }
    }

    #[test]
    fn records_are_the_same_in_one_gzip_stream(mut bytes in archive_like()) {
        // Where the beginning is damaged, a packing in it tells how the file is packed, unless it is packed again.
        let packings = [&[0x1f, 0x8b, 8][..], &[0x28, 0xb5, 0x2f, 0xfd], &[0x2a, 0x4d, 0x18]];
        let has = |packing: &[u8]| bytes.windows(packing.len()).any(|found| found == packing);
        if packings.into_iter().any(has) {
            let plain = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n";
            bytes = [plain, &bytes[..]].concat();
        }
        let (plain, _) = read(&bytes);
        let (packed, _) = read(&gzip(&bytes));
        prop_assert_eq!(without_offsets(plain), without_offsets(packed));
    }
}

/// Hands over a byte at a time.
struct OneByte(Cursor<Vec<u8>>);

impl Read for OneByte {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = out.len().min(1);
        self.0.read(&mut out[..n])
    }
}

#[test]
fn damage_that_is_noticed_late_costs_no_more() {
    // The second member decodes into the third, because its end is gone.
    let parts = pages(4);
    let packed: Vec<Vec<u8>> = parts.iter().map(|p| gzip(p)).collect();
    let cut = &packed[1][..packed[1].len() - 12];
    let mut bytes = packed[0].clone();
    bytes.write_all(cut).unwrap();
    bytes.extend(&packed[2]);
    bytes.extend(&packed[3]);
    let (records, problems) = read(&bytes);
    assert_eq!(
        uris(&records),
        ["http://a.org/0", "http://a.org/2", "http://a.org/3"]
    );
    assert_eq!(kinds(&problems), ["compression"]);
    assert_eq!(problems[0].offset, packed[0].len() as u64);
}

/// A record that is called something else than HTTP, and is none, is no capture and no problem either.
#[test]
fn a_response_that_is_no_http_is_passed_over() {
    let record = |content_type: &str, content: &[u8]| {
        let fields = format!(
            "WARC-Type: response\r\nWARC-Target-URI: https://a.org/\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n\
             Content-Type: {content_type}"
        );
        warc_record(&fields, content)
    };
    let http = b"HTTP/1.1 200 OK\r\n\r\nx";
    for (content_type, content, outcome) in [
        (
            "text/dns",
            &b"20240518015810\r\na.org. 300 IN A 1.2.3.4"[..],
            (0, vec![], 1),
        ),
        // What is HTTP is HTTP, whatever it is called; what is called so must be.
        ("text/dns", http, (1, vec![], 0)),
        ("application/http", b"20240518", (0, vec!["bad-http"], 0)),
    ] {
        let bytes = record(content_type, content);
        let (records, problems) = read(&bytes);
        let found = (records.len(), kinds(&problems), skipped(&bytes));
        assert_eq!(found, outcome, "{content_type}");
    }
}

/// Of a record that the archive cut short, what is kept must be whole by its own account: also its header.
#[test]
fn a_header_that_ends_with_the_file_tells_no_status() {
    let whole = response(
        "http://a.org/",
        b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nabc",
    );
    let at = |text: &[u8]| memchr::memmem::find(&whole, text).unwrap() + text.len();
    for (end, is_kept) in [
        (at(b"404 Not Found\r\n"), false),
        (at(b"A: b\r\n"), false),
        (at(b"A: b\r\n\r\n"), true),
        (at(b"A: b\r\n\r\na"), true),
    ] {
        let (records, problems) = read(&whole[..end]);
        assert_eq!(records.len(), usize::from(is_kept), "{end}");
        assert_eq!(kinds(&problems), ["bad-length"], "{end}");
    }
}
